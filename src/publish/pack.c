#include "publish/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <string.h>

#include "publish/measure.h"
#include "publish/output.h"
#include "release/archive.h"
#include "release/directory.h"
#include "release/walk.h"

#define ZEROES_SIZE 65536

struct packing {
	const struct pack_options *options;
	int64_t latest; /* time of directories and links */
	struct output *output;
	struct measure *measure;
	struct archive *archive; /* libarchive's */
	struct archive_entry *entry;
	uint64_t reached; /* of the file under way */
	int code; /* < 0: output_write failed, and *err says why */
	struct error *err;
};

void pack_result_done(struct pack_result *result)
{
	free(result->pieces);
	index_free(result->tree);
	*result = (struct pack_result){};
}

static void packing_done(const struct packing *packing)
{
	archive_entry_free(packing->entry);
	archive_write_free(packing->archive);
	measure_free(packing->measure);
	output_free(packing->output);
}

static void set_limits(const struct pack_options *options, struct archive_options *ret_limits)
{
	*ret_limits = (struct archive_options){
		.allow_setuid = options->allow_setuid,
		.max_bytes = INT64_MAX,
		.max_files = PACK_FILES_MAX,
		.max_depth = WALK_DEPTH_MAX,
	};
}

/* ---- the tar ---- */

static int64_t time_of(const struct pack_options *options, int64_t mtime)
{
	if (options->mtime != PACK_MTIME_KEEP)
		return options->mtime;
	if (options->latest != PACK_MTIME_KEEP && mtime > options->latest)
		return options->latest;
	return mtime;
}

static int complain(const struct packing *packing)
{
	const char *why = archive_error_string(packing->archive);

	if (packing->code < 0)
		return packing->code; /* the callback's reason is better */
	return error_set(packing->err, FAULT_INTERNAL, "packing: %s", why ? why : "no reason");
}

static la_ssize_t on_tar(struct archive *archive, void *data, const void *bytes, size_t size)
{
	struct packing *packing = data;

	packing->code = output_write(packing->output, bytes, size, packing->err);
	if (packing->code == 0)
		return (la_ssize_t)size;
	archive_set_error(archive, EIO, "see above");
	return -1;
}

static void describe(struct archive_entry *tar, const struct index_entry *entry)
{
	static const mode_t types[] = {
		[INDEX_DIRECTORY] = AE_IFDIR,
		[INDEX_FILE] = AE_IFREG,
		[INDEX_SYMLINK] = AE_IFLNK,
		[INDEX_HARDLINK] = AE_IFREG,
	};

	archive_entry_copy_pathname(tar, entry->path);
	archive_entry_set_filetype(tar, types[entry->type]);
	archive_entry_set_perm(tar, entry->type == INDEX_SYMLINK ? 0777 : entry->mode);
	archive_entry_set_uname(tar, "root");
	archive_entry_set_gname(tar, "root");
	archive_entry_set_mtime(tar, entry->mtime, 0);
	archive_entry_set_size(tar, entry->type == INDEX_FILE ? (la_int64_t)entry->size : 0);
	if (entry->type == INDEX_SYMLINK)
		archive_entry_copy_symlink(tar, entry->target);
	if (entry->type == INDEX_HARDLINK)
		archive_entry_copy_hardlink(tar, entry->target);
	if (entry->capability_size > 0)
		archive_entry_xattr_add_entry(tar, "security.capability", entry->capability,
					      entry->capability_size);
}

static int on_entry(void *data, const struct index_entry *entry, struct error *err)
{
	struct packing *packing = data;
	struct index_entry timed = *entry;
	int r;

	timed.mtime = entry->type == INDEX_FILE ? time_of(packing->options, entry->mtime) :
						  packing->latest;
	r = measure_sink.entry(packing->measure, &timed, err);
	if (r < 0)
		return r;
	packing->reached = 0;
	archive_entry_clear(packing->entry);
	describe(packing->entry, &timed);
	return archive_write_header(packing->archive, packing->entry) == ARCHIVE_OK ?
		       0 :
		       complain(packing);
}

