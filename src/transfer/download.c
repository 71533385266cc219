/*
 *                  ┌───────────── retry_decide: in a while ─────────────┐
 *                  ▼                                                    │
 *     waiting ─▶ fetch (rest as a range, or whole and skipping) ─▶ its end: not all
 *                                                               ─▶ its end: all
 */
#include "transfer/download.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/text.h"
#include "transfer/url.h"

#define PROGRESS_MIN (64 * 1024) /* bytes: an attempt that brought so many is no failure in a row */
#define CHUNK	     (32 * 1024)
#define WAIT_USEC    (200 * USEC_PER_MSEC)

struct download {
	struct fetcher *fetcher;
	struct fetch_request request;
	char *url;
	const struct retry_policy *policy;
	struct fetch *fetch; /* NULL: waiting */
	uint64_t wake; /* when waiting */
	uint64_t given; /* bytes given out */
	uint64_t at; /* bytes of what was asked for that were received, some of them again */
	uint64_t repeated; /* such bytes that nobody has asked about */
	uint64_t offset; /* where this attempt began, in what was asked for */
	uint64_t begun_at; /* where it began to give out */
	uint64_t length; /* WIRE_UNKNOWN: not known yet */
	uint64_t expected; /* what it must be; WIRE_UNKNOWN: the caller does not know */
	bool without_ranges; /* this server: the whole file again */
	unsigned int failures; /* in a row */
	struct fetch_result trouble;
};

int download_new(struct fetcher *fetcher, const struct fetch_request *request,
		 const struct retry_policy *policy, struct download **ret_download,
		 struct error *err)
{
	_cleanup_(download_freep) struct download *download = NULL;
	int r;

	r = url_check(request->url, err);
	if (r < 0)
		return r;
	download = calloc(1, sizeof(*download));
	if (download)
		download->url = strdup(request->url);
	if (!download || !download->url)
		return error_code(err, -ENOMEM, "preparing a fetch");
	download->fetcher = fetcher;
	download->request = *request;
	download->request.url = download->url;
	download->policy = policy;
	download->length = request->range_length > 0 ? request->range_length : WIRE_UNKNOWN;
	download->expected = WIRE_UNKNOWN;
	*ret_download = TAKE_PTR(download);
	return 0;
}

void download_free(struct download *download)
{
	if (!download)
		return;
	fetch_free(download->fetch);
	free(download->url);
	free(download);
}

void download_expect(struct download *download, uint64_t length)
{
	download->expected = length;
}

/* ---- an attempt ---- */

/* What the server says goes before. */
static uint64_t length_of(const struct download *download)
{
	return download->length != WIRE_UNKNOWN ? download->length : download->expected;
}

/* The rest by a range, where that can be; otherwise what was asked for at first. */
static struct fetch_request next_request(const struct download *download, uint64_t *ret_at)
{
	struct fetch_request request = download->request;
	uint64_t length = length_of(download);

	*ret_at = 0;
	if (download->given == 0 || length == WIRE_UNKNOWN || download->without_ranges ||
	    length <= download->given)
		return request;
	*ret_at = download->given;
	request.range_first += download->given;
	request.range_length = length - download->given;
	return request;
}

static int begin(struct download *download, struct error *err)
{
	uint64_t at;
	struct fetch_request request = next_request(download, &at);
	int r;

	r = fetch_begin(download->fetcher, &request, &download->fetch, err);
	if (r == FETCH_FULL) {
		download->wake = USEC_INFINITY; /* when another one ends, the caller comes */
		return DOWNLOAD_PENDING;
	}
	if (r < 0)
		return r;
	download->offset = download->at = at;
	download->begun_at = download->given;
	return 0;
}

static bool is_complete(const struct download *download)
{
	return length_of(download) != WIRE_UNKNOWN && download->given == length_of(download);
}

static uint64_t random_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = clock_monotonic_usec();
	return seed;
}

/* ---- the end of an attempt ---- */

static int wait_or_fail(struct download *download, const struct fetch_result *result,
			struct error *err)
{
	struct retry_failure failure = {
		.class = result->class,
		.http_status = result->http_status,
		.retry_after_usec = result->retry_after_usec,
	};
	uint64_t now = clock_monotonic_usec();
	uint64_t delay;

	download->failures++;
	download->trouble = *result;
	if (download->given - download->begun_at >= PROGRESS_MIN)
		download->failures = 1;
	if (!retry_decide(download->policy, download->failures, &failure, random_seed(), &delay) ||
	    download->request.deadline <= now || download->request.deadline - now <= delay)
		return fetch_fail(download->url, result, err);
	download->wake = now + delay;
	return DOWNLOAD_PENDING;
}

