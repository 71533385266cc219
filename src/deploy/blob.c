#include "deploy/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "deploy/allowance.h"
#include "install/plan.h"
#include "release/pieces.h"
#include "store/durable.h"
#include "store/layout.h"
#include "transfer/download.h"

#define FULL_FILE "full"

struct blob {
	struct watcher *watcher;
	const struct offer *offer;
	const struct blob_listener *listener;
	const char *url; /* while it is fetched */
	int fd;
	uint64_t verified; /* bytes at the front of the file: whole pieces */
	char *piece; /* PIECES_SIZE bytes: the one that is being filled */
	size_t filled;
	size_t saved; /* of them in the file, not verified yet */
	bool adopted; /* some of them an earlier run had fetched */
};

#define SAVE_SIZE (64 * 1024)

/* A piece turned out not to be what an earlier run had fetched of it: once more. Not a code of download.h. */
#define BLOB_AGAIN 100

static void blob_done(struct blob *blob)
{
	cleanup_close(&blob->fd);
	free(blob->piece);
}

static uint64_t left_of(const struct blob *blob)
{
	return blob->offer->full_length - blob->verified;
}

static uint64_t position(const struct blob *blob)
{
	return blob->verified + blob->filled;
}

static size_t piece_size(const struct blob *blob)
{
	return left_of(blob) < PIECES_SIZE ? (size_t)left_of(blob) : PIECES_SIZE;
}

static bool is_piece_good(const struct blob *blob, size_t size)
{
	const struct digest *wanted = &blob->offer->pieces[blob->verified / PIECES_SIZE];
	struct digest digest;

	return digest_of(blob->piece, size, &digest, NULL) == 0 && digest_equal(&digest, wanted);
}

static int tell(const struct blob *blob, struct error *err)
{
	return blob->listener->progress(blob->listener->data, position(blob),
					blob->offer->full_length, err);
}

static int tell_verified(const struct blob *blob, struct error *err)
{
	int r = watcher_got_on(blob->watcher, err);

	if (r < 0 || !blob->listener->verified)
		return r;
	return blob->listener->verified(blob->listener->data, blob->fd, blob->verified, err);
}

static void empty_piece(struct blob *blob)
{
	blob->filled = 0;
	blob->saved = 0;
	blob->adopted = false;
}

/* How much of the file is good already, piece by piece; of the next one its front is kept, which will be verified with the rest. */
static int keep_what_is_good(struct blob *blob, struct error *err)
{
	while (left_of(blob) > 0) {
		size_t size = piece_size(blob);
		ssize_t n = fd_pread_full(blob->fd, blob->piece, size, (off_t)blob->verified);
		int r;

		if (n < 0)
			return error_errno(err, "reading " LAYOUT_STAGING "/" FULL_FILE);
		if ((size_t)n < size) {
			blob->filled = blob->saved = (size_t)n;
			blob->adopted = n > 0;
			break;
		}
		if (!is_piece_good(blob, size))
			break;
		blob->verified += size;
		r = tell(blob, err);
		if (r < 0)
			return r;
	}
	if (ftruncate(blob->fd, (off_t)position(blob)) < 0)
		return error_errno(err, "cutting " LAYOUT_STAGING "/" FULL_FILE);
	return 0;
}

/* What there is of the piece goes to the file, so that a run that is killed has not fetched it for nothing. */
static int save(struct blob *blob, struct error *err)
{
	if (fd_pwrite_full(blob->fd, blob->piece + blob->saved, blob->filled - blob->saved,
			   (off_t)(blob->verified + blob->saved)) < 0)
		return error_errno(err, "writing " LAYOUT_STAGING "/" FULL_FILE);
	blob->saved = blob->filled;
	return 0;
}

static int save_early(struct blob *blob, struct error *err)
{
	int r = save(blob, err);

	return r < 0 ? r : watcher_got_on(blob->watcher, err);
}

