#include "deploy/head.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bulk.h"
#include "base/fd.h"
#include "deploy/allowance.h"
#include "deploy/partial.h"
#include "release/bundle.h"
#include "store/durable.h"
#include "store/layout.h"

/* In staging/. Only bytes that were verified get there. */
static const char *file_of(const struct head_options *options)
{
	return options->update ? "update.head" : "blocks.head";
}

void head_done(struct head *head)
{
	download_free(head->rest);
	bulk_free(head->bytes);
	*head = (struct head){};
}

static bool is_promised(const struct offer_bundle *bundle, const void *bytes, size_t size)
{
	struct digest digest;

	return size == bundle->head && digest_of(bytes, size, &digest, NULL) == 0 &&
	       digest_equal(&digest, &bundle->head_digest);
}

/* ---- in staging/ ---- */

static bool find_kept(const struct head_options *options, struct head *head)
{
	_cleanup_close_ int staging_fd = -1;
	_cleanup_bulk_ char *bytes = NULL;
	size_t size;

	if (fd_open_dir(options->watcher->session->dirfd, LAYOUT_STAGING, &staging_fd, NULL) < 0 ||
	    fd_read_bulk(staging_fd, file_of(options), BUNDLE_HEAD_MAX, &bytes, &size, NULL) != 0 ||
	    !is_promised(options->bundle, bytes, size))
		return false;
	head->bytes = TAKE_PTR(bytes);
	head->size = size;
	head->resumed = true;
	head->found = true;
	return true;
}

/* What could not be written whole is of no use, and on a full disk it is in the way. */
static int write_file(int staging_fd, const char *name, const struct head *head, struct error *err)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (unlinkat(staging_fd, name, 0) == 0 || errno == ENOENT)
		fd = openat(staging_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    0600);
	if (fd >= 0 && fd_pwrite_full(fd, head->bytes, head->size, 0) == 0)
		return 0;
	r = error_errno(err, "writing " LAYOUT_STAGING "/%s", name);
	if (fd >= 0)
		(void)unlinkat(staging_fd, name, 0);
	return r;
}

static int keep(const struct head_options *options, const struct head *head, struct error *err)
{
	int dirfd = options->watcher->session->dirfd;
	_cleanup_close_ int staging_fd = -1;
	int r = durable_mkdir(dirfd, LAYOUT_STAGING, 0700, err);

	if (r >= 0)
		r = fd_open_dir(dirfd, LAYOUT_STAGING, &staging_fd, err);
	return r < 0 ? r : write_file(staging_fd, file_of(options), head, err);
}

int head_drop(struct session *session, struct error *err)
{
	static const char *const names[] = { "update.head", "blocks.head" };
	_cleanup_close_ int staging_fd = -1;

	if (fd_open_dir(session->dirfd, LAYOUT_STAGING, &staging_fd, NULL) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (unlinkat(staging_fd, names[i], 0) < 0 && errno != ENOENT)
			return error_errno(err, "removing " LAYOUT_STAGING "/%s", names[i]);
	}
	return 0;
}

/* ---- from the server ---- */

struct fetching {
	const struct head_options *options;
	struct head *head;
	struct bundle_block block; /* the head, as if it were one */
	struct partial partials[PARTIAL_MAX]; /* the first is of it */
};

static void fetching_init(struct fetching *fetching, const struct head_options *options,
			  struct head *head)
{
	const struct offer_bundle *bundle = options->bundle;
	int dirfd = options->watcher->session->dirfd;

	*fetching = (struct fetching){ .options = options, .head = head };
	fetching->block.length = (uint32_t)bundle->head;
	bundle_short_of(&bundle->head_digest, &fetching->block.packed);
	if (options->keep)
		(void)durable_mkdir(dirfd, LAYOUT_STAGING, 0700, NULL);
	partial_load(dirfd, fetching->partials);
}

static void fetching_done(struct fetching *fetching)
{
	partial_done(fetching->partials);
}

static int wait_for_more(const struct head_options *options, const struct download *download,
			 size_t done, struct error *err)
{
	download_wait(download);
	return watcher_progress(options->watcher, STAGE_FETCH, done, options->bundle->head, err);
}

