/*
 * A fetch that is taken up again: after a failure that may pass (transfer/retry.h) it waits, and goes on
 * behind the last byte that it gave out, by a range; a server without ranges sends the file once
 * more, and what was given out is skipped. Nothing here waits but download_all and download_wait; of several at once
 * fetcher_wait does, until the first download_wake.
 *
 * The bytes are a stranger's, and may be of two files if the server changed it meanwhile: the caller
 * verifies them before it uses them.
 */
#pragma once

#include "transfer/fetch.h"
#include "transfer/retry.h"

struct download;

/* The URL is copied; the policy is borrowed (&retry_default). FAULT_CONFIG: the URL. */
int download_new(struct fetcher *fetcher, const struct fetch_request *request,
		 const struct retry_policy *policy, struct download **ret_download,
		 struct error *err);
void download_free(struct download *download);

/*
 * Of a whole file that must have so many bytes: with them it has ended, and it is gone on with behind those that came, also where the server does
 * not say how many there are.
 */
void download_expect(struct download *download, uint64_t length);
CLEANUP_DEFINE(struct download, download_free);

/*
 * Some bytes, *ret_n ≥ 1. > 0:
 *   DOWNLOAD_PENDING   none just now
 *   DOWNLOAD_END       that was all: of a range as many as asked for, of a file what the server announced
 *   DOWNLOAD_ABSENT    HTTP 404, 403 or 410, no such file; no byte was given out
 *   DOWNLOAD_NO_RANGE  a range was asked for, which this server does not give; no byte was given out
 * < 0: it failed for good: "URL: why".
 */
enum {
	DOWNLOAD_PENDING = 1,
	DOWNLOAD_END,
	DOWNLOAD_ABSENT,
	DOWNLOAD_NO_RANGE,
	DOWNLOAD_TOO_LONG,
};
int download_read(struct download *download, void *buf, size_t size, size_t *ret_n,
		  struct error *err);

bool download_is_range(const struct download *download); /* asked for as one */

/* Bytes that came once more and were skipped, since the last time that this was asked: a line that is paid for has carried them too. */
uint64_t download_take_repeated(struct download *download);

/* When to call download_read again though nothing has come (monotonic usec, or USEC_INFINITY). */
uint64_t download_wake(const struct download *download);

/*
 * After DOWNLOAD_PENDING: waits until download_read should be called again, for 200 ms at most, so that whoever shows progress and hears
 * of requests gets to it.
 */
void download_wait(const struct download *download);

/* The failure that is being waited out, for whoever shows progress; NULL: none. */
const struct fetch_result *download_trouble(const struct download *download);

/*
 * All of a small file, waiting for it. *ret_data is malloc'ed, ends with a NUL that *ret_size does not
 * count, and is the caller's. > 0: DOWNLOAD_ABSENT; DOWNLOAD_TOO_LONG, there is more than request->cap. A range is not asked for:
 * request->range_length 0.
 */
int download_all(struct fetcher *fetcher, const struct fetch_request *request,
		 const struct retry_policy *policy, void **ret_data, size_t *ret_size,
		 struct error *err);