/* The piece is full. > 0: BLOB_AGAIN. */
static int take_piece(struct blob *blob, struct error *err)
{
	bool adopted = blob->adopted;
	int r;

	if (is_piece_good(blob, blob->filled)) {
		r = save(blob, err);
		if (r < 0)
			return r;
		blob->verified += blob->filled;
		empty_piece(blob);
		return tell_verified(blob, err);
	}
	empty_piece(blob);
	if (ftruncate(blob->fd, (off_t)blob->verified) < 0)
		return error_errno(err, "cutting " LAYOUT_STAGING "/" FULL_FILE);
	if (adopted)
		return BLOB_AGAIN;
	return error_set(err, FAULT_UNTRUSTED,
			 "%s: the bytes from %llu on are not what the metadata promises", blob->url,
			 (unsigned long long)blob->verified);
}

/* > 0: BLOB_AGAIN. */
static int take(struct blob *blob, const char *bytes, size_t n, struct error *err)
{
	int r = 0;

	while (n > 0 && r == 0) {
		size_t size = piece_size(blob);
		size_t part = size - blob->filled < n ? size - blob->filled : n;

		if (size == 0)
			return error_set(err, FAULT_UNTRUSTED, "%s: longer than the metadata says",
					 blob->url);
		memcpy(blob->piece + blob->filled, bytes, part);
		blob->filled += part;
		bytes += part;
		n -= part;
		if (blob->filled == size)
			r = take_piece(blob, err);
		else if (blob->filled - blob->saved >= SAVE_SIZE)
			r = save_early(blob, err);
	}
	return r;
}

static int wait_for_more(struct blob *blob, struct download *download, struct error *err)
{
	download_wait(download);
	return tell(blob, err);
}

/* They have come; the last ones of the day, too, are kept. > 0: BLOB_AGAIN. */
static int count_and_take(struct blob *blob, struct download *download, const char *bytes, size_t n,
			  struct error *err)
{
	int counted = allowance_take(blob->watcher, n + download_take_repeated(download), err);
	int r = take(blob, bytes, n, counted < 0 ? NULL : err);

	if (counted < 0 && blob->filled > blob->saved)
		(void)save(blob, NULL);
	return counted < 0 ? counted : r;
}

/* To the end of the download. > 0: DOWNLOAD_NO_RANGE, BLOB_AGAIN: another day has begun, which allows more. */
static int receive(struct blob *blob, struct download *download, struct error *err)
{
	char buf[64 * 1024];
	size_t n;
	int r;

	for (;;) {
		r = download_read(download, buf,
				  allowance_clip(blob->watcher->session, sizeof(buf)), &n, err);
		if (r == DOWNLOAD_ABSENT)
			return error_set(err, FAULT_NETWORK,
					 "%s: the server lacks it, or does not give it out (HTTP "
					 "404, 403 or 410)",
					 blob->url);
		if (r < 0 || r == DOWNLOAD_NO_RANGE)
			return r;
		if (r == DOWNLOAD_END)
			break;
		if (r == DOWNLOAD_PENDING)
			r = wait_for_more(blob, download, err);
		else
			r = count_and_take(blob, download, buf, n, err);
		if (r == 0)
			r = tell(blob, err);
		if (r != 0)
			return r;
	}
	if (left_of(blob) == 0)
		return 0;
	if (download_is_range(download))
		return BLOB_AGAIN;
	return error_set(err, FAULT_NETWORK, "%s: shorter than the metadata says", blob->url);
}

/* What is missing, as far as the day allows; `whole`: in any case without a range. */
static int download_rest(struct blob *blob, struct fetcher *fetcher, bool whole, struct error *err)
{
	_cleanup_(download_freep) struct download *download = NULL;
	uint64_t left = blob->offer->full_length - position(blob);
	uint64_t length = allowance_range(blob->watcher->session, left);
	const struct fetch_request request = {
		.url = blob->url,
		.range_first = position(blob),
		.range_length = whole || length == blob->offer->full_length ? 0 : length,
		.cap = left,
		.deadline = USEC_INFINITY,
	};
	int r;

	r = allowance_begin(blob->watcher, fetcher, &request, &download, err);
	if (r < 0)
		return r;
	if (request.range_length == 0)
		download_expect(download, left);
	return receive(blob, download, err);
}

