/*
 * What doctor also looks at, beside preflight, slots and units: the files of the app's directory and its lock, clock, journal, kernel,
 * alerts that cannot be delivered, how the unit stops and fails, the group.
 */
#pragma once

#include "app/doctor.h"
#include "app/status.h"
#include "deploy/options.h"

struct checkup {
	const char *app;
	const struct deploy_options *options;
	const struct status *status;
	int dirfd; /* the app's directory */
	bool online; /* the source is asked now */
	struct manager *manager; /* NULL: none answers */
	struct manager *owner; /* that has the app's unit; NULL: it does not answer */
	struct doctor_tally *tally;
};

void checkup_run(const struct checkup *checkup);

/* Pure: what a clock that says `now` means; NULL: nothing to say. build: when this program was made; seconds since 1970. */
const char *checkup_judge_clock(uint64_t now, uint64_t build);
