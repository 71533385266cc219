/*
 * Fetches blocks of a bundle and gives them to the taker: at most four ranges at once, in memory that is bounded, while the
 * taker's thread verifies, decodes and writes.
 */
#pragma once

#include "deploy/spans.h"
#include "deploy/taker.h"
#include "transfer/download.h"

struct gather_options {
	struct watcher *watcher;
	struct fetcher *fetcher;
	const char *url; /* of the blob */
	const struct bundle *bundle;
	const struct spans *spans;
	struct download *
		rest; /* gives the blob from its head's end on (head.h): used instead of ranges. NULL: ranges */
	struct relay *relay;
	struct taker *taker;
};

/*
 * Until every wanted block has been taken. > 0: GATHER_NO_RANGE, GATHER_ABSENT. FAULT_UNTRUSTED names the URL: a block is not
 * what was promised. -EDQUOT: the day's bytes are used up. What was taken before stays taken.
 */
enum { GATHER_ABSENT = 1, GATHER_NO_RANGE };
int gather_run(const struct gather_options *options, struct error *err);
