/*
 * The judge asks the probes of a phase, as often as their periods say, until a verdict stands.
 */
#pragma once

#include "deploy/event.h"
#include "deploy/options.h"
#include "unit/ports.h"
#include "unit/proof.h"

enum judge_phase {
	JUDGE_BASELINE, /* on the old release; who fails FailureThreshold= times in a row is written down, nobody is condemned */
	JUDGE_START, /* until every required probe has passed, or the deadline */
	JUDGE_WATCH, /* for the length of the window */
};

enum judge_verdict {
	JUDGE_PASSED = 1,
	JUDGE_BAD, /* reason says why */
	JUDGE_INTERRUPTED, /* interrupt() said so, or the machine is going down */
	JUDGE_STOPPED, /* the unit is inactive, and may be so by rights: somebody stopped it, or what starts it does so at need */
	JUDGE_UNASKED, /* for unasked_usec nobody could ask the probes, as reason says: it is not known how the release is */
};

#define JUDGE_UNASKED_USEC (10 * USEC_PER_SEC) /* of a release that is known to be good */
#define JUDGE_UNASKED_NEW_USEC \
	(600 * USEC_PER_SEC) /* of one on trial: until somebody has seen to it */

struct judge_options {
	enum judge_phase phase;
	uint64_t deadline; /* monotonic usec: start: give up; watch: end of the window */
	uint64_t patience; /* usec from here on: start: as long an answer that is on its way is waited for, also past the deadline */
	/*
	 * usec: as long those who ask may be away, all in all. The clock stands still meanwhile: the time is added to the deadline. What the
	 * unit itself shows, counts all the same.
	 */
	uint64_t unasked_usec;
	const char *slot_path; /* absolute path of the slot that must run */
	const char *other_path;
	const char *current_path;
	const char
		*exempt; /* names of probes that failed at the baseline, each with a comma behind */
	const char
		*siblings; /* units that must be up as well, each with a comma behind; NULL: none */
	const struct ports *before; /* that the release before listened on; NULL: not known */
	const char *invocation; /* the one under judgement; empty: whichever runs */
	unsigned int restarts; /* by systemd, that there had been before and that say nothing */
	/* asked between steps: > 0 ends the judging with JUDGE_INTERRUPTED; wake_fd (-1: none) wakes the judge up */
	int (*interrupt)(void *data);
	void *interrupt_data;
	int wake_fd;
};

struct judge_report {
	char reason[STATE_REASON_MAX];
	char failed[256]; /* JUDGE_BASELINE: names of probes that failed, each with a comma behind */
	char invocation[33]; /* what was under judgement at the end: a restart by hand is followed */
	struct proof_verdict proof;
};

/* Returns a verdict (> 0), or < 0 if asking was impossible. */
int judge_run(const struct deploy_options *options, const struct judge_options *how,
	      struct manager *manager, const struct event_listener *listener,
	      const struct state *state, struct judge_report *ret_report, struct error *err);
