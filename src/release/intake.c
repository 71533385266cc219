#include "release/intake.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "release/names.h"
#include "release/walk.h"

#define RATIO_FREE (16ULL << 20) /* bytes that may come out of any archive */
#define NAMES_FREE (128ULL << 20) /* bytes of all names and targets together: they stay in memory */

struct intake {
	const struct archive_options *options;
	uint64_t archive_bytes;
	bool no_replace;
	struct index *seen;
	uint64_t entries;
	uint64_t name_bytes;
	uint64_t stored; /* bytes of content that the archive really has */
	uint64_t bytes; /* apparent size of all files that are complete */
	char *name; /* of the entry under way, as it is written */
	struct index_entry *file; /* the file under way, borrowed from seen */
	bool sized; /* is its size known already? */
	uint64_t reached;
};

int intake_new(const struct archive_options *options, uint64_t archive_bytes,
	       struct intake **ret_intake, struct error *err)
{
	_cleanup_(intake_freep) struct intake *intake = calloc(1, sizeof(*intake));
	int r;

	if (!intake)
		return error_errno(err, "reading an archive");
	intake->options = options;
	intake->archive_bytes = archive_bytes;
	r = index_new(&intake->seen, err);
	if (r == 0)
		*ret_intake = TAKE_PTR(intake);
	return r;
}

void intake_free(struct intake *intake)
{
	if (!intake)
		return;
	index_free(intake->seen);
	free(intake->name);
	free(intake);
}

void intake_set_no_replace(struct intake *intake)
{
	intake->no_replace = true;
}

const struct index *intake_index(const struct intake *intake)
{
	return intake->seen;
}

struct index *intake_take_index(struct intake *intake)
{
	return TAKE_PTR(intake->seen);
}

uint64_t intake_count(const struct intake *intake)
{
	return intake->entries;
}

/* ---- saying no ---- */

/* Puts "entry 3 (its/name): " before what err says. */
static int at_entry(const struct intake *intake, int code, struct error *err)
{
	char shown[NAMES_SHOWN_MAX];

	if (intake->entries == 0)
		return code;
	if (!intake->name)
		return error_prefix(err, code, "entry %" PRIu64, intake->entries);
	return error_prefix(err, code, "entry %" PRIu64 " (%s)", intake->entries,
			    names_show(intake->name, shown));
}

int intake_refuse(const struct intake *intake, const char *what, struct error *err)
{
	return at_entry(intake, error_set(err, FAULT_CORRUPT, "%s", what), err);
}

static int over_limit(const struct intake *intake, const char *what, uint64_t limit,
		      struct error *err)
{
	return at_entry(intake,
			error_set(err, FAULT_NO_SPACE, "more than the limit of %" PRIu64 " %s",
				  limit, what),
			err);
}

/* ---- limits ---- */

int intake_check_ratio(const struct intake *intake, uint64_t bytes, struct error *err)
{
	uint64_t ratio = intake->options->max_ratio;

	if (bytes <= RATIO_FREE || ratio == 0 || bytes / ratio <= intake->archive_bytes)
		return 0;
	return over_limit(intake, "unpacked bytes per packed one: a bomb", ratio, err);
}

int intake_stored(struct intake *intake, uint64_t size, struct error *err)
{
	if (size > UINT64_MAX - intake->stored)
		return intake_refuse(intake, "an impossible size", err);
	intake->stored += size;
	return intake_check_ratio(intake, intake->stored, err);
}

/* May the file under way have so many bytes? */
static int check_bytes(const struct intake *intake, uint64_t size, struct error *err)
{
	uint64_t max = intake->options->max_bytes;

	if (size > max || intake->bytes > max - size)
		return over_limit(intake, "unpacked bytes", max, err);
	return 0;
}

static int check_name_bytes(struct intake *intake, size_t size, struct error *err)
{
	intake->name_bytes += size;
	if (intake->name_bytes > NAMES_FREE)
		return over_limit(intake, "bytes in names", NAMES_FREE, err);
	return 0;
}

int intake_begin(struct intake *intake, const char *name, struct error *err)
{
	intake->entries++;
	intake->file = NULL;
	free(intake->name);
	intake->name = name ? strdup(name) : NULL;
	if (!name)
		return intake_refuse(intake, "a name that is not valid UTF-8", err);
	if (!intake->name)
		return error_errno(err, "reading an archive");
	if (intake->entries > intake->options->max_files)
		return over_limit(intake, "entries", intake->options->max_files, err);
	return check_name_bytes(intake, strlen(name), err);
}

/* ---- policy ---- */

/* A file that not even its owner may read could neither be verified nor served. */
static mode_t file_mode(mode_t raw)
{
	mode_t execute = raw & 0100 ? 0111 : 0;

	return (raw & (S_ISUID | S_ISGID | 0200)) | 0444 | execute;
}

static int apply_policy(const struct intake *intake, struct index_entry *entry, struct error *err)
{
	if (entry->mtime < 0 || entry->mtime > INDEX_MTIME_MAX)
		entry->mtime = 0;
	if (entry->type != INDEX_FILE) {
		entry->mode = entry->type == INDEX_DIRECTORY ? 0755 : 0;
		entry->capability_size = 0;
		entry->size = 0;
		return 0;
	}
	if ((entry->mode & (S_ISUID | S_ISGID)) && !intake->options->allow_setuid)
		return intake_refuse(intake, "a setuid or setgid file", err);
	if (entry->capability_size > 0 && !intake->options->allow_setuid)
		return intake_refuse(intake, "a file with capabilities", err);
	entry->mode = file_mode(entry->mode);
	return 0;
}

/* ---- links and second entries ---- */

