#include "deploy/retrieval.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "deploy/allowance.h"
#include "deploy/plain.h"
#include "deploy/source.h"
#include "install/plan.h"
#include "install/staged.h"
#include "store/layout.h"
#include "transfer/download.h"

#define FILE_NAME "archive" /* in staging/, for a moment */
#define PART_SIZE (256 * 1024)

struct retrieval {
	struct watcher *watcher;
	char *url;
	char *part; /* PART_SIZE bytes */
	int fd;
	uint64_t have;
};

static void retrieval_done(const struct retrieval *retrieval)
{
	cleanup_close(&retrieval->fd);
	free(retrieval->url);
	free(retrieval->part);
}

static int on_fetch(struct watcher *watcher, uint64_t done, uint64_t total, struct error *err)
{
	return watcher_progress(watcher, STAGE_FETCH, done, total, err);
}

/* ---- a target of its own (TargetPattern=): the metadata lists it ---- */

static int get_target(struct watcher *watcher, const struct descriptor *descriptor, int *ret_fd,
		      struct error *err)
{
	struct session *session = watcher->session;
	_cleanup_source_release_ struct source_release release = {};
	struct digest digest;
	int r = source_refresh(session, "", descriptor->version, &release, err);

	if (r < 0)
		return r;
	if (r > 0 || !release.plain ||
	    !digest_equal(&release.plain->promised, &descriptor->promised))
		return error_set(err, FAULT_NETWORK, "the source does not offer %s any more",
				 descriptor->version);
	r = plain_get(watcher, release.plain, on_fetch, ret_fd, &digest, err);
	return r < 0 ? r : plain_drop(session, err);
}

/* ---- a blob ---- */

static int check_room(const struct session *session, uint64_t bytes, struct error *err)
{
	const struct plan needs = { .bytes_needed = bytes, .inodes_needed = 1 };
	struct plan_space space;
	int r = plan_measure(session->dirfd, -1, &space, err);

	return r < 0 ? r : plan_check(&needs, &space, session->options->stage.reserve_bytes, err);
}

int retrieval_prepare(struct session *session, uint64_t bytes, struct error *err)
{
	int r = checked_load(session->dirfd, &session->checked, err);

	return r < 0 ? r : check_room(session, bytes, err);
}

/* Nobody but us ever sees it, and it goes with us. */
static int open_file(struct retrieval *retrieval, struct error *err)
{
	_cleanup_close_ int staging_fd = -1;
	int r = staged_make_dir(retrieval->watcher->session->dirfd, &staging_fd, err);

	if (r < 0)
		return r;
	if (unlinkat(staging_fd, FILE_NAME, 0) < 0 && errno != ENOENT)
		return error_errno(err, "removing " LAYOUT_STAGING "/" FILE_NAME);
	retrieval->fd = openat(staging_fd, FILE_NAME,
			       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (retrieval->fd < 0 || unlinkat(staging_fd, FILE_NAME, 0) < 0)
		return error_errno(err, "making " LAYOUT_STAGING "/" FILE_NAME);
	return 0;
}

static int take(struct retrieval *retrieval, struct download *download, size_t n, struct error *err)
{
	if (fd_pwrite_full(retrieval->fd, retrieval->part, n, (off_t)retrieval->have) < 0)
		return error_errno(err, "writing " LAYOUT_STAGING "/" FILE_NAME);
	retrieval->have += n;
	return allowance_take(retrieval->watcher, n + download_take_repeated(download), err);
}

/* < 0, DOWNLOAD_END or DOWNLOAD_PENDING */
static int take_some(struct retrieval *retrieval, struct download *download, struct error *err)
{
	size_t n;
	int r = download_read(download, retrieval->part, PART_SIZE, &n, err);

	if (r == DOWNLOAD_ABSENT || r == DOWNLOAD_NO_RANGE)
		return error_set(err, FAULT_NETWORK, "%s: the source does not have it any more",
				 retrieval->url);
	if (r == 0)
		r = take(retrieval, download, n, err);
	return r;
}

static int receive(struct retrieval *retrieval, struct download *download, struct error *err)
{
	int r = 0;

	while (r >= 0 && r != DOWNLOAD_END) {
		if (r == DOWNLOAD_PENDING)
			download_wait(download);
		r = on_fetch(retrieval->watcher, retrieval->have, 0, err);
		if (r == 0)
			r = take_some(retrieval, download, err);
	}
	return r < 0 ? r : 0;
}

static int fetch(struct retrieval *retrieval, struct error *err)
{
	const struct deploy_options *options = retrieval->watcher->session->options;
	_cleanup_(fetcher_freep) struct fetcher *fetcher = NULL;
	_cleanup_(download_freep) struct download *download = NULL;
	const struct fetch_request request = {
		.url = retrieval->url,
		.cap = options->stage.max_archive_bytes,
		.deadline = USEC_INFINITY,
	};
	int r = allowance_ask(retrieval->watcher, err);

	if (r >= 0)
		r = fetcher_new(options->helper, &options->source.fetch, &fetcher, err);
	if (r >= 0)
		r = allowance_begin(retrieval->watcher, fetcher, &request, &download, err);
	if (r < 0)
		return r;
	r = receive(retrieval, download, err);
	return r < 0 ? r : allowance_settle(retrieval->watcher, err);
}

static int get_blob(struct watcher *watcher, const struct descriptor *descriptor, int *ret_fd,
		    struct error *err)
{
	struct session *session = watcher->session;
	_cleanup_(retrieval_done) struct retrieval retrieval = { .watcher = watcher, .fd = -1 };
	_cleanup_text_ struct text url = {};
	char hex[DIGEST_HEX_MAX];
	int r;

	text_add(&url, "%s/blobs/sha256/%s", session->options->source.url,
		 digest_to_hex(&descriptor->source, hex));
	retrieval.url = text_take(&url);
	retrieval.part = malloc(PART_SIZE);
	if (!retrieval.url || !retrieval.part)
		return error_code(err, -ENOMEM, "getting an archive");
	r = retrieval_prepare(session, descriptor->bytes, err); /* packed it is less */
	if (r == 0)
		r = open_file(&retrieval, err);
	if (r == 0)
		r = fetch(&retrieval, err);
	if (r == 0)
		*ret_fd = TAKE_FD(retrieval.fd);
	return r;
}

int retrieval_check(const struct session *session, const struct descriptor *descriptor,
		    struct error *err)
{
	char barred[STATE_REASON_MAX];

	if (descriptor->origin != ORIGIN_SIGNED && descriptor->origin != ORIGIN_TARGET)
		return error_set(err, FAULT_CONFIG, "%s did not come from a source",
				 descriptor->version);
	if (!session->options->source.url)
		return error_set(err, FAULT_CONFIG, "there is no source any more ([Source] Url=)");
	if (source_bars(session->dirfd, descriptor, barred, sizeof(barred)))
		return error_set(err, FAULT_STALE, "%s", barred);
	return 0;
}

int retrieval_get(struct watcher *watcher, const struct descriptor *descriptor, int *ret_fd,
		  struct error *err)
{
	int r = retrieval_check(watcher->session, descriptor, err);

	if (r < 0)
		return r;
	return descriptor->origin == ORIGIN_TARGET ? get_target(watcher, descriptor, ret_fd, err) :
						     get_blob(watcher, descriptor, ret_fd, err);
}
