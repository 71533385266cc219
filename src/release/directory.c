#include "release/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "release/intake.h"
#include "release/names.h"
#include "release/treecheck.h"
#include "release/walk.h"

#define CHUNK (1024 * 1024)

/* The first name of a file that has several. */
struct first_name {
	dev_t device;
	ino_t inode;
	char path[];
};

struct reading {
	struct archive_options options; /* what applies of the caller's */
	struct intake *intake;
	void *first_names; /* tsearch tree of struct first_name */
	const struct archive_sink *sink; /* NULL: a scan */
	void *sink_data;
	uint8_t *buffer;
	char target[NAMES_PATH_MAX + 2]; /* of the link under way */
	pieces_progress progress;
	void *progress_data;
	uint64_t done;
	uint64_t total;
};

/* ---- hard links ---- */

static int compare(const void *a, const void *b)
{
	const struct first_name *x = a;
	const struct first_name *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return x->inode == y->inode ? 0 : x->inode < y->inode ? -1 : 1;
}

/* *ret_first is the first name of the file, borrowed; NULL if this is the first time. */
static int find_first(struct reading *reading, const struct walk_entry *entry,
		      const char **ret_first, struct error *err)
{
	size_t size = strlen(entry->path) + 1;
	_cleanup_free_ struct first_name *name = malloc(sizeof(*name) + size);
	struct first_name **node;

	if (!name)
		return error_errno(err, "reading a directory");
	name->device = entry->stat->st_dev;
	name->inode = entry->stat->st_ino;
	memcpy(name->path, entry->path, size);
	node = tsearch(name, &reading->first_names, compare);
	if (!node)
		return error_code(err, -ENOMEM, "reading a directory");
	*ret_first = *node == name ? NULL : (*node)->path;
	if (*node == name)
		name = NULL;
	return 0;
}

/* ---- content ---- */

static int complain(const struct walk_entry *entry, struct error *err)
{
	int code = -errno;
	char shown[NAMES_SHOWN_MAX];

	return error_code(err, code, "reading %s", names_show(entry->path, shown));
}

static int changed(const struct walk_entry *entry, struct error *err)
{
	char shown[NAMES_SHOWN_MAX];

	return error_set(err, FAULT_BUSY, "%s changed while it was being copied",
			 names_show(entry->path, shown));
}

/* Nobody wrote to it since it was visited? */
static int check_unchanged(int fd, const struct walk_entry *entry, struct error *err)
{
	struct stat now;

	if (fstat(fd, &now) < 0)
		return complain(entry, err);
	if (now.st_ino != entry->stat->st_ino || now.st_size != entry->stat->st_size ||
	    now.st_mtim.tv_sec != entry->stat->st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != entry->stat->st_mtim.tv_nsec)
		return changed(entry, err);
	return 0;
}

static int tell_progress(struct reading *reading, uint64_t more, struct error *err)
{
	reading->done += more;
	if (reading->done > reading->total)
		reading->total = reading->done;
	return reading->progress ? reading->progress(reading->progress_data, reading->done,
						     reading->total, err) :
				   0;
}

/* Bytes from `from` to `to`, where there is data. */
static int copy_data(struct reading *reading, int fd, off_t from, off_t to,
		     const struct walk_entry *entry, struct error *err)
{
	while (from < to) {
		size_t size = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		ssize_t n = fd_pread_full(fd, reading->buffer, size, from);
		int r;

		if (n < 0)
			return complain(entry, err);
		if ((size_t)n < size)
			return changed(entry, err);
		r = reading->sink->content(reading->sink_data, reading->buffer, size,
					   (uint64_t)from, err);
		if (r == 0)
			r = tell_progress(reading, size, err);
		if (r < 0)
			return r;
		from += (off_t)size;
	}
	return 0;
}

static int copy_file(struct reading *reading, int fd, const struct walk_entry *entry,
		     struct error *err)
{
	off_t size = entry->stat->st_size;
	off_t hole = 0;

	for (;;) {
		off_t data = lseek(fd, hole, SEEK_DATA);
		int r;

		if (data < 0 && errno == ENXIO)
			return 0;
		if (data < 0)
			return complain(entry, err);
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return complain(entry, err);
		r = copy_data(reading, fd, data, hole < size ? hole : size, entry, err);
		if (r < 0)
			return r;
		if (hole >= size)
			return 0;
	}
}

static int clone_or_copy(struct reading *reading, int fd, const struct walk_entry *entry,
			 struct error *err)
{
	int r = SINK_NO_CLONE;

	if (reading->sink->clone && entry->stat->st_size > 0)
		r = reading->sink->clone(reading->sink_data, fd, err);
	if (r == 0)
		return tell_progress(reading, (uint64_t)entry->stat->st_size, err);
	return r < 0 ? r : copy_file(reading, fd, entry, err);
}

static int give_file(struct reading *reading, int fd, const struct walk_entry *entry,
		     const struct index_entry *made, struct error *err)
{
	int r = reading->sink->entry(reading->sink_data, made, err);

	if (r == 0)
		r = clone_or_copy(reading, fd, entry, err);
	if (r == 0)
		r = check_unchanged(fd, entry, err);
	return r < 0 ? r : reading->sink->end(reading->sink_data, made->size, err);
}

/* ---- entries ---- */

