#include "deploy/refresh.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "store/durable.h"
#include "transfer/download.h"

#define METADATA_DEADLINE_USEC (60 * USEC_PER_SEC)

int refresh_get(const struct refresh *refresh, const char *path, size_t max, void **ret_data,
		size_t *ret_size, struct error *err)
{
	_cleanup_text_ struct text url = {};
	struct fetch_request request = {
		.cap = max,
		.deadline = clock_monotonic_usec() + METADATA_DEADLINE_USEC,
	};
	int r;

	text_add(&url, "%s/%s", refresh->url, path);
	r = text_check(&url, err);
	if (r < 0)
		return r;
	request.url = url.data;
	return download_all(refresh->fetcher, &request, &retry_default, ret_data, ret_size, err);
}

static int fetch(const struct refresh *refresh, struct client *client,
		 const struct client_step *step, struct error *err)
{
	_cleanup_text_ struct text path = {};
	void *data = NULL;
	size_t size;
	int r;

	text_add(&path, "metadata/%s", step->name);
	r = text_check(&path, err);
	if (r < 0)
		return r;
	r = refresh_get(refresh, path.data, step->max, &data, &size, err);
	if (r == DOWNLOAD_TOO_LONG)
		r = error_set(err, FAULT_UNTRUSTED, "it has more than %zu bytes", step->max);
	if (r < 0)
		return client_fail(client, r, err);
	if (r != DOWNLOAD_ABSENT)
		return client_give_consume(client, data, size, err);
	r = client_lacks(client, err);
	return r < 0 ? error_prefix(err, r, "%s", refresh->url) : r;
}

static int load(const struct refresh *refresh, struct client *client,
		const struct client_step *step, struct error *err)
{
	char *data = NULL;
	size_t size;

	/* a file that cannot be read, or is too large, is as good as none: it is fetched again */
	if (fd_read_file(refresh->store_fd, step->name, step->max, &data, &size, NULL) != 0)
		return client_lacks(client, err);
	return client_give_consume(client, data, size, err);
}

static int save(const struct refresh *refresh, struct client *client,
		const struct client_step *step, struct error *err)
{
	int r = durable_replace(refresh->store_fd, step->name, step->data, step->size, 0644, err);

	return r < 0 ? r : client_did(client, err);
}

static int forget(const struct refresh *refresh, struct client *client,
		  const struct client_step *step, struct error *err)
{
	int r = durable_remove(refresh->store_fd, step->name, err);

	return r < 0 ? r : client_did(client, err);
}

int refresh_run(const struct refresh *refresh, struct client *client, struct error *err)
{
	struct client_step step;
	int r = 0;

	while (r >= 0) {
		client_next(client, &step);
		switch (step.action) {
		case CLIENT_READY:
			return 0;
		case CLIENT_FETCH:
			r = fetch(refresh, client, &step, err);
			break;
		case CLIENT_LOAD:
			r = load(refresh, client, &step, err);
			break;
		case CLIENT_SAVE:
			r = save(refresh, client, &step, err);
			break;
		case CLIENT_REMOVE:
			r = forget(refresh, client, &step, err);
			break;
		}
	}
	return r;
}
