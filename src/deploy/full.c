#include "deploy/full.h"

#include <fcntl.h>

#include "base/text.h"
#include "deploy/blob.h"
#include "install/arrival.h"

#define LOOK_PERIOD_USEC (100 * USEC_PER_MSEC)

struct full {
	struct watcher *watcher;
	const struct offer *offer;
	struct arrival *arrival; /* NULL until the first piece is there */
	int fd; /* the file that it reads, its own descriptor */
	bool forget; /* it is emptied before the sync */
};

static void full_done(struct full *full)
{
	if (full->arrival) {
		arrival_stop(full->arrival); /* it may be about to begin */
		full->watcher->touched |= arrival_touched(full->arrival);
	}
	arrival_free(full->arrival);
	cleanup_close(&full->fd);
}

/* By which a repair can be made of less than all. */
static struct descriptor_blocks name_blocks(const struct offer *offer)
{
	const struct digest any = {};
	const struct offer_bundle *bundle = offer_find_bundle(offer, &any);

	if (!bundle)
		return (struct descriptor_blocks){};
	return (struct descriptor_blocks){
		.blob = bundle->blob,
		.length = bundle->length,
		.head_digest = bundle->head_digest,
		.head = bundle->head,
	};
}

struct descriptor full_describe(const struct watcher *watcher, const struct offer *offer)
{
	struct descriptor descriptor = {
		.source = offer->full,
		.index = offer->index,
		.origin = ORIGIN_SIGNED,
		.sequence = offer->sequence,
		.epoch = offer->epoch,
		.bytes = offer->bytes,
		.files = offer->files,
		.blocks = name_blocks(offer),
		.check = offer->check,
	};

	(void)text_copy(watcher->session->options->app, descriptor.app, sizeof(descriptor.app));
	(void)text_copy(offer->version, descriptor.version, sizeof(descriptor.version));
	return descriptor;
}

static int begin_unpacking(struct full *full, struct error *err)
{
	const struct session *session = full->watcher->session;
	const struct arrival_options options = {
		.dirfd = session->dirfd,
		.slot = session->state.transaction.target,
		.fd = full->fd,
		.bytes = full->offer->full_length,
		.forget = full->forget,
		.stage = &session->options->stage,
	};
	struct descriptor descriptor = full_describe(full->watcher, full->offer);

	return arrival_new(&options, &descriptor, &full->arrival, err);
}

static int on_verified(void *data, int fd, uint64_t bytes, struct error *err)
{
	struct full *full = data;
	int r = 0;

	if (full->fd < 0)
		full->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (full->fd < 0)
		return error_errno(err, "unpacking");
	if (!full->arrival)
		r = begin_unpacking(full, err);
	if (r == 0)
		arrival_verified(full->arrival, bytes);
	return r;
}

/* Nothing more is fetched of what cannot be unpacked. */
static int on_fetch(void *data, uint64_t done, uint64_t total, struct error *err)
{
	const struct full *full = data;
	struct descriptor descriptor;
	enum stage_step step;
	uint64_t step_done;
	uint64_t step_total;

	if (full->arrival && arrival_look(full->arrival, &step, &step_done, &step_total)) {
		int r = arrival_finish(full->arrival, &descriptor, err);

		if (r < 0)
			return r;
	}
	return watcher_progress(full->watcher, STAGE_FETCH, done, total, err);
}

static int wait_for_end(const struct full *full, struct error *err)
{
	struct descriptor descriptor;
	enum stage_step step;
	uint64_t done;
	uint64_t total;

	while (!arrival_look(full->arrival, &step, &done, &total)) {
		int r = step == STAGE_FETCH ?
				0 :
				watcher_progress(full->watcher, step, done, total, err);

		if (r < 0)
			return r;
		arrival_wait(full->arrival, clock_monotonic_usec() + LOOK_PERIOD_USEC);
	}
	return arrival_finish(full->arrival, &descriptor, err);
}

static int check_size(const struct full *full, struct error *err)
{
	uint64_t max = full->watcher->session->options->stage.max_archive_bytes;

	if (full->offer->full_length == 0)
		return error_set(err, FAULT_CORRUPT, "%s: an empty archive", full->offer->version);
	if (full->offer->full_length <= max)
		return 0;
	return error_set(err, FAULT_NO_SPACE,
			 "%s has %llu bytes, more than MaxArchive=, which is %llu",
			 full->offer->version, (unsigned long long)full->offer->full_length,
			 (unsigned long long)max);
}

int full_stage(struct watcher *watcher, const struct offer *offer, bool forget, struct error *err)
{
	struct session *session = watcher->session;
	_cleanup_close_ int fd = -1;
	_cleanup_(full_done) struct full full = {
		.watcher = watcher,
		.offer = offer,
		.fd = -1,
		.forget = forget && blob_count_kept(session, offer) == 0,
	};
	const struct blob_listener listener = {
		.progress = on_fetch,
		.verified = on_verified,
		.data = &full,
	};
	int r = check_size(&full, err);

	if (r == 0)
		r = blob_get(watcher, offer, session->state.transaction.target, &listener, &fd,
			     err);
	return r < 0 ? r : wait_for_end(&full, err);
}
