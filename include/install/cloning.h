/*
 * Giving all contents that are to be had on this disk their places (install/supply.h), with two hands.
 */
#pragma once

#include "install/meter.h"
#include "install/supply.h"

struct cloning_finding { /* a file of the running slot that is not what its seal says */
	uint32_t number; /* of the source's index */
	const char *why; /* static */
};

struct cloning {
	const struct supply *supply;
	struct meter *meter; /* of the supply's locals; STAGE_CLONE */
	uint64_t bytes; /* of all files that will be made */
	struct cloning_finding *findings; /* out, also when it failed; in the order of the work */
	size_t n_findings;
};

int cloning_run(struct cloning *cloning, struct error *err);
void cloning_done(struct cloning *cloning);
