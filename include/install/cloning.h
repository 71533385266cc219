/*
 * Giving all contents that are to be had on this disk their places (install/supply.h), with two hands.
 */
#pragma once

#include "install/meter.h"
#include "install/supply.h"

struct cloning;

struct cloning_finding { /* a file of the running slot that is not what its seal says */
	uint32_t number; /* of the source's index */
	const char *why; /* static */
};

/*
 * Begins: one hand works at once, the caller's with each step. supply and meter, the one of the supply's locals, are borrowed;
 * bytes of all files that will be made, for STAGE_CLONE.
 */
int cloning_new(const struct supply *supply, struct meter *meter, uint64_t bytes,
		struct cloning **ret_cloning, struct error *err);

/* One content. > 0: CLONING_DONE, all have their places. After a failure only cloning_findings and cloning_free may follow. */
enum { CLONING_DONE = 1 };
int cloning_step(struct cloning *cloning, struct error *err);

/* Stops it in the middle, if need be. */
void cloning_free(struct cloning *cloning);
CLEANUP_DEFINE(struct cloning, cloning_free);

/* After the end, or a failure: what was found, in the order of the work. Returns how many. */
size_t cloning_findings(const struct cloning *cloning, const struct cloning_finding **ret_findings);
