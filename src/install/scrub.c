#include "install/scrub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bulk.h"
#include "base/fd.h"
#include "install/attributes.h"
#include "install/local.h"
#include "install/survey.h"
#include "release/names.h"
#include "release/walk.h"
#include "store/layout.h"

#define CHUNK (256 * 1024)

struct scrub {
	int slot_fd;
	int other_fd; /* of a glance: where files may have another name; -1 */
	struct index *found; /* what is on disk: paths, and st_mode as the mode */
	struct digester *digester;
	char *buffer;
	scrub_finding finding;
	pieces_progress progress;
	void *data;
	uint64_t done;
	uint64_t total;
	uint64_t differences;
	uid_t owner; /* of all that is in the slot: whoever owns the app's directory */
	const struct index *promised; /* of a glance, sorted */
	uint32_t next; /* of a glance: the number that is expected */
	ino_t *inodes; /* of a glance, by number: what was seen; 0: nothing */
};

static void scrub_done(struct scrub *scrub)
{
	cleanup_close(&scrub->slot_fd);
	index_free(scrub->found);
	digester_free(scrub->digester);
	free(scrub->buffer);
	bulk_free(scrub->inodes);
}

static void report(struct scrub *scrub, const char *path, const char *what)
{
	scrub->differences++;
	if (scrub->finding)
		scrub->finding(scrub->data, path, what);
}

static int complain(const char *path, struct error *err)
{
	int code = -errno;
	char shown[NAMES_SHOWN_MAX];

	return error_code(err, code, "reading %s", names_show(path, shown));
}

static int collect(void *data, const struct walk_entry *entry, struct error *err)
{
	struct index_entry found = {
		.type = INDEX_FILE,
		.mode = entry->stat->st_mode,
		.path = (char *)entry->path,
	};
	struct scrub *scrub = data;

	return index_add(scrub->found, &found, NULL, err);
}

/* ---- content ---- */

/* What the disk does not give back is no error of ours, but what is looked for. */
static bool is_rotten(int code)
{
	return code == EIO || code == EBADMSG || code == EUCLEAN;
}

/* > 0: CONTENT_ROTTEN */
enum { CONTENT_ROTTEN = 1 };
static int digest_content(struct scrub *scrub, int fd, const char *path, struct digest *ret_digest,
			  struct error *err)
{
	int r = digester_reset(scrub->digester, err);
	ssize_t n;

	if (r < 0)
		return r;
	while ((n = fd_read_full(fd, scrub->buffer, CHUNK)) > 0) {
		r = digester_update(scrub->digester, scrub->buffer, (size_t)n, err);
		scrub->done += (uint64_t)n;
		if (r == 0 && scrub->progress)
			r = scrub->progress(scrub->data, scrub->done, scrub->total, err);
		if (r < 0)
			return r;
	}
	if (n < 0 && is_rotten(errno))
		return CONTENT_ROTTEN;
	return n < 0 ? complain(path, err) : digester_finish(scrub->digester, ret_digest, err);
}

static int check_capability(struct scrub *scrub, int fd, const struct index_entry *entry,
			    struct error *err)
{
	int has = attributes_has_capability(fd, entry);

	if (has < 0)
		return complain(entry->path, err);
	if (!has)
		report(scrub, entry->path, "file capabilities differ");
	return 0;
}

