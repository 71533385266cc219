/*
 * Everything that would make a switch fail, asked before anything is touched, all findings at once.
 */
#pragma once

#include "deploy/options.h"
#include "store/state.h"

#define PREFLIGHT_FINDINGS 16

struct preflight_finding {
	enum fault fault;
	char text[ERROR_TEXT_MAX];
};

struct preflight {
	struct preflight_finding findings[PREFLIGHT_FINDINGS];
	size_t n_findings; /* 0: go */
	char warning[ERROR_TEXT_MAX]; /* what stands in nobody's way; empty: nothing */
};

struct preflight_input {
	const struct state *state;
	int dirfd; /* the app's directory */
	enum slot target; /* SLOT_NONE before staging: what concerns the new slot is not asked yet */
	enum slot current; /* SLOT_NONE: first install */
	bool start; /* an inactive unit is fine */
	bool attended_override; /* switch and rollback by a person: a hold does not bar them */
};

/*
 * A job of the unit in the queue that stands in nobody's way: of systemd's own restarts, or, with --start, of a start
 * that may never end.
 */
bool preflight_ignores_job(const struct unit *unit, bool start);

/* One more finding; too many are dropped. */
void preflight_complain(struct preflight *preflight, enum fault fault, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The manager cannot be asked, or fell silent in between: that is the one finding. Returns 0. */
int preflight_give_up(const struct error *why, struct preflight *ret_preflight);

/* < 0 only if the questions could not be asked at all for want of memory or the like. */
int preflight_run(const struct deploy_options *options, const struct preflight_input *input,
		  struct manager *manager, struct preflight *ret_preflight, struct error *err);
