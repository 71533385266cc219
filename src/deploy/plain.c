#include "deploy/plain.h"

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
#include "store/durable.h"
#include "store/layout.h"
#include "transfer/download.h"

#define TARGET_FILE "target"
#define NAME_FILE   "target.name" /* what TARGET_FILE is a part of: the promised digest */
#define SHOWN	    LAYOUT_STAGING "/" TARGET_FILE
#define HASH_DIGITS 12 /* of the version of a target that has none */
#define PART_SIZE   (256 * 1024)
#define GOT_ON_SIZE (64 * 1024) /* a run that is killed after so many bytes was not in vain */

void plain_free(struct plain *plain)
{
	if (!plain)
		return;
	found_free(plain->found);
	free(plain);
}

char *plain_name(const struct digest *promised, char ret_version[static STATE_VERSION_MAX])
{
	char hex[DIGEST_HEX_MAX];

	return text_copy(digest_to_hex(promised, hex), ret_version, HASH_DIGITS + 1);
}

/* The hash of the file; unpacked in another way it is another release. */
static int find_promised(const struct hashes *hashes, unsigned int strip_components,
			 struct digest *ret_promised, struct error *err)
{
	_cleanup_text_ struct text text = {};
	char hex[HASHES_HEX_MAX];
	int r;

	if (hashes->has_sha256 && strip_components == 0) {
		*ret_promised = hashes->sha256;
		return 0;
	}
	text_add(&text, "%s %u", hashes_to_hex(hashes, hex), strip_components);
	r = text_check(&text, err);
	return r < 0 ? r : digest_of(text.data, text.size, ret_promised, err);
}

int plain_new(const struct found *found, const char *version, unsigned int strip_components,
	      struct plain **ret_plain, struct error *err)
{
	_cleanup_(plain_freep) struct plain *plain = calloc(1, sizeof(*plain));
	int r;

	if (!plain)
		return error_code(err, -ENOMEM, "choosing a target");
	r = find_promised(&found->hashes, strip_components, &plain->promised, err);
	if (r >= 0)
		r = found_copy(found, &plain->found, err);
	if (r < 0)
		return r;
	plain->ordered = version[0] != '\0';
	(void)text_copy(version, plain->version, sizeof(plain->version));
	if (!plain->ordered)
		(void)plain_name(&plain->promised, plain->version);
	*ret_plain = TAKE_PTR(plain);
	return 0;
}

struct job {
	struct watcher *watcher;
	const struct plain *plain;
	plain_progress progress;
	char *url; /* of the file */
	char *part; /* PART_SIZE bytes */
	int staging_fd;
	int fd;
	uint64_t have; /* bytes in the file */
	uint64_t fresh; /* of them by this run */
};

static void job_done(struct job *job)
{
	cleanup_close(&job->fd);
	cleanup_close(&job->staging_fd);
	free(job->url);
	free(job->part);
}

static uint64_t length_of(const struct job *job)
{
	return job->plain->found->length;
}

static int tell(const struct job *job, uint64_t done, struct error *err)
{
	return job->progress(job->watcher, done, length_of(job), err);
}

/* ---- from the server ---- */

static int take(struct job *job, struct download *download, const char *bytes, size_t n,
		struct error *err)
{
	int r;

	if (n > length_of(job) - job->have)
		return error_set(err, FAULT_UNTRUSTED, "%s: longer than the metadata says",
				 job->url);
	if (fd_pwrite_full(job->fd, bytes, n, (off_t)job->have) < 0)
		return error_errno(err, "writing " SHOWN);
	job->have += n;
	job->fresh += n;
	r = allowance_take(job->watcher, n + download_take_repeated(download), err);
	if (r == 0 && job->fresh >= GOT_ON_SIZE)
		r = watcher_got_on(job->watcher, err);
	return r;
}

