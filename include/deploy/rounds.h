/*
 * The probes of one judging: when each is asked, what each has said, how often in a row.
 */
#pragma once

#include "deploy/judge.h"

struct rounds_probe {
	const struct probe_options *options;
	struct probe_run *run; /* NULL: not being asked at the moment */
	uint64_t next; /* monotonic: when to ask again */
	uint64_t began; /* monotonic: when it was begun to ask it last */
	uint64_t unasked; /* monotonic: since when it cannot be asked; 0: it can */
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
	char unasked[ERROR_TEXT_MAX]; /* why one could not be asked, the last time */
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
 * counts for nothing and is asked again. It is no fault of the release.
 */
int rounds_step(struct rounds *rounds, const struct rounds_view *view, struct error *err);

/*
 * Since when what counts cannot be asked (monotonic); 0: it can, or one that can says no, which says enough. With `at_once` also those
 * are looked at that may still get an answer: an order that no spawner has taken will not bring one.
 */
uint64_t rounds_unasked(struct rounds *rounds, bool at_once);

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
