/*
 * Whether a failed fetch is tried again, and when. Nothing here waits or has a clock.
 *
 * Tried again: what the way there or an overloaded server may have caused (no address, no connection,
 * reset, truncated, slow, the helper's end; HTTP 408, 425, 429, 500, 502, 503, 504). Final: all else; a
 * 4xx says that asking once more gives the same.
 *
 * The n-th failure in a row waits first·2ⁿ⁻¹, at most longest; of that a random part between one half
 * and the whole, so that many devices do not come back together. A server that names a time
 * (Retry-After) is not asked earlier; if that is later than patience, we give up instead of asking
 * early.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transfer/fetch-class.h"

#define RETRY_AFTER_MAX (24 * 3600U) /* seconds: what a server says beyond that is cut */

struct retry_policy {
	unsigned int attempts; /* in all, the first one counted; ≥ 1 */
	uint64_t first_usec;
	uint64_t longest_usec;
	uint64_t patience_usec; /* how long a server may put us off */
};

extern const struct retry_policy retry_default; /* 5 attempts, 1 s … 60 s, patience 5 min */

struct retry_failure {
	enum fetch_class class;
	unsigned int http_status;
	uint64_t retry_after_usec; /* 0: not said */
};

/*
 * attempt: how many failed in a row, this one counted (≥ 1). seed: any random number. True: try again
 * in *ret_delay_usec. False: that was the last.
 */
bool retry_decide(const struct retry_policy *policy, unsigned int attempt,
		  const struct retry_failure *failure, uint64_t seed, uint64_t *ret_delay_usec);

/*
 * The header Retry-After (RFC 9110, section 10.2.3): seconds, or a date in one of HTTP's three forms.
 * Returns seconds from now, at most RETRY_AFTER_MAX; 0: it says nothing that we understand.
 */
uint32_t retry_parse_after(const char *value, size_t size, uint64_t now_realtime_usec);