/* To the end of the download. > 0: DOWNLOAD_NO_RANGE; DOWNLOAD_END: another day has begun, which allows more. */
static int receive(struct job *job, struct download *download, struct error *err)
{
	size_t n;
	int r;

	for (;;) {
		r = download_read(download, job->part,
				  allowance_clip(job->watcher->session, PART_SIZE), &n, err);
		if (r == DOWNLOAD_ABSENT)
			return error_set(err, FAULT_NETWORK,
					 "%s: the metadata promises it, the server lacks it",
					 job->url);
		if (r < 0 || r == DOWNLOAD_NO_RANGE)
			return r;
		if (r == DOWNLOAD_END)
			break;
		if (r == DOWNLOAD_PENDING)
			download_wait(download);
		else
			r = take(job, download, job->part, n, err);
		if (r >= 0)
			r = tell(job, job->have, err);
		if (r < 0)
			return r;
	}
	if (job->have == length_of(job))
		return 0;
	if (download_is_range(download))
		return DOWNLOAD_END;
	return error_set(err, FAULT_NETWORK, "%s: shorter than the metadata says", job->url);
}

/* As far as the day allows; `whole`: in any case without a range. */
static int download_rest(struct job *job, struct fetcher *fetcher, bool whole, struct error *err)
{
	_cleanup_(download_freep) struct download *download = NULL;
	uint64_t left = length_of(job) - job->have;
	uint64_t allowed = allowance_range(job->watcher->session, left);
	const struct fetch_request request = {
		.url = job->url,
		.range_first = job->have,
		.range_length = whole || allowed == length_of(job) ? 0 : allowed,
		.cap = left,
		.deadline = USEC_INFINITY,
	};
	int r;

	r = allowance_begin(job->watcher, fetcher, &request, &download, err);
	if (r < 0)
		return r;
	if (request.range_length == 0)
		download_expect(download, left);
	return receive(job, download, err);
}

static int start_again(struct job *job, struct error *err)
{
	job->have = 0;
	return ftruncate(job->fd, 0) < 0 ? error_errno(err, "cutting " SHOWN) : 0;
}

/* From the beginning, as the only thing that the server gives. */
static int fetch_whole(struct job *job, struct fetcher *fetcher, struct error *err)
{
	int r = allowance_require_whole(job->watcher, length_of(job), err);

	if (r < 0)
		return error_prefix(err, r, "%s", job->url);
	r = start_again(job, err);
	return r < 0 ? r : download_rest(job, fetcher, true, err);
}

static int fetch_by(struct job *job, struct fetcher *fetcher, struct error *err)
{
	int r;

	do {
		r = download_rest(job, fetcher, false, err);
	} while (r == DOWNLOAD_END);
	return r == DOWNLOAD_NO_RANGE ? fetch_whole(job, fetcher, err) : r;
}

static int fetch(struct job *job, struct error *err)
{
	const struct deploy_options *options = job->watcher->session->options;
	_cleanup_(fetcher_freep) struct fetcher *fetcher = NULL;
	int settled;
	int r;

	if (job->have == length_of(job))
		return 0;
	r = fetcher_new(options->helper, &options->source.fetch, &fetcher, err);
	if (r >= 0)
		r = fetch_by(job, fetcher, err);
	settled = allowance_settle(job->watcher, r < 0 ? NULL : err);
	return r < 0 ? r : settled;
}

/* ---- on the disk ---- */

static int hash(const struct job *job, struct hashes_stream *stream, struct digester *sha256,
		struct error *err)
{
	int r = 0;

	for (uint64_t done = 0; r >= 0 && done < length_of(job);) {
		ssize_t n = fd_pread_full(job->fd, job->part, PART_SIZE, (off_t)done);

		if (n <= 0)
			return error_errno(err, "reading " SHOWN);
		done += (uint64_t)n;
		r = hashes_stream_update(stream, job->part, (size_t)n, err);
		if (r >= 0)
			r = digester_update(sha256, job->part, (size_t)n, err);
		if (r >= 0)
			r = tell(job, done, err);
	}
	return r;
}

/* Its SHA-256 is that of the very bytes that the listed hashes were compared for. */
static int verify(const struct job *job, struct digest *ret_digest, struct error *err)
{
	_cleanup_(hashes_stream_freep) struct hashes_stream *stream = NULL;
	_cleanup_(digester_freep) struct digester *sha256 = NULL;
	int r;

	r = hashes_stream_new(&job->plain->found->hashes, &stream, err);
	if (r >= 0)
		r = digester_new(&sha256, err);
	if (r >= 0)
		r = hash(job, stream, sha256, err);
	if (r >= 0)
		r = hashes_stream_finish(stream, err);
	return r < 0 ? r : digester_finish(sha256, ret_digest, err);
}

