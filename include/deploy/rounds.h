/*
 * The probes of one judging: when each is asked, what each has said, how often in a row.
 */
#pragma once

#include "deploy/judge.h"

struct rounds_probe {
	const struct probe_options *options;
	struct probe_run *run; /* NULL: not being asked at the moment */
	uint64_t next; /* monotonic: when to ask again */
	uint64_t unasked; /* monotonic: since when it could not be asked; 0: it could */
	unsigned int asked, passes, failures; /* the latter two in a row */
	bool counts; /* may condemn: required, local, not exempt */
	bool settled; /* has passed as often as it should */
	bool final; /* its last answer was a no that stays one */
	char text[PROBE_TEXT_MAX]; /* the last answer */
};

struct rounds {
	struct rounds_probe *probes;
	size_t n_probes;
	int epoll_fd; /* readable when a probe has an answer, or wake_fd is */
};

/* Chooses the probes of the phase. */
int rounds_new(struct rounds **ret_rounds, const struct deploy_options *options,
	       const struct judge_options *judge, struct error *err);
void rounds_free(struct rounds *rounds);
CLEANUP_DEFINE(struct rounds, rounds_free);

/* Forgets what was said so far: another invocation runs. */
void rounds_reset(struct rounds *rounds);

/* Who is asked, and where what changed is told. */
struct rounds_view {
	const struct deploy_options *options;
	const struct judge_options *judge;
	const struct event_listener *listener;
	const struct state *state;
	const struct unit *unit;
	struct manager *manager;
};

/*
 * Asks who is due, takes the answers that are there. What could not be asked, since who starts helpers is away (PROBE_UNASKED),
 * counts for nothing and is asked again; after 10 s of that: > 0, ROUNDS_UNASKED, and err says why. It is no fault of the release.
 */
enum { ROUNDS_UNASKED = 1 };
int rounds_step(struct rounds *rounds, const struct rounds_view *view, struct error *err);

/* When the next probe is due or overdue, monotonic usec. */
uint64_t rounds_next(const struct rounds *rounds);

/* Pure questions to what was said so far. */
bool rounds_all_settled(const struct rounds *rounds); /* every probe that counts */
bool rounds_all_certain(
	const struct rounds *rounds); /* each has passed, or failed as often in a row as it may */
bool rounds_any_in_doubt(
	const struct rounds
		*rounds); /* one that counts fails now, or cannot be asked, or was not yet */
bool rounds_all_on_their_way(
	const struct rounds
		*rounds); /* none of those that count says no; some have not said enough yet */
bool rounds_external_fails(const struct rounds *rounds);
const struct rounds_probe *
rounds_find_failed(const struct rounds *rounds); /* failed as often as it may */

/* One that counts, and whose no stays one: nothing is to be waited for. */
const struct rounds_probe *rounds_find_final(const struct rounds *rounds);

/* "name: text; name: text" of the probes that count and have not settled. Returns ret_text. */
char *rounds_explain(const struct rounds *rounds, char *ret_text, size_t room);
/* Names of those whose last answer was no, each with a comma behind. Returns ret_names. */
char *rounds_failed_names(const struct rounds *rounds, char *ret_names, size_t room);
