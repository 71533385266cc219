/*
 * What is fetched of releases: counted for the report, and against MaxBytesPerDay=. A day is one of the machine's time zone; its
 * count stands in the record `checked`.
 */
#pragma once

#include "deploy/watcher.h"
#include "transfer/download.h"

/* The number of the day that the time (realtime usec) lies in, by the machine's time zone. */
uint64_t allowance_day(uint64_t realtime_usec);

/* Bytes that may still be fetched today; UINT64_MAX: as many as there are. */
uint64_t allowance_left(const struct session *session);

/* The most of size bytes that may be read now, at least 1: what is left of the day. */
size_t allowance_clip(const struct session *session, uint64_t size);

/*
 * How long the range is to be that is asked of a server where so many bytes are wanted: what it sends counts for whoever pays
 * for the line, also what is on its way when the day's bytes are used up.
 */
uint64_t allowance_range(const struct session *session, uint64_t length);

/*
 * So many bytes were received. -EDQUOT: they were the last ones for today, watcher->exhausted is set. The count is on
 * disk a second later at most, if more comes; allowance_settle writes it at the end.
 */
int allowance_take(struct watcher *watcher, uint64_t bytes, struct error *err);
int allowance_settle(struct watcher *watcher, struct error *err);

/* The same as the last bytes do, before a request is made at all. */
int allowance_ask(struct watcher *watcher, struct error *err);

/* Asks, begins the download, and counts the request. */
int allowance_begin(struct watcher *watcher, struct fetcher *fetcher,
		    const struct fetch_request *request, struct download **ret_download,
		    struct error *err);

/*
 * The server gives no ranges, so that so many bytes must come at once. -EDQUOT: today has not as many left, and what would come of them
 * would be lost; > 0: ALLOWANCE_NEVER, no day has as many.
 */
enum { ALLOWANCE_NEVER = 1 };
int allowance_ask_whole(struct watcher *watcher, uint64_t bytes, struct error *err);

/* The same where there is no other way: FAULT_CONFIG instead of ALLOWANCE_NEVER. */
int allowance_require_whole(struct watcher *watcher, uint64_t bytes, struct error *err);
