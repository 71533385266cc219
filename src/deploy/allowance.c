#include "deploy/allowance.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#define STORE_PERIOD_USEC USEC_PER_SEC

uint64_t allowance_day(uint64_t realtime_usec)
{
	time_t when = (time_t)(realtime_usec / USEC_PER_SEC);
	struct tm tm;

	if (!localtime_r(&when, &tm))
		return 0;
	/* the day as it is called here, counted as if it were UTC */
	tm.tm_hour = 0;
	tm.tm_min = 0;
	tm.tm_sec = 0;
	return (uint64_t)timegm(&tm) / (24 * 3600);
}

static uint64_t used_today(const struct session *session)
{
	const struct checked *checked = &session->checked;

	return checked->day == allowance_day(clock_realtime_usec()) ? checked->day_bytes : 0;
}

uint64_t allowance_left(const struct session *session)
{
	uint64_t most = session->options->source.max_bytes_per_day;
	uint64_t used = used_today(session);

	if (most == 0)
		return UINT64_MAX;
	return used < most ? most - used : 0;
}

uint64_t allowance_range(const struct session *session, uint64_t length)
{
	uint64_t left = allowance_left(session);

	if (left == 0)
		left = 1;
	return length < left ? length : left;
}

size_t allowance_clip(const struct session *session, uint64_t size)
{
	return (size_t)allowance_range(session, size);
}

int allowance_settle(struct watcher *watcher, struct error *err)
{
	struct session *session = watcher->session;

	if (watcher->unsettled == 0)
		return 0;
	watcher->unsettled = 0;
	watcher->settled = clock_monotonic_usec();
	return checked_store(session->dirfd, &session->checked, err);
}

static int refuse(struct watcher *watcher, struct error *err)
{
	watcher->exhausted = true;
	(void)allowance_settle(watcher, NULL);
	return error_code(err, -EDQUOT, "MaxBytesPerDay= is used up");
}

int allowance_take(struct watcher *watcher, uint64_t bytes, struct error *err)
{
	struct session *session = watcher->session;
	struct checked *checked = &session->checked;

	checked->day_bytes = used_today(session) + bytes;
	checked->day = allowance_day(clock_realtime_usec());
	watcher->fetched += bytes;
	session->state.transaction.fetched += bytes;
	watcher->unsettled += bytes;
	if (allowance_left(session) == 0)
		return refuse(watcher, err);
	if (clock_monotonic_usec() - watcher->settled < STORE_PERIOD_USEC)
		return 0;
	return allowance_settle(watcher, err);
}

int allowance_ask(struct watcher *watcher, struct error *err)
{
	return allowance_left(watcher->session) > 0 ? 0 : refuse(watcher, err);
}

int allowance_begin(struct watcher *watcher, struct fetcher *fetcher,
		    const struct fetch_request *request, struct download **ret_download,
		    struct error *err)
{
	int r = allowance_ask(watcher, err);

	if (r == 0)
		r = download_new(fetcher, request, &retry_default, ret_download, err);
	if (r < 0)
		return r;
	watcher->requests++;
	watcher->session->state.transaction.requests++;
	return 0;
}

int allowance_ask_whole(struct watcher *watcher, uint64_t bytes, struct error *err)
{
	uint64_t most = watcher->session->options->source.max_bytes_per_day;

	if (most > 0 && bytes > most)
		return ALLOWANCE_NEVER;
	return bytes <= allowance_left(watcher->session) ? 0 : refuse(watcher, err);
}

int allowance_require_whole(struct watcher *watcher, uint64_t bytes, struct error *err)
{
	int r = allowance_ask_whole(watcher, bytes, err);

	if (r != ALLOWANCE_NEVER)
		return r;
	return error_set(err, FAULT_CONFIG,
			 "the server gives no ranges, so that all %" PRIu64
			 " bytes must come at once: MaxBytesPerDay=, which is %" PRIu64
			 ", must allow as many",
			 bytes, watcher->session->options->source.max_bytes_per_day);
}
