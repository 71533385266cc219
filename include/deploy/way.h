/*
 * Which way a release comes: by a bundle from the release that runs, by one that has every block, or as the full archive.
 * Decides from figures and touches nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum way_delta { /* Delta= */
		 WAY_PREFER, /* the cheapest */
		 WAY_REQUIRE, /* never the full archive over a release that is installed */
		 WAY_OFF, /* only the full archive */
};

struct way_policy {
	enum way_delta delta;
	uint64_t fallback; /* Fallback=: the most that the full archive may cost when no bundle can be used: 0: refuse; UINT64_MAX: full */
};

enum way_kind { /* of those that cost the same the first is taken */
		WAY_UPDATE, /* a bundle whose base is the release that runs */
		WAY_BLOCKS, /* one without a base: the blocks that this machine lacks */
		WAY_FULL,
		WAY_MAX,
};

const char *way_name(enum way_kind kind); /* "update", "blocks", "full" */

struct way_cost {
	const char *
		why_not; /* NULL: it can be gone; otherwise why not, for a person; the figures are of no use then */
	uint64_t fetch_bytes; /* that are not on this machine yet */
	uint64_t requests;
	uint64_t write_bytes;
	uint64_t peak_bytes, peak_inodes; /* on the disk, beyond what is in use now */
};

struct way_question {
	struct way_policy policy;
	bool installed; /* some release runs: policy holds; nothing else than the full archive is a first installation */
	uint64_t room_bytes, room_inodes; /* that there are, without the reserve */
	struct way_cost costs[WAY_MAX];
};

struct way_answer {
	enum way_kind kind;
	enum way_kind cheapest; /* the one that space has ruled out; otherwise as kind */
};

/*
 * < 0: none. FAULT_NO_SPACE: what can be gone does not fit, the smallest is named; FAULT_CONFIG: Delta= or Fallback=
 * forbids what is left, which is said; each way that cannot be gone is named with why not.
 */
int way_decide(const struct way_question *question, struct way_answer *ret_answer,
	       struct error *err);
