#include "release/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "release/feed.h"
#include "release/intake.h"
#include "release/treecheck.h"
#include "release/zipend.h"

#define TAR_BLOCK 512

struct reading {
	struct archive *archive;
	struct feed feed;
	struct intake *intake;
	bool is_zip;
	const struct archive_sink *sink; /* NULL: a scan */
	void *sink_data;
	struct error *err;
};

/* ---- what went wrong in libarchive, or in one of the callbacks below it ---- */

static int say(const struct reading *reading, const char *where)
{
	const char *why = archive_error_string(reading->archive);
	char shown[160];

	if (reading->feed.code < 0)
		return reading->feed.code;
	if (archive_errno(reading->archive) == ENOMEM)
		return error_code(reading->err, -ENOMEM, "reading the archive");
	if (!why)
		why = "no reason given";
	return error_set(reading->err, FAULT_CORRUPT, "%s: %s", where,
			 text_escape(why, strcspn(why, "\n"), shown, sizeof(shown)));
}

static int fail_to_open(const struct reading *reading)
{
	return say(reading, "not an archive that can be read (tar, also gz, bz2, xz or zst; zip)");
}

static int fail(const struct reading *reading)
{
	char where[80];

	(void)snprintf(where, sizeof(where), "the archive cannot be read behind entry %llu",
		       (unsigned long long)intake_count(reading->intake));
	return say(reading, where);
}

/* ---- opening ---- */

/* By the first bytes; NULL: it is not compressed. */
static unpack_filter find_filter(const uint8_t *bytes, size_t size)
{
	static const struct {
		uint8_t magic[6];
		size_t size;
		unpack_filter filter;
	} filters[] = {
		{ { 0x1f, 0x8b }, 2, archive_read_support_filter_gzip },
		{ { 'B', 'Z', 'h' }, 3, archive_read_support_filter_bzip2 },
		{ { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, archive_read_support_filter_xz },
		{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, archive_read_support_filter_zstd },
	};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (size >= filters[i].size &&
		    memcmp(bytes, filters[i].magic, filters[i].size) == 0)
			return filters[i].filter;
	return NULL;
}

static bool begins_as_zip(const uint8_t *bytes, size_t size)
{
	return size >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0);
}

/* One format is offered to libarchive, and a compression is taken off before: nothing is guessed. */
static int choose_kind(struct reading *reading, const uint8_t *bytes, size_t size)
{
	unpack_filter filter = find_filter(bytes, size);
	int r;

	reading->is_zip = begins_as_zip(bytes, size);
	r = reading->is_zip ? archive_read_support_format_zip_seekable(reading->archive) :
			      archive_read_support_format_tar(reading->archive);
	if (r != ARCHIVE_OK)
		return error_set(reading->err, FAULT_INTERNAL,
				 "this libarchive does not read such an archive");
	if (!filter)
		return 0;
	return unpack_new(reading->feed.pieces, filter, &reading->feed.unpack, reading->err);
}

static int open_archive(struct reading *reading)
{
	const void *bytes = NULL;
	size_t size = 0;
	int r = 0;

	if (pieces_bytes(reading->feed.pieces) == 0)
		return error_set(reading->err, FAULT_CORRUPT, "the archive is an empty file");
	r = pieces_read(reading->feed.pieces, 0, &bytes, &size, reading->err);
	if (r == 0)
		r = choose_kind(reading, bytes, size);
	if (r < 0)
		return r;
	feed_attach(&reading->feed, reading->archive);
	return archive_read_open1(reading->archive) == ARCHIVE_OK ? 0 : fail_to_open(reading);
}

/* ---- entries ---- */

/*
 * In the "C" locale libarchive hands out the bytes of a tar's names as they are, and warns that it cannot
 * convert those that are not ASCII. That is what we want; any other warning is an error.
 */
static bool is_name_warning(const struct reading *reading)
{
	const char *why = archive_error_string(reading->archive);

	return !reading->is_zip && why && strstr(why, "can't be converted from");
}

static int find_capability(const struct reading *reading, struct archive_entry *entry,
			   struct index_entry *raw)
{
	const char *name;
	const void *value;
	size_t size;

	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (!name || strcmp(name, "security.capability") != 0)
			continue;
		if (size == 0 || size > sizeof(raw->capability))
			return intake_refuse(reading->intake, "malformed file capabilities",
					     reading->err);
		memcpy(raw->capability, value, size);
		raw->capability_size = size;
	}
	return 0;
}

