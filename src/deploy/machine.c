#include <assert.h>

#include "base/cleanup.h"
#include "deploy/machine.h"

/*
 *                  install                switch, rollback (of a committed release)
 *        ┌──────────────────────┐  ┌───────────────────────────────┐
 *        │                      ▼  │                               │
 *     ┌──┴───┐  request    ┌─────────┐  staged   ┌────────┐        │
 *     │ IDLE │             │ STAGING ├──────────►│ STAGED │◄───────┘
 *     └──────┘             └────┬────┘           └──┬──┬──┘
 *        ▲  ended: refused,     │                   │  │ go   (from here on the service is touched)
 *        │  failed, cancelled   │                   │  ▼
 *        ├──────────────────────┴───────────────────┘ ┌───────────┐ bad
 *        │                                            │ SWITCHING ├──────────┐
 *        │                                            └─────┬─────┘          │
 *        │                                          running ▼                ▼
 *        │                                              ┌───────┐ bad ┌───────────┐
 *        │                                              │ TRIAL ├────►│ REVERTING │
 *        │                                              └───┬───┘     └─────┬─────┘
 *        │                                           passed ▼               │  ▲
 *        │             ended: committed               ┌──────────┐   bad    │  │
 *        ├────────────────────────────────────────────┤ WATCHING ├──────────┼──┘
 *        │                                            └──────────┘          │
 *        └──────────────────────────────────────────────────────────────────┘
 *                     ended: rolled-back, rolled-back-unhealthy, both-bad, failed-first, failed (OnFail=keep)
 *
 * phase      `current` names   true on disk                              does the work
 * ---------  ----------------  ----------------------------------------  --------------------
 * IDLE       the known good    nothing under way                          worker.c: requests
 * STAGING    the origin        target slot: unsealed, in any condition    staging_run
 * STAGED     the origin        target slot: complete, synced, sealed      switching_prepare
 * SWITCHING  origin or target  both slots sealed; the unit must run        switching_run
 *                              data to be kept aside (data.h): whole, with its inode recorded, before `current` names the target
 * TRIAL      the target        the unit was started from the target        trial_run
 * WATCHING   the target        start probes were passed                    trial_watch
 * REVERTING  target or origin  the verdict and its reason are recorded     reverting_run
 *                              stop, data back, flip, start: each is done if it is not so yet
 *
 * Each step can be run again from its beginning at any time: after a crash the state is loaded and
 * the function of its phase is called, nothing else.
 */
static const struct {
	enum phase phase;
	enum machine_event event;
	enum phase next;
} table[] = {
	{ PHASE_IDLE, MACHINE_REQUEST_INSTALL, PHASE_STAGING },
	{ PHASE_IDLE, MACHINE_REQUEST_SWITCH, PHASE_STAGED },

	{ PHASE_STAGING, MACHINE_STAGED, PHASE_STAGED },
	{ PHASE_STAGING, MACHINE_ENDED, PHASE_IDLE },

	{ PHASE_STAGED, MACHINE_GO, PHASE_SWITCHING },
	{ PHASE_STAGED, MACHINE_ENDED, PHASE_IDLE },

	{ PHASE_SWITCHING, MACHINE_RUNNING, PHASE_TRIAL },
	{ PHASE_SWITCHING, MACHINE_BAD, PHASE_REVERTING },
	{ PHASE_SWITCHING, MACHINE_ENDED, PHASE_IDLE },

	{ PHASE_TRIAL, MACHINE_PASSED, PHASE_WATCHING },
	{ PHASE_TRIAL, MACHINE_BAD, PHASE_REVERTING },
	{ PHASE_TRIAL, MACHINE_ENDED, PHASE_IDLE },

	{ PHASE_WATCHING, MACHINE_BAD, PHASE_REVERTING },
	{ PHASE_WATCHING, MACHINE_ENDED, PHASE_IDLE },

	{ PHASE_REVERTING, MACHINE_ENDED, PHASE_IDLE },
};

enum phase machine_next(enum phase phase, enum machine_event event)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].phase == phase && table[i].event == event)
			return table[i].next;
	}
	return PHASE_MAX;
}

const char *machine_event_name(enum machine_event event)
{
	static const char *const names[MACHINE_EVENT_MAX] = {
		[MACHINE_REQUEST_INSTALL] = "request-install",
		[MACHINE_REQUEST_SWITCH] = "request-switch",
		[MACHINE_STAGED] = "staged",
		[MACHINE_GO] = "go",
		[MACHINE_RUNNING] = "running",
		[MACHINE_PASSED] = "passed",
		[MACHINE_BAD] = "bad",
		[MACHINE_ENDED] = "ended",
	};

	assert(event < MACHINE_EVENT_MAX);
	return names[event];
}
