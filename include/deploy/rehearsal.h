/*
 * STAGED: the checks of the release (Check=, and the one that came with it in the offer), run from its slot before the service is touched, one after the other with CheckTimeout= each: as the service's user, in a sandboxed unit of its
 * own. They find missing libraries, wrong processors, a configuration that it does not like, without any downtime.
 */
#pragma once

#include "deploy/session.h"

/*
 * > 0: REHEARSAL_NO_GO: one has failed, and the transaction has ended with `refused` (the release is remembered as bad: no timer tries it
 * again); or a request or a stop came in between. Nothing is run for a rollback.
 */
enum { REHEARSAL_NO_GO = 1 };
int rehearsal_run(struct session *session, const struct unit *unit, struct error *err);
