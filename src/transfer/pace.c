#include "transfer/pace.h"

#include "base/clock.h"

void pace_reset(struct pace *pace, uint64_t now)
{
	*pace = (struct pace){ .since = now };
}

void pace_count(struct pace *pace, uint64_t bytes)
{
	pace->bytes += bytes;
}

bool pace_is_slow(struct pace *pace, uint64_t now, uint64_t bytes, uint64_t usec)
{
	if (now < pace->since || now - pace->since < usec)
		return false;
	if (pace->bytes < bytes)
		return true;
	pace_reset(pace, now);
	return false;
}

static int64_t burst(const struct pace_limit *limit)
{
	return (int64_t)(limit->rate / 8) + 1;
}

void pace_limit_init(struct pace_limit *limit, uint64_t rate, uint64_t now)
{
	*limit = (struct pace_limit){ .rate = rate < INT64_MAX ? rate : 0, .updated = now };
	limit->room = burst(limit);
}

/* What has come in since; a second's worth is more than a burst, and all that can be owed is small. */
static void refill(struct pace_limit *limit, uint64_t now)
{
	uint64_t elapsed = now > limit->updated ? now - limit->updated : 0;
	__uint128_t gained = (__uint128_t)limit->rate * elapsed / USEC_PER_SEC;

	if (gained == 0)
		return; /* keep the fraction: updated stays */
	limit->updated = now;
	if (gained > (__uint128_t)(burst(limit) - limit->room))
		limit->room = burst(limit);
	else
		limit->room += (int64_t)gained;
}

uint64_t pace_limit_wait(struct pace_limit *limit, uint64_t now)
{
	if (limit->rate == 0)
		return 0;
	refill(limit, now);
	if (limit->room > 0)
		return 0;
	return (uint64_t)((__uint128_t)(1 - limit->room) * USEC_PER_SEC / limit->rate) + 1;
}

void pace_limit_take(struct pace_limit *limit, uint64_t bytes)
{
	if (limit->rate > 0)
		limit->room -= (int64_t)bytes;
}
