/*
 * Following a transaction to its end. The event stream is what is shown; the state record is what is believed: it is
 * looked at every second, in case the worker or its events get lost.
 */
#pragma once

#include "app/display.h"
#include "app/result.h"
#include "app/tail.h"

struct follow {
	const char *app;
	int dirfd; /* the app's directory */
	const char *transaction;
	const char *request; /* also shows what concerns this request; NULL: none */
	struct tail *tail;
	struct display *display;
	int interrupt_fd; /* -1: none */
};

/*
 * FAULT_INTERNAL: neither state nor history know the transaction (any more). > 0: FOLLOW_INTERRUPTED, interrupt_fd became
 * readable. > 0: FOLLOW_WAITS, nobody works on it now: it waits for a window or for another day, and goes on by itself.
 */
enum { FOLLOW_INTERRUPTED = 1, FOLLOW_WAITS = 2 };
int follow_run(const struct follow *follow, struct result *ret_result, struct error *err);

/* Shows what the stream has for now. *ret_outcome (may be NULL): the transaction's end was among it. */
int follow_drain(const struct follow *follow, bool *ret_outcome, struct error *err);
