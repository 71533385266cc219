/*
 * What a worker does when nothing is under way: a check that was asked for, or that is due.
 */
#pragma once

#include "deploy/session.h"

#define TICK_PAUSE_USEC \
	(10 * 60 *      \
	 USEC_PER_SEC) /* a worker that nobody asked looks at the source at most that often */

/* Is the app's last look at its source TICK_PAUSE_USEC old? */
bool tick_is_due(int dirfd);

/*
 * Looks at the source if a check was asked for (session->check_id), or if nobody asked this worker for anything, there is
 * a source, and the last look is long enough ago. With Auto=yes what is new, not held, and was not rolled back before is begun
 * to be installed: the phase is STAGING then. What goes wrong is told and recorded, not returned.
 */
int tick_run(struct session *session, struct error *err);