static void save(struct fetching *fetching, bool last)
{
	const struct head_options *options = fetching->options;

	if (options->keep && fetching->head->size < options->bundle->head &&
	    partial_save(options->watcher->session->dirfd, &fetching->partials[0], &fetching->block,
			 fetching->head->bytes, fetching->head->size, last))
		(void)watcher_got_on(options->watcher, NULL);
}

/* `length` bytes behind those that there are; 0: all of the bundle, without a range. */
static int begin(struct fetching *fetching, uint64_t length, struct error *err)
{
	const struct head_options *options = fetching->options;
	const struct fetch_request request = {
		.url = options->url,
		.range_first = fetching->head->size,
		.range_length = length,
		.cap = length > 0 ? length : options->bundle->length,
		.deadline = USEC_INFINITY,
	};
	int r = allowance_begin(options->watcher, options->fetcher, &request, &fetching->head->rest,
				err);

	if (r == 0 && length == 0)
		download_expect(fetching->head->rest, options->bundle->length);
	return r;
}

/* A range that the day clipped is through, and another day has begun, which allows more. */
static int begin_further(struct fetching *fetching, struct error *err)
{
	const struct head_options *options = fetching->options;
	const struct offer_bundle *bundle = options->bundle;
	uint64_t left = (options->whole ? bundle->length : bundle->head) - fetching->head->size;

	if (!download_is_range(fetching->head->rest))
		return error_set(err, FAULT_NETWORK, "%s: shorter than the metadata says",
				 options->url);
	download_free(fetching->head->rest);
	fetching->head->rest = NULL;
	return begin(fetching, allowance_range(options->watcher->session, left), err);
}

/* > 0: as head_get, and DOWNLOAD_PENDING. */
static int receive_some(struct fetching *fetching, struct error *err)
{
	const struct head_options *options = fetching->options;
	struct head *head = fetching->head;
	size_t left = options->bundle->head - head->size;
	size_t n;
	int r = download_read(head->rest, (uint8_t *)head->bytes + head->size,
			      allowance_clip(options->watcher->session, left), &n, err);

	switch (r) {
	case 0:
		head->size += n;
		r = allowance_take(options->watcher, n + download_take_repeated(head->rest), err);
		break;
	case DOWNLOAD_PENDING:
		r = wait_for_more(options, head->rest, head->size, err);
		break;
	case DOWNLOAD_ABSENT:
		return HEAD_ABSENT;
	case DOWNLOAD_NO_RANGE:
		return HEAD_NO_RANGE;
	case DOWNLOAD_END:
		return begin_further(fetching, err);
	default:
		break;
	}
	save(fetching, r < 0);
	return r;
}

/* Up to the end of the head. > 0: as head_get. */
static int receive(struct fetching *fetching, struct error *err)
{
	int r = 0;

	while (r == 0 && fetching->head->size < fetching->options->bundle->head)
		r = receive_some(fetching, err);
	return r;
}

/* The same, up to the end of the head. > 0: as head_get. */
static int ask(struct fetching *fetching, uint64_t length, struct error *err)
{
	int r = begin(fetching, length, err);

	return r < 0 ? r : receive(fetching, err);
}

static void begin_again(const struct fetching *fetching)
{
	download_free(fetching->head->rest);
	fetching->head->rest = NULL;
	fetching->head->size = 0;
}

/* All of it is a range, too, where it is more than the day allows; without ranges that must be a day that allows all of it. */
static int ask_whole(struct fetching *fetching, struct error *err)
{
	const struct head_options *options = fetching->options;
	uint64_t length = options->bundle->length;
	uint64_t allowed = allowance_range(options->watcher->session, length);
	int r = ask(fetching, allowed < length ? allowed : 0, err);

	if (r != HEAD_NO_RANGE || allowed == length)
		return r;
	r = allowance_ask_whole(options->watcher, length, err);
	if (r != 0)
		return r < 0 ? r : HEAD_NO_RANGE;
	begin_again(fetching);
	return ask(fetching, 0, err);
}

static bool is_whole(const struct fetching *fetching)
{
	return is_promised(fetching->options->bundle, fetching->head->bytes, fetching->head->size);
}

