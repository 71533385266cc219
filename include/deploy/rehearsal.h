/*
 * STAGED: the release's own check (Check=), run from its slot before the service is touched: as the service's user, in a sandboxed unit of its
 * own. It finds missing libraries, wrong processors, a configuration that it does not like, without any downtime.
 */
#pragma once

#include "deploy/session.h"

/*
 * > 0: REHEARSAL_NO_GO: it has failed, and the transaction has ended with `refused` (the release is remembered as bad: no timer tries it
 * again); or a request or a stop came in between. Nothing is run without Check=, nor for a rollback.
 */
enum { REHEARSAL_NO_GO = 1 };
int rehearsal_run(struct session *session, const struct unit *unit, struct error *err);