static int resolve_hardlink(struct intake *intake, const char *raw_target,
			    struct index_entry *entry, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	struct index_entry *there = NULL;
	int r = names_check_target(raw_target, err);

	if (r < 0)
		return at_entry(intake, r, err);
	r = names_normalise(raw_target, intake->options->strip_components, &path, err);
	if (r < 0)
		return at_entry(intake, error_prefix(err, r, "its target"), err);
	if (r == 0)
		there = index_find(intake->seen, path);
	if (there && there->type == INDEX_HARDLINK)
		there = index_find(intake->seen, there->target);
	if (!there || there->type == INDEX_DIRECTORY)
		return intake_refuse(intake, "a hard link to what is no file before it", err);
	if (there->type == INDEX_SYMLINK)
		entry->type = INDEX_SYMLINK;
	entry->target = strdup(there->type == INDEX_SYMLINK ? there->target : there->path);
	return entry->target ? 0 : error_code(err, -ENOMEM, "reading an archive");
}

static int resolve_target(struct intake *intake, const char *raw_target, struct index_entry *entry,
			  struct error *err)
{
	int r;

	if (entry->type != INDEX_HARDLINK && entry->type != INDEX_SYMLINK)
		return 0;
	if (!raw_target)
		return intake_refuse(intake, "a link without a target", err);
	if (entry->type == INDEX_HARDLINK)
		return resolve_hardlink(intake, raw_target, entry, err);
	r = names_check_target(raw_target, err);
	if (r < 0)
		return at_entry(intake, r, err);
	entry->target = strdup(raw_target);
	return entry->target ? 0 : error_code(err, -ENOMEM, "reading an archive");
}

/* The name has been there. INTAKE_SKIP: it stays as it is; 0: it is replaced. */
static int decide_second(const struct intake *intake, const struct index_entry *first,
			 const struct index_entry *second, struct error *err)
{
	bool same_target = first->target && second->target &&
			   strcmp(first->target, second->target) == 0;

	if (second->type == INDEX_HARDLINK && second->target &&
	    strcmp(second->target, first->path) == 0)
		return INTAKE_SKIP;
	if (first->type != second->type)
		return intake_refuse(intake, "it was something else before", err);
	if (first->type == INDEX_DIRECTORY || same_target)
		return INTAKE_SKIP;
	if (first->type == INDEX_HARDLINK)
		return intake_refuse(intake, "it was a hard link to another file before", err);
	if (first->linked)
		return intake_refuse(intake, "it replaces a file that has hard links", err);
	if (intake->no_replace)
		return intake_refuse(intake, "the name is there twice", err);
	return 0;
}

static int add(struct intake *intake, const struct index_entry *entry, struct error *err)
{
	const struct index_entry *first = index_find(intake->seen, entry->path);
	struct index_entry *own;
	int r = first ? decide_second(intake, first, entry, err) : 0;

	if (r != 0)
		return r;
	r = index_add(intake->seen, entry, &own, err);
	if (r == 0 && entry->type == INDEX_HARDLINK)
		index_find(intake->seen, entry->target)->linked = true;
	if (r == 0)
		intake->file = own;
	return r;
}

/* The path, and what is said of it alone. > 0: INTAKE_SKIP. */
static int take_name(const struct intake *intake, const struct index_entry *raw, char **ret_path,
		     struct error *err)
{
	unsigned int max = intake->options->max_depth;
	_cleanup_free_ char *path = NULL;
	int r;

	if (max > WALK_DEPTH_MAX)
		max = WALK_DEPTH_MAX;
	r = names_normalise(intake->name, intake->options->strip_components, &path, err);

	if (r < 0)
		return at_entry(intake, r, err);
	if (r == NAMES_ROOT && raw->type != INDEX_DIRECTORY)
		return intake_refuse(intake, "the top directory is something else", err);
	if (r > 0)
		return INTAKE_SKIP;
	if (names_depth(path) > max)
		return over_limit(intake, "parts in a name", max, err);
	*ret_path = TAKE_PTR(path);
	return 0;
}

int intake_entry(struct intake *intake, const struct index_entry *raw, bool sized,
		 const struct index_entry **ret_entry, struct error *err)
{
	_cleanup_index_entry_ struct index_entry entry = *raw;
	int r;

	entry.path = NULL;
	entry.target = NULL;
	if (raw->type == INDEX_HARDLINK && sized && raw->size > 0)
		return intake_refuse(intake, "a hard link with content of its own", err);
	r = take_name(intake, raw, &entry.path, err);
	if (r == 0 && raw->target)
		r = check_name_bytes(intake, strlen(raw->target), err);
	if (r == 0)
		r = resolve_target(intake, raw->target, &entry, err);
	if (r == 0)
		r = apply_policy(intake, &entry, err);
	if (r == 0 && sized)
		r = check_bytes(intake, entry.size, err);
	if (r == 0)
		r = add(intake, &entry, err);
	if (r != 0)
		return r;
	intake->sized = sized;
	intake->reached = 0;
	*ret_entry = intake->file;
	return 0;
}

/* ---- content ---- */

int intake_content(struct intake *intake, uint64_t size, uint64_t offset, struct error *err)
{
	uint64_t end = offset + size;
	int r;

	assert(intake->file);
	if (offset < intake->reached || end < offset)
		return intake_refuse(intake, "its content is out of order", err);
	if (intake->sized && end > intake->file->size)
		return intake_refuse(intake, "it has more content than it says", err);
	r = check_bytes(intake, end, err);
	if (r == 0)
		r = intake_stored(intake, size, err);
	intake->reached = end;
	return r;
}

uint64_t intake_end(struct intake *intake)
{
	if (!intake->sized)
		intake->file->size = intake->reached;
	intake->bytes += intake->file->size;
	return intake->file->size;
}