/* Room for it beside the reserve, and for what it unpacks to, which nobody knows yet: as much at least. */
static int plan(const struct job *job, struct error *err)
{
	const struct session *session = job->watcher->session;
	const struct stage_options *stage = &session->options->stage;
	uint64_t left = length_of(job) - job->have;
	struct plan needs = { .bytes_needed = left, .inodes_needed = 4 };
	struct plan_space space;
	int r;

	r = plan_measure(session->dirfd, -1, &space, err);
	return r < 0 ? r : plan_check(&needs, &space, stage->reserve_bytes, err);
}

/* Is what lies there a part of this very target? */
static bool is_ours(const struct job *job)
{
	_cleanup_free_ char *name = NULL;
	char hex[DIGEST_HEX_MAX];

	return fd_read_file(job->staging_fd, NAME_FILE, DIGEST_HEX_MAX, &name, NULL, NULL) == 0 &&
	       strcmp(name, digest_to_hex(&job->plain->promised, hex)) == 0;
}

static int open_file(struct job *job, struct error *err)
{
	char hex[DIGEST_HEX_MAX];
	struct stat st;
	int r = 0;

	job->fd = openat(job->staging_fd, TARGET_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			 0600);
	if (job->fd < 0 || fstat(job->fd, &st) < 0)
		return error_errno(err, "opening " SHOWN);
	job->have = (uint64_t)st.st_size;
	if (!is_ours(job) || job->have > length_of(job))
		r = start_again(job, err);
	if (r < 0)
		return r;
	(void)digest_to_hex(&job->plain->promised, hex);
	return durable_replace(job->staging_fd, NAME_FILE, hex, strlen(hex), 0600, err);
}

static int prepare(struct job *job, struct error *err)
{
	const struct session *session = job->watcher->session;
	_cleanup_text_ struct text url = {};
	int r;

	if (length_of(job) > session->options->stage.max_archive_bytes)
		return error_set(err, FAULT_NO_SPACE,
				 "the target has %llu bytes, more than the limit of %llu "
				 "([Update] MaxArchive=)",
				 (unsigned long long)length_of(job),
				 (unsigned long long)session->options->stage.max_archive_bytes);
	text_add(&url, "%s/targets/%s", session->options->source.url, job->plain->found->file);
	job->url = text_take(&url);
	job->part = malloc(PART_SIZE);
	if (!job->url || !job->part)
		return error_code(err, -ENOMEM, "getting the release");
	r = durable_mkdir(session->dirfd, LAYOUT_STAGING, 0700, err);
	if (r >= 0)
		r = fd_open_dir(session->dirfd, LAYOUT_STAGING, &job->staging_fd, err);
	if (r >= 0)
		r = open_file(job, err);
	return r < 0 ? r : plan(job, err);
}

/* A part that was there before may be the one that is wrong: without it there is another try. */
static int get(struct job *job, struct digest *ret_digest, struct error *err)
{
	bool resumed = job->have > 0;
	struct error why = {};
	int r;

	r = fetch(job, err);
	if (r < 0)
		return r;
	r = verify(job, ret_digest, &why);
	if (r >= 0)
		return 0;
	if (why.fault == FAULT_UNTRUSTED) {
		int cut = start_again(job, err);

		if (cut < 0)
			return cut;
		if (resumed)
			return get(job, ret_digest, err);
	}
	if (err)
		*err = why;
	return error_prefix(err, r, "%s", job->url);
}

int plain_get(struct watcher *watcher, const struct plain *plain, plain_progress progress,
	      int *ret_fd, struct digest *ret_digest, struct error *err)
{
	_cleanup_(job_done) struct job job = {
		.watcher = watcher,
		.plain = plain,
		.progress = progress,
		.staging_fd = -1,
		.fd = -1,
	};
	int r;

	r = prepare(&job, err);
	if (r >= 0)
		r = get(&job, ret_digest, err);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(job.fd);
	return 0;
}

int plain_drop(struct session *session, struct error *err)
{
	_cleanup_close_ int staging_fd = -1;
	int r;

	if (fd_open_dir(session->dirfd, LAYOUT_STAGING, &staging_fd, NULL) < 0)
		return 0;
	r = durable_remove(staging_fd, TARGET_FILE, err);
	return r < 0 ? r : durable_remove(staging_fd, NAME_FILE, err);
}