static int check_content(struct scrub *scrub, const struct index_entry *entry,
			 const struct stat *st, struct error *err)
{
	_cleanup_close_ int fd =
		fd_open_beneath(scrub->slot_fd, entry->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct digest digest;
	int r;

	if (fd < 0 && errno == EACCES) {
		report(scrub, entry->path, "may not be read");
		return 0;
	}
	if (fd < 0)
		return complain(entry->path, err);
	if (st->st_mtim.tv_sec != entry->mtime)
		report(scrub, entry->path, "time of change differs");
	if ((uint64_t)st->st_size != entry->size) {
		report(scrub, entry->path, "size differs");
		return check_capability(scrub, fd, entry, err);
	}
	r = digest_content(scrub, fd, entry->path, &digest, err);
	if (r == CONTENT_ROTTEN)
		report(scrub, entry->path, "the disk cannot read it");
	if (r == 0 && !digest_equal(&digest, &entry->digest))
		report(scrub, entry->path, "content differs");
	return r < 0 ? r : check_capability(scrub, fd, entry, err);
}

/* ---- one entry ---- */

static int look_at(const struct scrub *scrub, const char *path, struct stat *ret_stat,
		   struct error *err)
{
	_cleanup_close_ int fd = fd_open_beneath(scrub->slot_fd, path, O_PATH, 0);

	return fd < 0 || fstat(fd, ret_stat) < 0 ? complain(path, err) : 0;
}

static int check_symlink(struct scrub *scrub, const struct index_entry *entry, struct error *err)
{
	_cleanup_close_ int fd = fd_open_beneath(scrub->slot_fd, entry->path, O_PATH, 0);
	char text[NAMES_PATH_MAX + 2];
	ssize_t n;

	n = fd < 0 ? -1 : readlinkat(fd, "", text, sizeof(text));
	if (n < 0)
		return complain(entry->path, err);
	if ((size_t)n != strlen(entry->target) || memcmp(text, entry->target, (size_t)n) != 0)
		report(scrub, entry->path, "link text differs");
	return 0;
}

/* If the first name is gone, that has a finding of its own. */
static int check_hardlink(struct scrub *scrub, const struct index_entry *entry,
			  const struct stat *st, struct error *err)
{
	struct stat first = {};
	int r = 0;

	if (index_find(scrub->found, entry->target))
		r = look_at(scrub, entry->target, &first, err);
	if (r == 0 && (first.st_ino != st->st_ino || first.st_dev != st->st_dev))
		report(scrub, entry->path, "no longer the same file as its other name");
	return r;
}

static void check_owner_and_mode(struct scrub *scrub, const char *path, mode_t mode,
				 const struct stat *st)
{
	char what[64];

	if (st->st_uid != scrub->owner)
		report(scrub, path, "owner differs");
	if (S_ISLNK(st->st_mode) || (st->st_mode & 07777) == mode)
		return;
	(void)snprintf(what, sizeof(what), "mode is %04o instead of %04o", st->st_mode & 07777,
		       mode);
	report(scrub, path, what);
}

static mode_t kind_of(const struct index_entry *entry)
{
	return entry->type == INDEX_DIRECTORY ? S_IFDIR :
	       entry->type == INDEX_SYMLINK   ? S_IFLNK :
						S_IFREG;
}

static int check_entry(struct scrub *scrub, const struct index_entry *entry, struct error *err)
{
	struct stat st = {};
	int r = look_at(scrub, entry->path, &st, err);

	if (r < 0)
		return r;
	if ((st.st_mode & S_IFMT) != kind_of(entry)) {
		report(scrub, entry->path, "another kind of file");
		return 0;
	}
	if (entry->type == INDEX_HARDLINK)
		return check_hardlink(scrub, entry, &st, err);
	check_owner_and_mode(scrub, entry->path, entry->mode, &st);
	if (entry->type == INDEX_FILE)
		return check_content(scrub, entry, &st, err);
	return entry->type == INDEX_SYMLINK ? check_symlink(scrub, entry, err) : 0;
}

/* ---- the whole ---- */

/* Both are sorted: walks them side by side. */
static int merge(struct scrub *scrub, const struct index *sealed, struct error *err)
{
	size_t i = 0;
	size_t j = 0;

	while (i < index_count(sealed) || j < index_count(scrub->found)) {
		const char *a = i < index_count(sealed) ? index_at(sealed, i)->path : NULL;
		const char *b = j < index_count(scrub->found) ? index_at(scrub->found, j)->path :
								NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a, b);
		int r = 0;

		if (order < 0)
			report(scrub, a, "missing");
		else if (order > 0)
			report(scrub, b, "not in the seal");
		else
			r = check_entry(scrub, index_at(sealed, i), err);
		if (r < 0)
			return r;
		i += order <= 0;
		j += order >= 0;
	}
	return 0;
}

static int prepare(struct scrub *scrub, struct error *err)
{
	int r = index_new(&scrub->found, err);

	if (r == 0)
		r = digester_new(&scrub->digester, err);
	if (r < 0)
		return r;
	scrub->buffer = malloc(CHUNK);
	return scrub->buffer ? 0 : error_errno(err, "reading a slot");
}

static int compare(struct scrub *scrub, const struct index *sealed, struct error *err)
{
	struct stat st;
	int r = walk_tree(scrub->slot_fd, collect, scrub, err);

	if (r == 0)
		r = index_sort(scrub->found, err);
	if (r < 0)
		return r;
	if (fstat(scrub->slot_fd, &st) < 0)
		return complain(".", err);
	check_owner_and_mode(scrub, ".", 0755, &st);
	return merge(scrub, sealed, err);
}