/* From the beginning, as the only thing that the server gives. */
static int fetch_whole(struct blob *blob, struct fetcher *fetcher, struct error *err)
{
	int r = allowance_require_whole(blob->watcher, blob->offer->full_length, err);

	if (r < 0)
		return error_prefix(err, r, "%s", blob->url);
	blob->verified = 0;
	empty_piece(blob);
	return download_rest(blob, fetcher, true, err);
}

static int fetch(struct blob *blob, struct error *err)
{
	const struct deploy_options *options = blob->watcher->session->options;
	_cleanup_(fetcher_freep) struct fetcher *own = NULL;
	struct fetcher *fetcher = NULL;
	_cleanup_text_ struct text url = {};
	char hex[DIGEST_HEX_MAX];
	int r;

	text_add(&url, "%s/blobs/sha256/%s", options->source.url,
		 digest_to_hex(&blob->offer->full, hex));
	r = text_check(&url, err);
	if (r >= 0)
		r = session_fetcher(blob->watcher->session, &own, &fetcher, err);
	if (r < 0)
		return r;
	blob->url = url.data;
	do {
		r = download_rest(blob, fetcher, false, err);
	} while (r == BLOB_AGAIN);
	if (r == DOWNLOAD_NO_RANGE)
		r = fetch_whole(blob, fetcher, err);
	blob->url = NULL;
	return r < 0 ? r : 0;
}

/* The plan, before the first byte: the blob and what it unpacks to lie on the disk at the same time. */
static int plan(const struct blob *blob, enum slot target, struct error *err)
{
	_cleanup_close_ int slot_fd = -1;
	struct plan_space space;
	struct plan needs;
	int r;

	r = layout_open_slot(blob->watcher->session->dirfd, target, &slot_fd, err);
	if (r >= 0)
		r = plan_measure(blob->watcher->session->dirfd, slot_fd, &space, err);
	if (r < 0)
		return r;
	needs.bytes_needed =
		left_of(blob) + blob->offer->bytes + blob->offer->files * space.block_size;
	needs.inodes_needed = blob->offer->files + 4;
	return plan_check(&needs, &space, blob->watcher->session->options->stage.reserve_bytes,
			  err);
}

static int open_file(struct session *session, int *ret_fd, struct error *err)
{
	_cleanup_close_ int staging_fd = -1;
	int r;

	r = durable_mkdir(session->dirfd, LAYOUT_STAGING, 0700, err);
	if (r >= 0)
		r = fd_open_dir(session->dirfd, LAYOUT_STAGING, &staging_fd, err);
	if (r < 0)
		return r;
	*ret_fd = openat(staging_fd, FULL_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *ret_fd < 0 ? error_errno(err, "opening " LAYOUT_STAGING "/" FULL_FILE) : 0;
}

int blob_get(struct watcher *watcher, const struct offer *offer, enum slot target,
	     const struct blob_listener *listener, int *ret_fd, struct error *err)
{
	_cleanup_(blob_done) struct blob blob = {
		.watcher = watcher,
		.offer = offer,
		.listener = listener,
		.fd = -1,
	};
	int r;

	blob.piece = malloc(PIECES_SIZE);
	if (!blob.piece)
		return error_code(err, -ENOMEM, "getting the release");
	r = open_file(watcher->session, &blob.fd, err);
	if (r >= 0)
		r = keep_what_is_good(&blob, err);
	if (r >= 0)
		r = plan(&blob, target, err);
	if (r >= 0 && blob.verified > 0)
		r = tell_verified(&blob, err);
	if (r >= 0 && left_of(&blob) > 0)
		r = fetch(&blob, err);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(blob.fd);
	return 0;
}

int blob_drop(struct session *session, struct error *err)
{
	_cleanup_close_ int staging_fd = -1;

	if (fd_open_dir(session->dirfd, LAYOUT_STAGING, &staging_fd, NULL) < 0)
		return 0;
	return durable_remove(staging_fd, FULL_FILE, err);
}

uint64_t blob_count_kept(const struct session *session, const struct offer *offer)
{
	struct stat st;

	if (fstatat(session->dirfd, LAYOUT_STAGING "/" FULL_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if ((uint64_t)st.st_size >= offer->full_length)
		return offer->full_length;
	return (uint64_t)st.st_size / PIECES_SIZE * PIECES_SIZE;
}
