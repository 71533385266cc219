/*
 * How a transaction ended, from the state record or the history: in words, and as an exit status.
 */
#pragma once

#include "app/event-line.h"
#include "base/text.h"
#include "store/history.h"

struct result {
	struct history_entry entry;
	/* known while it is the last transaction of the state record: */
	bool is_last;
	bool switched; /* the service was touched */
	bool remembered_bad; /* its release is */
	bool has_fallback; /* a rollback has something to go to */
	char invocation[33]; /* of the trial, may be empty */
};

/*
 * Looks for the end of the transaction `id`. > 0: RESULT_NOT_YET, it is under way (*ret_result is not set);
 * RESULT_UNKNOWN, neither the state nor the history knows it.
 */
enum { RESULT_NOT_YET = 1, RESULT_UNKNOWN = 2 };
int result_find(int dirfd, const char *id, struct result *ret_result, struct error *err);

/* The entry that the last transaction of the state has, or will have, in the history. */
void result_of_state(const struct state *state, struct result *ret_result);

/* The event of the end, as the stream would have it (without the name of the unit). */
void result_to_line(const struct result *result, const char *app, struct event_line *ret_line);

/* What happened and what next, in lines that end with a newline. */
void result_describe(const struct result *result, const char *app, const char *unit,
		     struct text *text);

/*
 * Of a caller who asked for `asked` (VERB_NONE: who only looked on): 0 if that is what came out, otherwise
 * CLI_CANCELLED or the status of the fault, never 0.
 */
int result_exit_status(const struct history_entry *entry, enum verb asked);