/* What lacks behind the front that an earlier run left. > 0: as head_get; there is none, or it was of no use. */
static int go_on(struct fetching *fetching, struct error *err)
{
	const struct head_options *options = fetching->options;
	const struct offer_bundle *bundle = options->bundle;
	struct head *head = fetching->head;
	size_t kept;
	int r;

	if (!options->keep || options->fresh)
		return HEAD_NO_RANGE;
	kept = partial_find(fetching->partials, 0, &fetching->block);
	if (kept == 0 || !partial_read(&fetching->partials[0], head->bytes, kept))
		return HEAD_NO_RANGE;
	head->size = kept;
	head->resumed = true;
	r = ask(fetching,
		allowance_range(options->watcher->session,
				(options->whole ? bundle->length : bundle->head) - kept),
		err);
	if (r == 0 && !is_whole(fetching))
		r = HEAD_NO_RANGE;
	if (r == HEAD_NO_RANGE)
		begin_again(fetching);
	return r;
}

static bool is_without_space(int r, const struct error *err)
{
	return r < 0 && err->fault == FAULT_NO_SPACE;
}

/* Once on the disk is enough. Its front may have the room that all of it needs. */
static int keep_once(struct fetching *fetching, struct error *err)
{
	struct error own = {};
	int r = keep(fetching->options, fetching->head, &own);

	if (r == 0 || is_without_space(r, &own))
		partial_clear(&fetching->partials[0], &fetching->block);
	if (is_without_space(r, &own))
		r = keep(fetching->options, fetching->head, &own);
	if (r < 0 && err)
		*err = own;
	return r;
}

/* r: of the last bytes; -EDQUOT: they may have been the last that the day allowed. */
static int conclude(struct fetching *fetching, int r, struct error *err)
{
	const struct head_options *options = fetching->options;
	bool whole = is_whole(fetching);
	int kept = 0;

	if (r == 0 && !whole)
		return error_set(err, FAULT_UNTRUSTED,
				 "%s: the first %llu bytes are not what the metadata promises",
				 options->url, (unsigned long long)options->bundle->head);
	if (whole && options->keep)
		kept = keep_once(fetching, r < 0 ? NULL : err);
	return r < 0 ? r : kept;
}

/* Before a byte of it is fetched. The front that an earlier run left gives its room to the whole. */
static bool has_room(struct fetching *fetching)
{
	const struct head_options *options = fetching->options;
	size_t front = partial_find(fetching->partials, 0, &fetching->block);

	return options->bundle->head - front <= options->room;
}

static int fetch(const struct head_options *options, struct head *head, struct error *err)
{
	const struct offer_bundle *bundle = options->bundle;
	_cleanup_(fetching_done) struct fetching fetching;
	int r;

	fetching_init(&fetching, options, head);
	if (!has_room(&fetching))
		return HEAD_NO_ROOM;
	head->bytes = bulk_alloc(bundle->head, 1);
	if (!head->bytes)
		return error_errno(err, "getting a bundle");
	r = go_on(&fetching, err);
	if (r == HEAD_NO_RANGE)
		r = options->whole ? ask_whole(&fetching, err) : ask(&fetching, bundle->head, err);
	return r == 0 || r == -EDQUOT ? conclude(&fetching, r, err) : r;
}

int head_get(const struct head_options *options, struct head *ret_head, struct error *err)
{
	_cleanup_head_ struct head head = {};
	int r;

	if (options->bundle->head > BUNDLE_HEAD_MAX)
		return error_set(err, FAULT_CORRUPT, "%s: a head of more than %d bytes",
				 options->url, BUNDLE_HEAD_MAX);
	if (options->fresh || !find_kept(options, &head)) {
		r = fetch(options, &head, err);
		if (r != 0)
			return r;
	}
	if (!options->whole) {
		download_free(head.rest);
		head.rest = NULL;
	}
	*ret_head = head;
	head = (struct head){};
	return 0;
}

const char *head_why_none(int outcome)
{
	switch (outcome) {
	case HEAD_ABSENT:
		return "the server lacks it";
	case HEAD_NO_ROOM:
		return "there is no room for its head";
	default:
		return "the server gives no ranges";
	}
}