static int read_target(const struct walk_entry *entry, char ret_text[static NAMES_PATH_MAX + 2],
		       struct error *err)
{
	ssize_t n = readlinkat(entry->dirfd, entry->name, ret_text, NAMES_PATH_MAX + 1);

	if (n < 0)
		return complain(entry, err);
	ret_text[n] = '\0';
	return 0;
}

static int read_capability(const struct reading *reading, int fd, struct index_entry *raw,
			   const struct walk_entry *entry, struct error *err)
{
	ssize_t n = fgetxattr(fd, "security.capability", raw->capability, sizeof(raw->capability));

	if (n < 0 && errno == ERANGE)
		return intake_refuse(reading->intake, "malformed file capabilities", err);
	if (n < 0 && errno != ENODATA && errno != ENOTSUP)
		return complain(entry, err);
	raw->capability_size = n < 0 ? 0 : (size_t)n;
	return 0;
}

/* > 0: INTAKE_SKIP. */
static int take_file(struct reading *reading, const struct walk_entry *entry,
		     struct index_entry *raw, struct error *err)
{
	_cleanup_close_ int fd = openat(entry->dirfd, entry->name,
					O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const struct index_entry *made;
	const char *first = NULL;
	int r;

	if (fd < 0)
		return complain(entry, err);
	r = check_unchanged(fd, entry, err);
	if (r == 0 && entry->stat->st_nlink > 1)
		r = find_first(reading, entry, &first, err);
	if (r == 0 && first) {
		raw->type = INDEX_HARDLINK;
		raw->target = (char *)first;
		raw->size = 0;
	} else if (r == 0) {
		r = read_capability(reading, fd, raw, entry, err);
	}
	if (r == 0)
		r = intake_entry(reading->intake, raw, true, &made, err);
	if (r != 0)
		return r;
	(void)intake_end(reading->intake);
	if (!reading->sink)
		return 0;
	return made->type == INDEX_FILE ? give_file(reading, fd, entry, made, err) :
					  reading->sink->entry(reading->sink_data, made, err);
}

/* > 0: INTAKE_SKIP. */
static int take_other(struct reading *reading, const struct walk_entry *entry,
		      struct index_entry *raw, struct error *err)
{
	const struct index_entry *made;
	int r = 0;

	if (S_ISLNK(entry->stat->st_mode)) {
		raw->type = INDEX_SYMLINK;
		raw->target = reading->target;
		r = read_target(entry, reading->target, err);
	} else {
		raw->type = INDEX_DIRECTORY;
	}
	if (r == 0)
		r = intake_entry(reading->intake, raw, false, &made, err);
	if (r == 0 && reading->sink)
		r = reading->sink->entry(reading->sink_data, made, err);
	return r;
}

static int visit(void *data, const struct walk_entry *entry, struct error *err)
{
	struct reading *reading = data;
	struct index_entry raw = {
		.type = INDEX_FILE,
		.mode = entry->stat->st_mode & 07777,
		.mtime = entry->stat->st_mtim.tv_sec,
		.size = (uint64_t)entry->stat->st_size,
	};
	int r = intake_begin(reading->intake, entry->path, err);

	if (r < 0)
		return r;
	if (entry->is_mount)
		return intake_refuse(reading->intake, "another file system is mounted there", err);
	if (S_ISREG(entry->stat->st_mode))
		r = take_file(reading, entry, &raw, err);
	else if (S_ISDIR(entry->stat->st_mode) || S_ISLNK(entry->stat->st_mode))
		r = take_other(reading, entry, &raw, err);
	else
		r = intake_refuse(reading->intake, "neither file, directory nor link", err);
	return r == INTAKE_SKIP ? 0 : r;
}

/* ---- the whole ---- */

static void reading_done(struct reading *reading)
{
	intake_free(reading->intake);
	tdestroy(reading->first_names, free);
	free(reading->buffer);
}

static int read_all(struct reading *reading, int dirfd, const struct archive_options *options,
		    struct error *err)
{
	int r;

	reading->options = *options;
	reading->options.strip_components = 0;
	reading->buffer = malloc(CHUNK);
	if (!reading->buffer)
		return error_errno(err, "reading a directory");
	r = intake_new(&reading->options, UINT64_MAX, &reading->intake, err);
	return r < 0 ? r : walk_tree(dirfd, visit, reading, err);
}

int directory_scan(int dirfd, const struct archive_options *options, struct index **ret_index,
		   struct error *err)
{
	_cleanup_(reading_done) struct reading reading = {};
	_cleanup_(index_freep) struct index *index = NULL;
	int r = read_all(&reading, dirfd, options, err);

	if (r < 0)
		return r;
	index = intake_take_index(reading.intake);
	if (index_count(index) == 0)
		return error_set(err, FAULT_CORRUPT, "the directory is empty");
	r = treecheck_run(index, err);
	if (r == 0)
		*ret_index = TAKE_PTR(index);
	return r;
}

int directory_read(int dirfd, const struct archive_options *options, uint64_t total,
		   const struct archive_sink *sink, void *sink_data, pieces_progress progress,
		   void *progress_data, struct error *err)
{
	_cleanup_(reading_done) struct reading reading = {
		.sink = sink,
		.sink_data = sink_data,
		.progress = progress,
		.progress_data = progress_data,
		.total = total,
	};

	return read_all(&reading, dirfd, options, err);
}
