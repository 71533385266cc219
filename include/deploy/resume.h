/*
 * What a start of the worker, or of the machine, makes of a transaction that was under way.
 */
#pragma once

#include "deploy/session.h"

#define RESUME_ATTEMPTS_MAX 10 /* starts of the worker in one phase without getting on */
#define RESUME_STAGING_MAX  250 /* the same as long as the service is not touched */

enum resume_verdict {
	RESUME_GO_ON,
	RESUME_REVERT, /* the verdict falls: reason says why */
	RESUME_FAIL, /* before the switch: the transaction ends with failed */
};

/*
 * Pure. Counts this start in *transaction: attempts; after another boot than transaction->boot_id also the tries
 * that an unorderly end of it costs in SWITCHING, TRIAL and WATCHING. The caller stores the state.
 * ret_reason is set with RESUME_REVERT and RESUME_FAIL.
 */
enum resume_verdict resume_judge(enum phase phase, struct state_transaction *transaction,
				 const char *boot_id, char *ret_reason, size_t room);

/*
 * Makes `current` what the state says, mends a state that was lost (deploy/remember.h), counts
 * the start. For the worker and for recovery at boot: talks to no service. If `repointed` is set then, the caller looks after the unit, and
 * only then stores the state.
 */
int resume_settle(struct session *session, struct error *err);