/* No answer to the range that was asked for: outcome at first; afterwards the whole file again. */
static int without_ranges(struct download *download, const struct fetch_result *result,
			  struct error *err)
{
	if (download->given == 0)
		return DOWNLOAD_NO_RANGE;
	if (download->request.range_length > 0 || download->without_ranges)
		return fetch_fail(download->url, result, err);
	download->without_ranges = true;
	download->wake = 0;
	return DOWNLOAD_PENDING;
}

static int end(struct download *download, struct error *err)
{
	const struct fetch_result result = *fetch_result(download->fetch);

	fetch_free(TAKE_PTR(download->fetch));
	if (is_complete(download) || result.class == FETCH_OK)
		return DOWNLOAD_END;
	if (result.class == FETCH_ABSENT && download->given == 0)
		return DOWNLOAD_ABSENT;
	if (result.class == FETCH_NO_RANGE)
		return without_ranges(download, &result, err);
	return wait_or_fail(download, &result, err);
}

/* ---- reading ---- */

/* Of n bytes that have come, those that were not given out before. */
static size_t skip_given(struct download *download, char *buf, size_t n)
{
	size_t skip = 0;

	if (download->at < download->given) {
		uint64_t again = download->given - download->at;

		skip = again < n ? (size_t)again : n;
	}
	download->at += n;
	download->repeated += skip;
	memmove(buf, buf + skip, n - skip);
	download->given += n - skip;
	return n - skip;
}

static void learn_length(struct download *download)
{
	uint64_t length = fetch_length(download->fetch);

	if (download->length == WIRE_UNKNOWN && length != WIRE_UNKNOWN)
		download->length = download->offset + length;
}

/* Bytes of the fetch that is under way. */
static int read_fetch(struct download *download, void *buf, size_t size, size_t *ret_n)
{
	size_t n;
	int r;

	for (;;) {
		r = fetch_read(download->fetch, buf, size, &n);
		learn_length(download);
		if (r != 0)
			return r;
		n = skip_given(download, buf, n);
		if (n > 0)
			break;
	}
	*ret_n = n;
	return 0;
}

int download_read(struct download *download, void *buf, size_t size, size_t *ret_n,
		  struct error *err)
{
	int r;

	while (!download->fetch) {
		if (clock_monotonic_usec() < download->wake && download->wake != USEC_INFINITY)
			return DOWNLOAD_PENDING;
		r = begin(download, err);
		if (r != 0)
			return r;
	}
	r = read_fetch(download, buf, size, ret_n);
	if (r == FETCH_PENDING)
		return DOWNLOAD_PENDING;
	if (r == FETCH_END)
		return end(download, err);
	download->trouble.class = FETCH_OK;
	return r;
}

bool download_is_range(const struct download *download)
{
	return download->request.range_length > 0;
}

uint64_t download_take_repeated(struct download *download)
{
	uint64_t repeated = download->repeated;

	download->repeated = 0;
	return repeated;
}

uint64_t download_wake(const struct download *download)
{
	return download->fetch ? USEC_INFINITY : download->wake;
}

void download_wait(const struct download *download)
{
	uint64_t until = clock_monotonic_usec() + WAIT_USEC;
	uint64_t wake = download_wake(download);

	fetcher_wait(download->fetcher, wake < until ? wake : until);
}

const struct fetch_result *download_trouble(const struct download *download)
{
	return download->trouble.class != FETCH_OK ? &download->trouble : NULL;
}

/* ---- small files ---- */

/* Until the end: DOWNLOAD_END, another outcome, or < 0. */
static int read_all(struct fetcher *fetcher, struct download *download, struct text *text,
		    struct error *err)
{
	char buf[CHUNK];
	size_t n = 0;
	int r;

	for (;;) {
		r = download_read(download, buf, sizeof(buf), &n, err);
		if (r == DOWNLOAD_PENDING)
			fetcher_wait(fetcher, download_wake(download));
		else if (r == 0)
			text_add_bytes(text, buf, n);
		else
			return r;
	}
}

int download_all(struct fetcher *fetcher, const struct fetch_request *request,
		 const struct retry_policy *policy, void **ret_data, size_t *ret_size,
		 struct error *err)
{
	_cleanup_(download_freep) struct download *download = NULL;
	_cleanup_text_ struct text text = {};
	char *data;
	int r;

	assert(request->range_length == 0);
	r = download_new(fetcher, request, policy, &download, err);
	if (r < 0)
		return r;
	assert(download);
	r = read_all(fetcher, download, &text, err);
	if (r < 0 && download->trouble.class == FETCH_TOO_LONG)
		return DOWNLOAD_TOO_LONG;
	if (r != DOWNLOAD_END)
		return r;
	r = text_check(&text, err);
	if (r < 0)
		return r;
	*ret_size = text.size;
	data = text_take(&text);
	if (!data)
		return error_code(err, -ENOMEM, "fetching");
	*ret_data = data;
	return 0;
}