/* What kind it is, or what is wrong with that. */
static const char *find_type(struct archive_entry *entry, enum index_type *ret_type)
{
	if (archive_entry_is_encrypted(entry))
		return "it is encrypted";
	if (archive_entry_hardlink(entry)) {
		*ret_type = INDEX_HARDLINK;
		return NULL;
	}
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		*ret_type = INDEX_FILE;
		return NULL;
	case AE_IFDIR:
		*ret_type = INDEX_DIRECTORY;
		return NULL;
	case AE_IFLNK:
		*ret_type = INDEX_SYMLINK;
		return NULL;
	case AE_IFCHR:
	case AE_IFBLK:
		return "a device";
	case AE_IFIFO:
		return "a fifo";
	case AE_IFSOCK:
		return "a socket";
	default:
		return "neither file, directory nor link";
	}
}

/* Of an entry of a zip libarchive says how it is packed in the name of the format: "ZIP 6.3 (lzma)". */
static const char *find_greed(const struct reading *reading)
{
	static const char *const ways[] = { "(lzma)", "(xz)", "(ppmd" };
	const char *format = reading->is_zip ? archive_format_name(reading->archive) : NULL;

	for (size_t i = 0; format && i < ARRAY_SIZE(ways); i++)
		if (strstr(format, ways[i]))
			return "packed by lzma, xz or ppmd, it takes as much memory as it asks for: "
			       "pack it by deflate, or as .tar.xz";
	return NULL;
}

/* > 0: INTAKE_SKIP. */
static int take_entry(struct reading *reading, struct archive_entry *entry,
		      const struct index_entry **ret_entry)
{
	struct index_entry raw = {
		.mode = archive_entry_perm(entry),
		.mtime = archive_entry_mtime(entry),
	};
	bool sized = archive_entry_size_is_set(entry);
	const char *wrong;
	int r = intake_begin(reading->intake, archive_entry_pathname(entry), reading->err);

	if (r < 0)
		return r;
	wrong = find_type(entry, &raw.type);
	if (!wrong)
		wrong = find_greed(reading);
	if (!wrong && sized && archive_entry_size(entry) < 0)
		wrong = "an impossible size";
	if (wrong)
		return intake_refuse(reading->intake, wrong, reading->err);
	raw.size = sized ? (uint64_t)archive_entry_size(entry) : 0;
	raw.target = (char *)(raw.type == INDEX_HARDLINK ? archive_entry_hardlink(entry) :
			      raw.type == INDEX_SYMLINK	 ? archive_entry_symlink(entry) :
							   NULL);
	r = find_capability(reading, entry, &raw);
	return r < 0 ? r : intake_entry(reading->intake, &raw, sized, ret_entry, reading->err);
}

/* ---- content ---- */

/*
 * A scan looks at it too: what is wrong with it must be found before the slot is cleared, and what comes
 * counts, not what a header says.
 */
static int read_content(struct reading *reading)
{
	const void *bytes;
	size_t size;
	la_int64_t offset;
	int r;

	while ((r = archive_read_data_block(reading->archive, &bytes, &size, &offset)) ==
	       ARCHIVE_OK) {
		r = intake_content(reading->intake, size, (uint64_t)offset, reading->err);
		if (r == 0 && reading->sink && size > 0)
			r = reading->sink->content(reading->sink_data, bytes, size,
						   (uint64_t)offset, reading->err);
		if (r < 0)
			return r;
	}
	return r == ARCHIVE_EOF ? 0 : fail(reading);
}

static int read_entry(struct reading *reading, struct archive_entry *entry)
{
	const struct index_entry *made;
	uint64_t size;
	int r = take_entry(reading, entry, &made);

	if (r != 0)
		return r == INTAKE_SKIP ? 0 : r;
	if (reading->sink)
		r = reading->sink->entry(reading->sink_data, made, reading->err);
	if (r < 0 || made->type != INDEX_FILE)
		return r;
	r = read_content(reading);
	if (r < 0)
		return r;
	size = intake_end(reading->intake);
	return reading->sink ? reading->sink->end(reading->sink_data, size, reading->err) : 0;
}

