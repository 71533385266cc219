/*
 * Speed: is a transfer too slow to go on, and may bytes come yet? Nothing here has a clock: now is
 * monotonic usec throughout.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Too slow: fewer than `bytes` within each window of `usec`. Time in which we held the transfer up
 * ourselves does not count: pace_reset() begins a new window.
 */
struct pace {
	uint64_t since; /* when the window began */
	uint64_t bytes; /* so far in it */
};

void pace_reset(struct pace *pace, uint64_t now);
void pace_count(struct pace *pace, uint64_t bytes);
bool pace_is_slow(struct pace *pace, uint64_t now, uint64_t bytes, uint64_t usec);

/* So many bytes per second at most (0: any), an eighth of a second's worth at once. */
struct pace_limit {
	uint64_t rate;
	int64_t room; /* bytes; below 0: used in advance */
	uint64_t updated;
};

void pace_limit_init(struct pace_limit *limit, uint64_t rate, uint64_t now);

/* How long until bytes may come: 0: now. Those that came are then taken. */
uint64_t pace_limit_wait(struct pace_limit *limit, uint64_t now);
void pace_limit_take(struct pace_limit *limit, uint64_t bytes);