int scrub_slot(int dirfd, enum slot slot, scrub_finding finding, pieces_progress progress,
	       void *data, uint64_t *ret_differences, struct error *err)
{
	_cleanup_(scrub_done) struct scrub scrub = {
		.slot_fd = -1,
		.finding = finding,
		.progress = progress,
		.data = data,
	};
	_cleanup_seal_ struct seal seal = {};
	struct stat st;
	int r = seal_load(dirfd, slot, &seal, err);

	if (r != 0)
		return r;
	if (fstat(dirfd, &st) < 0)
		return error_errno(err, "looking at the app's directory");
	scrub.owner = st.st_uid;
	scrub.total = seal.descriptor.bytes;
	r = layout_open_slot(dirfd, slot, &scrub.slot_fd, err);
	if (r == 0)
		r = prepare(&scrub, err);
	if (r == 0)
		r = index_sort(seal.index, err);
	if (r == 0)
		r = compare(&scrub, seal.index, err);
	if (r == 0)
		*ret_differences = scrub.differences;
	return r;
}

/* ---- a glance: one walk, contents and capabilities are not looked at ---- */

static bool is_shared(const struct scrub *scrub, const struct index_entry *entry,
		      const struct stat *st)
{
	return st->st_nlink == 2 && local_is_file(scrub->other_fd, entry->path, st);
}

/* Each name is one of the index; what has more is somebody else's too. */
static void check_shallow(struct scrub *scrub, const struct index_entry *entry,
			  const struct stat *st)
{
	if (st->st_mtim.tv_sec != entry->mtime)
		report(scrub, entry->path, "time of change differs");
	if ((uint64_t)st->st_size != entry->size)
		report(scrub, entry->path, "size differs");
	if (st->st_nlink > 1 && !entry->linked && !is_shared(scrub, entry, st))
		report(scrub, entry->path, "has another name elsewhere");
}

static int glance_at_symlink(struct scrub *scrub, const struct walk_entry *found,
			     const struct index_entry *entry, struct error *err)
{
	char text[NAMES_PATH_MAX + 2];
	ssize_t n = readlinkat(found->dirfd, found->name, text, sizeof(text));

	if (n < 0)
		return complain(entry->path, err);
	if ((size_t)n != strlen(entry->target) || memcmp(text, entry->target, (size_t)n) != 0)
		report(scrub, entry->path, "link text differs");
	return 0;
}

static int glance_at(void *data, const struct walk_entry *found, struct error *err)
{
	struct scrub *scrub = data;
	uint32_t number = index_number_near(scrub->promised, found->path, scrub->next);
	const struct index_entry *entry;

	scrub->next = number + 1;
	if (number == INDEX_NONE) {
		report(scrub, found->path, "not in the seal");
		return 0;
	}
	entry = index_at(scrub->promised, number);
	scrub->inodes[number] = found->stat->st_ino;
	if ((found->stat->st_mode & S_IFMT) != kind_of(entry) || found->is_mount) {
		report(scrub, entry->path, "another kind of file");
		return 0;
	}
	if (entry->type == INDEX_HARDLINK)
		return 0;
	check_owner_and_mode(scrub, entry->path, entry->mode, found->stat);
	if (entry->type == INDEX_FILE)
		check_shallow(scrub, entry, found->stat);
	return entry->type == INDEX_SYMLINK ? glance_at_symlink(scrub, found, entry, err) : 0;
}

/* What was not seen, and hard links, which need both names. */
static void glance_back(struct scrub *scrub)
{
	for (size_t i = 0; i < index_count(scrub->promised); i++) {
		const struct index_entry *entry = index_at(scrub->promised, i);
		uint32_t first;

		if (scrub->inodes[i] == 0) {
			report(scrub, entry->path, "missing");
			continue;
		}
		if (entry->type != INDEX_HARDLINK)
			continue;
		first = index_number(scrub->promised, entry->target);
		if (first != INDEX_NONE && scrub->inodes[first] != 0 &&
		    scrub->inodes[first] != scrub->inodes[i])
			report(scrub, entry->path, "no longer the same file as its other name");
	}
}

static int glance(struct scrub *scrub, struct error *err)
{
	struct stat st;
	int r;

	scrub->inodes = bulk_alloc(index_count(scrub->promised) + 1, sizeof(*scrub->inodes));
	if (!scrub->inodes)
		return error_errno(err, "looking at a slot");
	if (fstat(scrub->slot_fd, &st) < 0)
		return complain(".", err);
	check_owner_and_mode(scrub, ".", 0755, &st);
	r = walk_tree(scrub->slot_fd, glance_at, scrub, err);
	if (r == 0)
		glance_back(scrub);
	return r;
}

int scrub_tree(const struct scrub_glance *options, uint64_t *ret_differences, struct error *err)
{
	_cleanup_(scrub_done) struct scrub scrub = {
		.slot_fd = -1,
		.other_fd = options->other_fd,
		.finding = options->finding,
		.data = options->data,
		.owner = options->owner,
		.promised = options->index,
	};
	int r = fd_open_dir(options->slot_fd, ".", &scrub.slot_fd, err);

	if (r == 0)
		r = glance(&scrub, err);
	if (r == 0)
		*ret_differences = scrub.differences;
	return r;
}
