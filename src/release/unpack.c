#include "release/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <lzma.h>
#include <string.h>
#include <zstd.h>

#include "base/text.h"
#include "base/thread.h"

#define SLABS	  8
#define SLAB_SIZE (256 * 1024)
#define XZ_MEMORY ((uint64_t)160 << 20) /* a dictionary of 128 MiB; xz -9 has one of 64 */

static const uint8_t zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
static const uint8_t xz_magic[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };

static void cleanup_zstd(ZSTD_DCtx **zstd)
{
	(void)ZSTD_freeDCtx(*zstd);
}

/*
 * A ring of slabs between the thread, which fills, and the reader. What both touch is below `mutex`:
 *
 *     taken ≤ filled ≤ taken + SLABS     slabs so far; slab i is slabs[i % SLABS]
 *     the thread owns slab `filled`, the reader slab `taken` while it reads it
 *     ended                               no slab comes after `filled`; code and err say why
 *     stopped                             the reader wants no more
 */
struct unpack {
	struct pieces *pieces;
	unpack_filter filter;
	uint8_t *slabs[SLABS];
	pthread_t thread;
	bool is_running;
	bool is_reading; /* the reader holds slab `taken` */

	/* the thread's own */
	size_t in_slab; /* bytes in the slab that is being filled */
	uint64_t next_piece;
	uint64_t position;
	int read_code; /* < 0: a piece could not be read, read_err says why */
	struct error read_err;

	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t sizes[SLABS];
	uint64_t positions[SLABS];
	uint64_t filled;
	uint64_t taken;
	bool ended;
	bool stopped;
	int code;
	struct error err;
};

/* ---- in the thread ---- */

static bool is_stopped(struct unpack *unpack)
{
	bool stopped;

	pthread_mutex_lock(&unpack->mutex);
	stopped = unpack->stopped;
	pthread_mutex_unlock(&unpack->mutex);
	return stopped;
}

static la_ssize_t on_read(struct archive *archive, void *data, const void **ret_bytes)
{
	struct unpack *unpack = data;
	size_t size = 0;

	if (unpack->position >= pieces_bytes(unpack->pieces))
		return 0;
	if (!is_stopped(unpack))
		unpack->read_code = pieces_read(unpack->pieces, unpack->next_piece++, ret_bytes,
						&size, &unpack->read_err);
	if (size == 0) {
		archive_set_error(archive, EIO, "stopped");
		return ARCHIVE_FATAL;
	}
	unpack->position += size;
	return (la_ssize_t)size;
}

/* Hands the slab over and waits for the next one. False: nobody wants it. Once it waits, for half of them: not for each one, by turns with the reader. */
static bool hand_over(struct unpack *unpack)
{
	bool stopped;

	pthread_mutex_lock(&unpack->mutex);
	unpack->sizes[unpack->filled % SLABS] = unpack->in_slab;
	unpack->positions[unpack->filled % SLABS] = unpack->position;
	unpack->filled++;
	unpack->in_slab = 0;
	pthread_mutex_unlock(&unpack->mutex);
	pthread_cond_signal(
		&unpack->changed); /* not before: who is woken would wait for the mutex */
	pthread_mutex_lock(&unpack->mutex);
	while (unpack->filled == unpack->taken + SLABS && !unpack->stopped)
		pthread_cond_wait(&unpack->changed, &unpack->mutex);
	stopped = unpack->stopped;
	pthread_mutex_unlock(&unpack->mutex);
	return !stopped;
}

static bool put(struct unpack *unpack, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		size_t room = SLAB_SIZE - unpack->in_slab;
		size_t n = size < room ? size : room;

		memcpy(unpack->slabs[unpack->filled % SLABS] + unpack->in_slab, bytes, n);
		unpack->in_slab += n;
		bytes += n;
		size -= n;
		if (unpack->in_slab == SLAB_SIZE && !hand_over(unpack))
			return false;
	}
	return true;
}

