/*
 * A port that the service needs and that is not free yet: its last connections are still being closed after the old process was killed, or a process
 * that was left behind listens on it. A release that cannot start for that is not to blame: it is started again once the port is free.
 */
#pragma once

#include "deploy/session.h"

/* The ports that the release that runs listens on, before it is stopped. */
void vacancy_note(struct session *session, const struct unit *unit);

/*
 * The release did not start, or died. Did it say (in the journal) that an address is in use, and is a noted port not free? Then
 * the unit is stopped, and the port waited for. > 0: VACANCY_FREE: try again; VACANCY_INTERRUPTED. 0: it failed for a reason of its own, or there
 * was no end to be waited for.
 */
enum {
	VACANCY_FREE = 1,
	VACANCY_INTERRUPTED,
};
int vacancy_wait(struct session *session, struct error *err);

/* "; port 8080 was waited for (43s)", or empty. Returns ret_text. */
char *vacancy_remark(const struct session *session, char *ret_text, size_t room);
