/*
 * One fetch: a URL and a cap in, bytes out. The bytes are a stranger's: the caller verifies them before
 * it uses them. Nothing here waits; fetcher_wait does.
 *
 *     fetch_begin(fetcher, &request, &fetch)
 *     while ((r = fetch_read(fetch, buf, sizeof(buf), &n)) != FETCH_END)
 *             r == FETCH_PENDING ? fetcher_wait(fetcher, USEC_INFINITY) : use(buf, n)
 *     fetch_result(fetch)->class == FETCH_OK ?
 */
#pragma once

#include "transfer/fetcher.h"

struct fetch_request {
	const char *url; /* http, https or file; user and password in it are used, and never shown */
	uint64_t range_first, range_length; /* length 0: the whole file */
	uint64_t cap; /* most bytes of body; a range counts, too */
	uint64_t deadline; /* monotonic usec, or USEC_INFINITY */
};

struct fetch;

/*
 * > 0: FETCH_FULL, FETCHER_FETCHES_MAX are under way. FAULT_CONFIG: the URL (transfer/url.h), or the
 * helper refused its settings. FAULT_NETWORK: helpers died too often.
 */
enum { FETCH_FULL = 1 };
int fetch_begin(struct fetcher *fetcher, const struct fetch_request *request,
		struct fetch **ret_fetch, struct error *err);

/* Frees it, whether it has ended or not; what has not is cancelled. */
void fetch_free(struct fetch *fetch);
CLEANUP_DEFINE(struct fetch, fetch_free);

/*
 * Some bytes, at most size: *ret_n ≥ 1. > 0: FETCH_PENDING, none just now; FETCH_END, there are no more,
 * see fetch_result. With FETCH_OK all bytes have come: for a range as many as were asked for.
 */
enum { FETCH_PENDING = 1, FETCH_END };
int fetch_read(struct fetch *fetch, void *buf, size_t size, size_t *ret_n);

/* Of the body, in bytes; WIRE_UNKNOWN until it has begun, or when the server does not say. */
uint64_t fetch_length(const struct fetch *fetch);

/* NULL until the end has come; it may come before all bytes were read. */
const struct fetch_result *fetch_result(const struct fetch *fetch);

/* "URL: why", with the fault of the class, for a result that is not FETCH_OK. Returns < 0. */
int fetch_fail(const char *url, const struct fetch_result *result, struct error *err);