/* libarchive drops entries that share their place in the file: then the tree would be short. */
static int check_zip_end(const struct reading *reading)
{
	uint64_t count;
	int r = zipend_count(reading->feed.pieces, &count, reading->err);

	if (r < 0)
		return r;
	if (count == intake_count(reading->intake))
		return 0;
	return error_set(reading->err, FAULT_CORRUPT,
			 "the archive announces other entries than it has, or they overlap");
}

/*
 * libarchive takes the end of the file for the end of a tar. We do not: it had to read a block of zeroes
 * behind the last entry, else the tar was cut at an entry's end.
 */
static int check_end(const struct reading *reading)
{
	la_int64_t mark = archive_filter_bytes(reading->archive, 0) -
			  archive_read_header_position(reading->archive);

	if (reading->is_zip)
		return check_zip_end(reading);
	if (mark >= TAR_BLOCK)
		return 0;
	return error_set(reading->err, FAULT_CORRUPT,
			 "the archive has no end-of-archive mark: it is truncated");
}

static int read_entries(struct reading *reading)
{
	struct archive_entry *entry;
	int r;

	while ((r = archive_read_next_header(reading->archive, &entry)) != ARCHIVE_EOF) {
		if (r != ARCHIVE_OK && !(r == ARCHIVE_WARN && is_name_warning(reading)))
			return fail(reading);
		r = feed_check_unpacked(&reading->feed, reading->archive);
		if (r == 0)
			r = read_entry(reading, entry);
		if (r < 0)
			return r;
	}
	r = reading->feed.code < 0 ? reading->feed.code :
				     feed_drain(&reading->feed, reading->archive);
	return r < 0 ? r : check_end(reading);
}

/*
 * libarchive converts names by the locale of the thread: "C" leaves a tar's bytes alone, and a zip's names
 * (UTF-8) need a locale that knows them.
 */
static int read_in_locale(struct reading *reading)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, reading->is_zip ? "C.UTF-8" : "C", (locale_t)0);
	locale_t before;
	int r;

	if (!locale)
		return error_errno(reading->err, "the locale C.UTF-8");
	before = uselocale(locale);
	r = read_entries(reading);
	(void)uselocale(before);
	freelocale(locale);
	return r;
}

static int read_all(struct reading *reading, struct pieces *pieces,
		    const struct archive_options *options, pieces_progress progress,
		    void *progress_data)
{
	int r = intake_new(options, pieces_bytes(pieces), &reading->intake, reading->err);

	if (r < 0)
		return r;
	reading->feed = (struct feed){
		.pieces = pieces,
		.intake = reading->intake,
		.progress = progress,
		.progress_data = progress_data,
		.err = reading->err,
	};
	reading->archive = archive_read_new();
	if (!reading->archive)
		return error_code(reading->err, -ENOMEM, "reading the archive");
	r = open_archive(reading);
	if (r < 0)
		return r;
	if (reading->is_zip)
		intake_set_no_replace(reading->intake);
	return read_in_locale(reading);
}

static void reading_done(struct reading *reading)
{
	if (reading->archive)
		(void)archive_read_free(reading->archive);
	unpack_free(reading->feed.unpack);
	intake_free(reading->intake);
}

int archive_read(struct pieces *pieces, const struct archive_options *options,
		 const struct archive_sink *sink, void *sink_data, pieces_progress progress,
		 void *progress_data, struct error *err)
{
	_cleanup_(reading_done) struct reading reading = {
		.sink = sink,
		.sink_data = sink_data,
		.err = err,
	};

	return read_all(&reading, pieces, options, progress, progress_data);
}

int archive_scan(struct pieces *pieces, const struct archive_options *options,
		 pieces_progress progress, void *progress_data, struct index **ret_index,
		 struct error *err)
{
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_(reading_done) struct reading reading = { .err = err };
	int r = read_all(&reading, pieces, options, progress, progress_data);

	if (r < 0)
		return r;
	index = intake_take_index(reading.intake);
	if (index_count(index) == 0)
		return error_set(err, FAULT_CORRUPT, "the archive holds nothing%s",
				 options->strip_components > 0 ? " below the stripped parts" : "");
	r = treecheck_run(index, err);
	if (r == 0)
		*ret_index = TAKE_PTR(index);
	return r;
}