static int fail(struct unpack *unpack, struct archive *archive, struct error *err)
{
	const char *why = archive_error_string(archive);
	char shown[160];

	if (unpack->read_code < 0) {
		*err = unpack->read_err;
		return unpack->read_code;
	}
	if (archive_errno(archive) == ENOMEM)
		return error_code(err, -ENOMEM, "decompressing the archive");
	if (!why)
		why = "no reason given";
	return error_set(err, FAULT_CORRUPT, "the archive cannot be decompressed: %s",
			 text_escape(why, strcspn(why, "\n"), shown, sizeof(shown)));
}

/* A filter that is not built in returns a warning: it would run a program. */
static int open_archive(struct unpack *unpack, struct archive *archive, struct error *err)
{
	struct archive_entry *entry;

	if (archive_read_support_format_raw(archive) != ARCHIVE_OK ||
	    unpack->filter(archive) != ARCHIVE_OK)
		return error_set(err, FAULT_INTERNAL,
				 "this libarchive does not decompress such an archive by itself");
	if (archive_read_open(archive, unpack, NULL, on_read, NULL) != ARCHIVE_OK)
		return fail(unpack, archive, err);
	if (archive_filter_count(archive) > 2)
		return error_set(err, FAULT_CORRUPT, "the archive is compressed more than once");
	if (archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return fail(unpack, archive, err);
	return 0;
}

static int decompress(struct unpack *unpack, struct archive *archive, struct error *err)
{
	const void *bytes;
	size_t size;
	la_int64_t offset;
	int r = open_archive(unpack, archive, err);

	if (r < 0)
		return r;
	while ((r = archive_read_data_block(archive, &bytes, &size, &offset)) == ARCHIVE_OK)
		if (!put(unpack, bytes, size))
			return 0;
	return r == ARCHIVE_EOF ? 0 : fail(unpack, archive, err);
}

static int corrupt(const char *why, struct error *err)
{
	return error_set(err, FAULT_CORRUPT, "the archive cannot be decompressed: %s", why);
}

/* The next piece; none at the end. */
static int next_input(struct unpack *unpack, const void **ret_bytes, size_t *ret_size,
		      struct error *err)
{
	const void *bytes = NULL;
	size_t size = 0;
	int r = 0;

	if (unpack->position < pieces_bytes(unpack->pieces) && !is_stopped(unpack))
		r = pieces_read(unpack->pieces, unpack->next_piece++, &bytes, &size, err);
	if (r < 0)
		return r;
	unpack->position += size;
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}

/* What comes out begins like what went in. */
static int check_once(struct unpack *unpack, const uint8_t *magic, size_t size, struct error *err)
{
	if (unpack->filled > 0 || unpack->in_slab < size ||
	    memcmp(unpack->slabs[0], magic, size) != 0)
		return 0;
	unpack->in_slab = 0;
	return error_set(err, FAULT_CORRUPT, "the archive is compressed more than once");
}

/* ---- zstd, without libarchive: what it unpacks would be copied once more ---- */

/* Frame after frame. *hint is 0 where one ends, and when nothing has come yet. */
static int unpack_some(struct unpack *unpack, ZSTD_DCtx *zstd, ZSTD_inBuffer *input, size_t *hint,
		       struct error *err)
{
	ZSTD_outBuffer output = {
		.dst = unpack->slabs[unpack->filled % SLABS],
		.size = SLAB_SIZE,
		.pos = unpack->in_slab,
	};

	*hint = ZSTD_decompressStream(zstd, &output, input);
	if (ZSTD_isError(*hint))
		return corrupt(ZSTD_getErrorName(*hint), err);
	unpack->in_slab = output.pos;
	return check_once(unpack, zstd_magic, sizeof(zstd_magic), err);
}

static int unpack_zstd(struct unpack *unpack, struct error *err)
{
	_cleanup_(cleanup_zstd) ZSTD_DCtx *zstd = ZSTD_createDCtx();
	ZSTD_inBuffer input = {};
	size_t hint = 0;
	bool more = false; /* may come out without anything more going in */
	int r = 0;

	if (!zstd)
		return error_code(err, -ENOMEM, "decompressing the archive");
	while (r == 0) {
		if (!more && input.pos == input.size) {
			input.pos = 0;
			r = next_input(unpack, &input.src, &input.size, err);
		}
		if (r < 0 || (!more && input.size == 0))
			break;
		r = unpack_some(unpack, zstd, &input, &hint, err);
		more = unpack->in_slab == SLAB_SIZE && hint != 0;
		if (r == 0 && unpack->in_slab == SLAB_SIZE && !hand_over(unpack))
			return 0;
	}
	return r == 0 && hint != 0 && !is_stopped(unpack) ?
		       corrupt("truncated in the middle of a frame", err) :
		       r;
}

/* ---- xz, without libarchive: which lets the archive say how much memory it takes ---- */

static int complain_of_xz(lzma_stream *xz, lzma_ret code, struct error *err)
{
	switch (code) {
	case LZMA_MEM_ERROR:
		return error_code(err, -ENOMEM, "decompressing the archive");
	case LZMA_MEMLIMIT_ERROR:
		return error_set(
			err, FAULT_NO_SPACE,
			"the archive takes %llu MiB of memory to be decompressed, more than %llu: "
			"compress it by `xz -9` at most",
			(unsigned long long)(lzma_memusage(xz) >> 20),
			(unsigned long long)(XZ_MEMORY >> 20));
	case LZMA_BUF_ERROR:
		return corrupt("truncated xz input", err);
	default:
		return corrupt("xz data is damaged", err);
	}
}

/* One step. > 0: it was the end, or nobody wants more. */
static int unpack_some_xz(struct unpack *unpack, lzma_stream *xz, bool at_end, struct error *err)
{
	lzma_ret code;
	int r;

	xz->next_out = unpack->slabs[unpack->filled % SLABS] + unpack->in_slab;
	xz->avail_out = SLAB_SIZE - unpack->in_slab;
	code = lzma_code(xz, at_end ? LZMA_FINISH : LZMA_RUN);
	unpack->in_slab = SLAB_SIZE - xz->avail_out;
	r = check_once(unpack, xz_magic, sizeof(xz_magic), err);
	if (r < 0)
		return r;
	if ((unpack->in_slab == SLAB_SIZE && !hand_over(unpack)) || code == LZMA_STREAM_END)
		return 1;
	return code == LZMA_OK ? 0 : complain_of_xz(xz, code, err);
}

static int unpack_xz(struct unpack *unpack, struct error *err)
{
	lzma_stream xz = LZMA_STREAM_INIT;
	bool at_end = false;
	int r = 0;

	if (lzma_stream_decoder(&xz, XZ_MEMORY, LZMA_CONCATENATED) != LZMA_OK)
		return error_code(err, -ENOMEM, "decompressing the archive");
	while (r == 0) {
		const void *bytes = xz.next_in;

		if (xz.avail_in == 0 && !at_end) {
			r = next_input(unpack, &bytes, &xz.avail_in, err);
			xz.next_in = bytes;
			at_end = xz.avail_in == 0;
		}
		if (r == 0)
			r = unpack_some_xz(unpack, &xz, at_end, err);
	}
	lzma_end(&xz);
	return r < 0 && !is_stopped(unpack) ? r : 0;
}

/* ---- the others ---- */

static int unpack_by_libarchive(struct unpack *unpack, struct error *err)
{
	struct archive *archive = archive_read_new();
	int r = archive ? decompress(unpack, archive, err) :
			  error_code(err, -ENOMEM, "decompressing the archive");

	if (archive)
		(void)archive_read_free(archive);
	return r;
}

/* The slab that is not full is handed over with the end. */
static void tell_end(struct unpack *unpack, int code, const struct error *err)
{
	pthread_mutex_lock(&unpack->mutex);
	if (unpack->in_slab > 0) {
		unpack->sizes[unpack->filled % SLABS] = unpack->in_slab;
		unpack->positions[unpack->filled % SLABS] = unpack->position;
		unpack->filled++;
	}
	unpack->ended = true;
	unpack->code = code;
	unpack->err = *err;
	pthread_cond_signal(&unpack->changed);
	pthread_mutex_unlock(&unpack->mutex);
}

static void *run(void *data)
{
	struct unpack *unpack = data;
	struct error err = {};
	int r;

	if (unpack->filter == archive_read_support_filter_zstd)
		r = unpack_zstd(unpack, &err);
	else if (unpack->filter == archive_read_support_filter_xz)
		r = unpack_xz(unpack, &err);
	else
		r = unpack_by_libarchive(unpack, &err);
	tell_end(unpack, r, &err);
	return NULL;
}

/* ---- the reader ---- */

static int start(struct unpack *unpack, struct error *err)
{
	int r = thread_start(&unpack->thread, run, unpack);

	if (r < 0)
		return error_code(err, r, "starting a thread");
	unpack->is_running = true;
	return 0;
}

int unpack_new(struct pieces *pieces, unpack_filter filter, struct unpack **ret_unpack,
	       struct error *err)
{
	_cleanup_(unpack_freep) struct unpack *unpack = calloc(1, sizeof(*unpack));
	int r;

	if (!unpack)
		return error_errno(err, "decompressing the archive");
	unpack->pieces = pieces;
	unpack->filter = filter;
	(void)pthread_mutex_init(&unpack->mutex, NULL);
	(void)pthread_cond_init(&unpack->changed, NULL);
	for (size_t i = 0; i < SLABS; i++) {
		unpack->slabs[i] = malloc(SLAB_SIZE);
		if (!unpack->slabs[i])
			return error_errno(err, "decompressing the archive");
	}
	r = start(unpack, err);
	if (r == 0)
		*ret_unpack = TAKE_PTR(unpack);
	return r;
}

static void stop(struct unpack *unpack)
{
	pthread_mutex_lock(&unpack->mutex);
	unpack->stopped = true;
	pthread_cond_signal(&unpack->changed);
	pthread_mutex_unlock(&unpack->mutex);
	(void)pthread_join(unpack->thread, NULL);
}

void unpack_free(struct unpack *unpack)
{
	if (!unpack)
		return;
	if (unpack->is_running)
		stop(unpack);
	for (size_t i = 0; i < SLABS; i++)
		free(unpack->slabs[i]);
	(void)pthread_cond_destroy(&unpack->changed);
	(void)pthread_mutex_destroy(&unpack->mutex);
	free(unpack);
}

/* Gives the slab back that was read, and waits for the next one or the end. */
static void next_slab(struct unpack *unpack)
{
	unpack->taken += unpack->is_reading;
	if (unpack->filled - unpack->taken <= SLABS / 2)
		pthread_cond_signal(&unpack->changed);
	while (unpack->taken == unpack->filled && !unpack->ended)
		pthread_cond_wait(&unpack->changed, &unpack->mutex);
	unpack->is_reading = unpack->taken < unpack->filled;
}

int unpack_read(struct unpack *unpack, const void **ret_bytes, size_t *ret_size,
		uint64_t *ret_position, struct error *err)
{
	size_t slab;
	int r = 0;

	pthread_mutex_lock(&unpack->mutex);
	next_slab(unpack);
	slab = unpack->taken % SLABS;
	if (unpack->is_reading) {
		*ret_bytes = unpack->slabs[slab];
		*ret_size = unpack->sizes[slab];
		*ret_position = unpack->positions[slab];
	} else if (unpack->code < 0) {
		r = unpack->code;
		if (err)
			*err = unpack->err;
	} else {
		*ret_size = 0;
		*ret_position = pieces_bytes(unpack->pieces);
	}
	pthread_mutex_unlock(&unpack->mutex);
	return r;
}
