/*
 * The phase machine of a transaction: a constant table and a pure function under its diagram
 * (src/deploy/machine.c). What each phase means on disk stands there too.
 */
#pragma once

#include "store/phase.h"

enum machine_event {
	MACHINE_REQUEST_INSTALL, /* a release shall be staged */
	MACHINE_REQUEST_SWITCH, /* a slot that holds a sealed release shall become current */
	MACHINE_STAGED, /* the slot is complete, verified, synced and sealed */
	MACHINE_GO, /* preflight has passed: the point from which the service is touched */
	MACHINE_RUNNING, /* the job is done, the unit runs the new slot */
	MACHINE_PASSED, /* the start probes, or the watch window, were passed */
	MACHINE_BAD, /* the verdict fell, or a person said rollback */
	MACHINE_ENDED, /* nothing is left to do: an outcome is recorded */
	MACHINE_EVENT_MAX,
};

const char *machine_event_name(enum machine_event event);

/* PHASE_MAX: the pair is not in the table, which is a bug of the caller. */
enum phase machine_next(enum phase phase, enum machine_event event);
