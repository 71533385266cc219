#include "transfer/retry.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"

const struct retry_policy retry_default = {
	.attempts = 5,
	.first_usec = USEC_PER_SEC,
	.longest_usec = 60 * USEC_PER_SEC,
	.patience_usec = 300 * USEC_PER_SEC,
};

static bool status_may_pass(unsigned int status)
{
	static const unsigned int passing[] = { 408, 425, 429, 500, 502, 503, 504 };

	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		if (passing[i] == status)
			return true;
	return false;
}

static bool may_pass(const struct retry_failure *failure)
{
	static const bool passing[FETCH_CLASS_MAX] = {
		[FETCH_TRUNCATED] = true, [FETCH_RESOLVE] = true, [FETCH_CONNECT] = true,
		[FETCH_RESET] = true,	  [FETCH_SLOW] = true,	  [FETCH_HELPER] = true,
	};

	assert(failure->class < FETCH_CLASS_MAX);
	return failure->class == FETCH_STATUS ? status_may_pass(failure->http_status) :
						passing[failure->class];
}

/* first·2ⁿ⁻¹, at most longest. */
static uint64_t backed_off(const struct retry_policy *policy, unsigned int attempt)
{
	uint64_t delay = policy->first_usec;

	while (--attempt > 0 && delay < policy->longest_usec)
		delay *= 2;
	return delay < policy->longest_usec ? delay : policy->longest_usec;
}

/* Between one half and the whole. A seed need not be good: it is mixed (splitmix64). */
static uint64_t jittered(uint64_t delay, uint64_t seed)
{
	uint64_t half = delay / 2;

	seed += 0x9e3779b97f4a7c15;
	seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
	seed = (seed ^ (seed >> 27)) * 0x94d049bb133111eb;
	seed ^= seed >> 31;
	return half + seed % (delay - half + 1);
}

bool retry_decide(const struct retry_policy *policy, unsigned int attempt,
		  const struct retry_failure *failure, uint64_t seed, uint64_t *ret_delay_usec)
{
	uint64_t delay;

	assert(attempt >= 1);
	if (!may_pass(failure) || attempt >= policy->attempts ||
	    failure->retry_after_usec > policy->patience_usec)
		return false;
	delay = jittered(backed_off(policy, attempt), seed);
	if (delay < failure->retry_after_usec) /* never earlier; a tenth later at most */
		delay = failure->retry_after_usec + jittered(failure->retry_after_usec / 10, seed);
	*ret_delay_usec = delay;
	return true;
}

static uint32_t parse_seconds(const char *text)
{
	uint32_t seconds = 0;

	for (; *text >= '0' && *text <= '9'; text++) {
		seconds = seconds * 10 + (uint32_t)(*text - '0');
		if (seconds > RETRY_AFTER_MAX)
			seconds = RETRY_AFTER_MAX;
	}
	return *text ? 0 : seconds;
}

/* RFC 9110, section 5.6.7: IMF-fixdate, and the obsolete forms of RFC 850 and asctime(). */
static bool parse_date(const char *text, time_t *ret_time)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT",
		"%a %b %d %H:%M:%S %Y",
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = {};
		const char *end = strptime(text, forms[i], &tm);

		if (end && !*end) {
			*ret_time = timegm(&tm);
			return true;
		}
	}
	return false;
}

static uint32_t parse_until(const char *text, uint64_t now_realtime_usec)
{
	int64_t now = (int64_t)(now_realtime_usec / USEC_PER_SEC);
	time_t until;

	if (!parse_date(text, &until) || until <= now)
		return 0;
	return until - now < RETRY_AFTER_MAX ? (uint32_t)(until - now) : RETRY_AFTER_MAX;
}

uint32_t retry_parse_after(const char *value, size_t size, uint64_t now_realtime_usec)
{
	char text[64];

	while (size > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		size--;
	}
	while (size > 0 && strchr(" \t\r\n", value[size - 1]))
		size--;
	if (size == 0 || size >= sizeof(text) || memchr(value, 0, size))
		return 0;
	memcpy(text, value, size);
	text[size] = '\0';
	if (text[0] >= '0' && text[0] <= '9')
		return parse_seconds(text);
	return parse_until(text, now_realtime_usec);
}
