/*
 * Reading an event stream (app/stream) while it is written.
 */
#pragma once

#include "app/event-line.h"

enum tail_from {
	TAIL_BEGIN, /* all that is kept */
	TAIL_END, /* what comes from now on */
};

struct tail;

/* The stream need not be there yet: it is looked for again at each call of tail_next. */
int tail_new(const char *parent, const char *app, enum tail_from from, struct tail **ret_tail,
	     struct error *err);
void tail_free(struct tail *tail);
CLEANUP_DEFINE(struct tail, tail_free);

/* Readable when tail_next is worth calling; it may miss that, so also call it once in a while. */
int tail_fd(const struct tail *tail);

/*
 * The next event; *ret_json (may be NULL) is its line as it was written, with the newline, borrowed until the
 * next call. Lines that are none are passed over. > 0: TAIL_EMPTY, nothing more for now.
 */
enum { TAIL_EMPTY = 1 };
int tail_next(struct tail *tail, struct event_line *ret_line, const char **ret_json,
	      struct error *err);
