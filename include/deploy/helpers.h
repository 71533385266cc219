/*
 * Who starts helpers for this worker (base/spawn.h), seen to: a spawner that is gone, or that hears nothing, is brought back by
 * systemd. Where helpers are children of the worker there is nothing to see to.
 */
#pragma once

#include "base/clock.h"
#include "deploy/preflight.h"

/*
 * Asks systemd to end flipslot-helper@APP.service and to open flipslot-helper@APP.socket anew, whatever state they are in: a socket may
 * be active and have lost its descriptor (it was masked, or its file changed, while it listened). Does not wait for that. FAULT_UNIT: it
 * cannot be, since one is masked for example.
 */
int helpers_mend(const char *app, struct error *err);

/*
 * Before a switch: can what asks the probes be started? If not it is mended, and hoped for, for 10 s; then it is a finding of fault unit, or, where
 * a person goes back to what was good before, after HELPERS_HASTE_USEC, a warning.
 */
#define HELPERS_HASTE_USEC (2 * USEC_PER_SEC)
int helpers_preflight(const struct deploy_options *options, const struct preflight_input *input,
		      struct preflight *preflight, struct error *err);

/* While they are away: mends at growing intervals. Begins with all zero. The outcome of the last attempt is in why, empty: none failed. */
struct helpers_care {
	uint64_t next; /* monotonic */
	uint64_t pause;
	char why[ERROR_TEXT_MAX];
};
void helpers_care(struct helpers_care *care, const char *app);
