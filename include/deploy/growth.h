/*
 * What a release costs beside the one before it: memory, and how often it logs that something is wrong. That is no verdict of systemd's
 * and of no probe; it is told, and condemns only where the configuration says so (MemoryLevel=, ErrorLevel=).
 */
#pragma once

#include "deploy/session.h"
#include "unit/unit.h"

/* Notes what the release that still runs uses and logs; not for one that has just come up. */
void growth_note(struct session *session, const struct unit *unit);

/*
 * At the end of the watch window: tells what has grown beyond what the configuration allows. > 0: GROWTH_BAD, that
 * condemns the release; ret_reason says why.
 */
enum { GROWTH_BAD = 1 };
int growth_judge(struct session *session, char *ret_reason, size_t room, struct error *err);