static int put(struct packing *packing, const void *bytes, size_t size)
{
	packing->reached += size;
	return archive_write_data(packing->archive, bytes, size) == (la_ssize_t)size ?
		       0 :
		       complain(packing);
}

static int put_zeroes(struct packing *packing, uint64_t to)
{
	static const uint8_t zeroes[ZEROES_SIZE];

	while (packing->reached < to) {
		uint64_t left = to - packing->reached;
		int r = put(packing, zeroes, left < ZEROES_SIZE ? (size_t)left : ZEROES_SIZE);

		if (r < 0)
			return r;
	}
	return 0;
}

static int on_content(void *data, const void *bytes, size_t size, uint64_t offset,
		      struct error *err)
{
	struct packing *packing = data;
	int r = measure_sink.content(packing->measure, bytes, size, offset, err);

	if (r == 0)
		r = put_zeroes(packing, offset);
	return r < 0 ? r : put(packing, bytes, size);
}

static int on_end(void *data, uint64_t size, struct error *err)
{
	struct packing *packing = data;
	int r = measure_sink.end(packing->measure, size, err);

	return r < 0 ? r : put_zeroes(packing, size);
}

static const struct archive_sink pack_sink = {
	.entry = on_entry,
	.content = on_content,
	.end = on_end,
};

static int open_tar(struct packing *packing)
{
	packing->archive = archive_write_new();
	packing->entry = archive_entry_new();
	if (!packing->archive || !packing->entry)
		return error_code(packing->err, -ENOMEM, "packing");
	if (archive_write_set_format_pax_restricted(packing->archive) != ARCHIVE_OK ||
	    archive_write_open(packing->archive, packing, NULL, on_tar, NULL) != ARCHIVE_OK)
		return complain(packing);
	return 0;
}

/* ---- the tree ---- */

/* The latest time of a file, as it will be packed: what its index says, and nothing else, decides. */
static int scan(struct packing *packing, int dirfd, uint64_t *ret_bytes)
{
	_cleanup_(index_freep) struct index *index = NULL;
	struct archive_options limits;
	int r;

	set_limits(packing->options, &limits);
	r = directory_scan(dirfd, &limits, &index, packing->err);
	if (r < 0)
		return r;
	*ret_bytes = 0;
	for (size_t i = 0; i < index_count(index); i++) {
		const struct index_entry *entry = index_at(index, i);
		int64_t mtime = time_of(packing->options, entry->mtime);

		if (entry->type != INDEX_FILE)
			continue;
		*ret_bytes += entry->size;
		if (mtime > packing->latest)
			packing->latest = mtime;
	}
	return 0;
}

static int tell(void *data, uint64_t done, uint64_t total, struct error *err)
{
	const struct pack_options *options = data;

	progress_tell(&options->progress, "compressing the archive", done, total);
	return 0;
}

/* libarchive converts names by the locale of the thread: this one leaves UTF-8 alone. */
static int read_in_locale(struct packing *packing, int dirfd, uint64_t bytes)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	struct archive_options limits;
	locale_t before;
	int r;

	if (!locale)
		return error_errno(packing->err, "the locale C.UTF-8");
	before = uselocale(locale);
	set_limits(packing->options, &limits);
	r = open_tar(packing);
	if (r == 0)
		r = directory_read(dirfd, &limits, bytes, &pack_sink, packing, tell,
				   (void *)packing->options, packing->err);
	progress_tell(&packing->options->progress, "completing the archive", 0, 0);
	if (r == 0 && archive_write_close(packing->archive) != ARCHIVE_OK)
		r = complain(packing);
	(void)uselocale(before);
	freelocale(locale);
	return r;
}

static int finish(struct packing *packing, struct pack_result *result)
{
	_cleanup_(index_freep) struct index *index = NULL;
	struct output_result output = {};
	int r = measure_finish(packing->measure, &index, packing->err);

	if (r == 0)
		r = index_encode(index, NULL, NULL, &result->index, packing->err);
	if (r == 0)
		r = output_finish(packing->output, &output, packing->err);
	if (r < 0)
		return r;
	result->files = index_count(index);
	result->tree = TAKE_PTR(index);
	result->digest = output.digest;
	result->length = output.length;
	result->pieces = output.pieces;
	result->n_pieces = output.n_pieces;
	return 0;
}

