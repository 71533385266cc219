/*
 * A port that the service needs and that is not free yet: its last connections are still being closed after the old process was killed, or a process
 * that was left behind listens on it. A release that cannot start for that is not to blame: it is started again once the port is free.
 */
#pragma once

#include "deploy/session.h"

/*
 * The ports that the release that runs listens on and nobody else, before it is stopped; what was known of a transaction before is forgotten. Of a unit that is down: those that its probes ask and somebody else has
 * already, which is told.
 */
void vacancy_note(struct session *session, const struct unit *unit);

/* What a worker before this one noted of the transaction that is under way. */
void vacancy_recall(struct session *session);

/*
 * The release did not start, or died, and a noted port is not free. Did it say (in the journal) that an address is in use, or has somebody else a port that
 * was the service's before? Then the unit is stopped, and the port waited for; a process that the release that failed has left behind in the unit's
 * cgroup is ended when it is in the way of the one that comes back. > 0: VACANCY_FREE: try again; VACANCY_INTERRUPTED. 0: it failed for a reason of its own, or there
 * was no end to be waited for.
 */
enum {
	VACANCY_FREE = 1,
	VACANCY_INTERRUPTED,
};
int vacancy_wait(struct session *session, struct error *err);

/* Adds "; port 8080 is held by 812 (nginx) of nginx.service" to a reason, if the last look found that. */
void vacancy_blame(const struct session *session, char *reason, size_t room);

/* "; port 8080 was waited for (43s)", or empty. Returns ret_text. */
char *vacancy_remark(const struct session *session, char *ret_text, size_t room);
