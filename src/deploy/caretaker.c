#include "deploy/caretaker.h"

#include <string.h>

#include "store/layout.h"
#include "store/lock.h"
#include "unit/job.h"
#include "unit/unit.h"

/* Must the unit be running? Before the switch it was not touched, and may be down by somebody's wish. */
static bool is_touched(const struct state *state)
{
	return state->phase != PHASE_IDLE && state->phase != PHASE_STAGING &&
	       state->phase != PHASE_STAGED && state->transaction.origin != SLOT_NONE &&
	       state->transaction.unit[0];
}

static bool is_down(const struct unit *unit)
{
	return !unit->job_pending && (strcmp(unit->active_state, "inactive") == 0 ||
				      strcmp(unit->active_state, "failed") == 0);
}

static int keep_running(int dirfd, const struct state *state, bool *ret_started, struct error *err)
{
	const struct state_transaction *transaction = &state->transaction;
	_cleanup_(manager_freep) struct manager *manager = NULL;
	_cleanup_unit_ struct unit unit = {};
	_cleanup_(job_freep) struct job *job = NULL;
	int r;

	r = transaction->user[0] ? manager_open_of(transaction->user, &manager, err) :
				   manager_open(&manager, err);
	if (r < 0)
		return r;
	r = unit_query(manager, transaction->unit, &unit, err);
	if (r < 0 || !is_down(&unit))
		return r;
	if (state->phase == PHASE_REVERTING) {
		r = layout_point_current(dirfd, transaction->origin, err);
		if (r < 0)
			return r;
	}
	r = unit_reset_failed(manager, transaction->unit, err);
	if (r < 0)
		return r;
	r = job_new(manager, JOB_START, transaction->unit, &job, err);
	if (r < 0)
		return r;
	*ret_started = true;
	return 0;
}

int caretaker_run(int dirfd, struct state *ret_state, bool *ret_started, struct error *err)
{
	_cleanup_close_ int lock_fd = -1;
	int r;

	*ret_started = false;
	r = lock_take(dirfd, LAYOUT_LOCK, &lock_fd, err);
	if (r < 0)
		return r;
	if (r == LOCK_TAKEN)
		return CARETAKER_BUSY;
	r = state_load(dirfd, ret_state, err);
	if (r < 0)
		return r;
	if (ret_state->phase == PHASE_IDLE)
		return CARETAKER_IDLE;
	return is_touched(ret_state) ? keep_running(dirfd, ret_state, ret_started, err) : 0;
}
