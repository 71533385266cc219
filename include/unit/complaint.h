/*
 * How often a service says that something is wrong: the records of priority err or worse that the processes of one invocation have put
 * into the journal; and what it said last. The journal is read by the child of a probe (kinds errors and last, which no configuration
 * names), from the newest back, at most COMPLAINT_MAX records.
 */
#pragma once

#include "unit/probe-order.h"

#define COMPLAINT_MAX 10000

/* As the child: ret_text is the number; order->context.started is the monotonic time from which on they count. */
bool complaint_ask(const struct probe_order *order, uint64_t deadline, char *ret_text, size_t room);

/* The same: ret_text is the last line that says anything; of another user's service one of that user's. False: there is none. */
bool complaint_ask_last(const struct probe_order *order, uint64_t deadline, char *ret_text,
			size_t room);

/*
 * Has a child count: of context->invocation, since context->started (monotonic usec). Lasts no longer than some seconds. > 0:
 * COMPLAINT_UNKNOWN, the journal cannot tell.
 */
enum { COMPLAINT_UNKNOWN = 1 };
int complaint_count(const struct probe_context *context, unsigned int *ret_n, struct error *err);

/*
 * Has a child read what its processes have written last: printable, cut to room. > 0: COMPLAINT_UNKNOWN, nothing, or the journal
 * cannot tell.
 */
int complaint_last(const struct probe_context *context, char *ret_line, size_t room,
		   struct error *err);

/*
 * Has that invocation said, in any record, that an address is in use ("Address already in use", EADDRINUSE)? As above. A journal that cannot be
 * asked has nothing.
 */
int complaint_of_address(const struct probe_context *context, bool *ret_said, struct error *err);
