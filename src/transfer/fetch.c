#include "transfer/fetch.h"

#include <assert.h>
#include <errno.h>

#include "transfer/url.h"

struct fetch {
	struct fetcher *fetcher;
	struct inbox *inbox;
	uint32_t id;
};

int fetch_begin(struct fetcher *fetcher, const struct fetch_request *request,
		struct fetch **ret_fetch, struct error *err)
{
	_cleanup_(fetch_freep) struct fetch *fetch = calloc(1, sizeof(*fetch));
	const struct wire_get get = {
		.first = request->range_first,
		.length = request->range_length,
		.cap = request->cap,
		.deadline = request->deadline,
	};
	int r;

	if (!fetch)
		return error_code(err, -ENOMEM, "preparing a fetch");
	r = url_check(request->url, err);
	if (r >= 0)
		r = inbox_new(get.length, get.cap, &fetch->inbox, err);
	if (r >= 0)
		r = fetcher_open(fetcher, request->url, &get, fetch->inbox, &fetch->id, err);
	if (r < 0)
		return r;
	if (r == FETCHER_FULL)
		return FETCH_FULL;
	fetch->fetcher = fetcher;
	*ret_fetch = TAKE_PTR(fetch);
	return 0;
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	if (fetch->fetcher)
		fetcher_close(fetch->fetcher, fetch->id);
	inbox_free(fetch->inbox);
	free(fetch);
}

int fetch_read(struct fetch *fetch, void *buf, size_t size, size_t *ret_n)
{
	size_t n = inbox_read(fetch->inbox, buf, size);

	if (n == 0)
		return inbox_result(fetch->inbox) ? FETCH_END : FETCH_PENDING;
	fetcher_credit(fetch->fetcher, fetch->id);
	*ret_n = n;
	return 0;
}

uint64_t fetch_length(const struct fetch *fetch)
{
	return inbox_length(fetch->inbox);
}

const struct fetch_result *fetch_result(const struct fetch *fetch)
{
	return inbox_result(fetch->inbox);
}

int fetch_fail(const char *url, const struct fetch_result *result, struct error *err)
{
	enum fault fault = FAULT_NETWORK;
	char shown[URL_SHOW_MAX];

	assert(result->class != FETCH_OK);
	if (result->class == FETCH_CONFIG)
		fault = FAULT_CONFIG;
	return error_set(err, fault, "%s: %s", url_show(url, shown), result->text);
}