static int write_archive(int dirfd, const struct pack_options *options, int out_fd,
			 struct pack_result *result, struct error *err)
{
	_cleanup_(packing_done) struct packing packing = { .options = options, .err = err };
	int r = scan(&packing, dirfd, &result->bytes);

	if (r == 0)
		r = measure_new(&packing.measure, err);
	if (r == 0)
		r = output_new(out_fd, options->level, options->threads, &packing.output, err);
	if (r == 0)
		r = read_in_locale(&packing, dirfd, result->bytes);
	return r < 0 ? r : finish(&packing, result);
}

/* ---- as a device reads it ---- */

static int read_back(int fd, const struct pack_options *options, const struct pack_result *result,
		     struct error *err)
{
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	_cleanup_(measure_freep) struct measure *measure = NULL;
	_cleanup_(index_freep) struct index *index = NULL;
	struct archive_options limits;
	struct digest digest;
	int r = pieces_new(fd, &result->digest, INT64_MAX, NULL, NULL, &pieces, err);

	set_limits(options, &limits);
	progress_tell(&options->progress, "reading the archive back", 0, 0);
	if (r == 0)
		r = measure_new(&measure, err);
	if (r == 0)
		r = archive_read(pieces, &limits, &measure_sink, measure, NULL, NULL, err);
	if (r == 0)
		r = measure_finish(measure, &index, err);
	if (r == 0)
		r = index_encode(index, NULL, NULL, &digest, err);
	if (r < 0)
		return error_prefix(err, r, "what was packed");
	if (!digest_equal(&digest, &result->index))
		return error_set(err, FAULT_INTERNAL,
				 "what was packed would not unpack to the same tree");
	return 0;
}

int pack_tree(int dirfd, const struct pack_options *options, int out_fd,
	      struct pack_result *ret_result, struct error *err)
{
	_cleanup_(pack_result_done) struct pack_result result = {};
	int r = write_archive(dirfd, options, out_fd, &result, err);

	if (r == 0)
		r = read_back(out_fd, options, &result, err);
	if (r < 0)
		return r;
	*ret_result = result;
	result = (struct pack_result){};
	return 0;
}

/* ---- only the index ---- */

static int on_measured(void *data, const struct index_entry *entry, struct error *err)
{
	const struct packing *packing = data;
	struct index_entry timed = *entry;

	timed.mtime = time_of(packing->options, entry->mtime);
	return measure_sink.entry(packing->measure, &timed, err);
}

static int on_measured_content(void *data, const void *bytes, size_t size, uint64_t offset,
			       struct error *err)
{
	const struct packing *packing = data;

	return measure_sink.content(packing->measure, bytes, size, offset, err);
}

static int on_measured_end(void *data, uint64_t size, struct error *err)
{
	const struct packing *packing = data;

	return measure_sink.end(packing->measure, size, err);
}

int pack_measure(int dirfd, const struct pack_options *options, struct index **ret_index,
		 struct error *err)
{
	static const struct archive_sink sink = {
		.entry = on_measured,
		.content = on_measured_content,
		.end = on_measured_end,
	};
	_cleanup_(packing_done) struct packing packing = { .options = options, .err = err };
	_cleanup_(index_freep) struct index *index = NULL;
	struct archive_options limits;
	int r = measure_new(&packing.measure, err);

	progress_tell(&options->progress, "reading the older tree", 0, 0);
	set_limits(options, &limits);
	if (r == 0)
		r = directory_read(dirfd, &limits, 0, &sink, &packing, NULL, NULL, err);
	if (r == 0)
		r = measure_finish(packing.measure, &index, err);
	if (r == 0)
		r = index_sort(index, err);
	if (r == 0)
		*ret_index = TAKE_PTR(index);
	return r;
}
