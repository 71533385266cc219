/*
 * One round of the probes on the release that still runs, before the switch: what fails on it already does not condemn the new one.
 */
#pragma once

#include "deploy/session.h"

/*
 * Their names are noted in the transaction. > 0: BASELINE_NO_GO, it has ended (refused: nobody can ask, and no person wants the way
 * back), or something else is wanted.
 */
enum { BASELINE_NO_GO = 1 };
int baseline_ask(struct session *session, struct manager *manager, const struct unit *unit,
		 struct error *err);
