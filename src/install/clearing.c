#include "install/clearing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bulk.h"
#include "base/crew.h"
#include "base/fd.h"
#include "base/parent.h"
#include "base/text.h"
#include "install/attributes.h"
#include "install/local.h"
#include "release/names.h"
#include "store/sweep.h"

#define PATH_ROOM (NAMES_PATH_MAX + NAMES_PART_MAX + 2)

struct clearing {
	int slot_fd;
	const struct survey *survey;
};

/* What a thread that makes directories has at hand: the one above, and the name of the one that is made there. */
struct hand {
	struct parent parent;
	const char *name;
};

/* The directory that is being cleared. */
struct level {
	const char *path; /* "" is the slot's own */
	int fd;
	DIR *dir;
};

static int complain(const char *doing, const char *path, struct error *err)
{
	int code = -errno;
	char shown[NAMES_SHOWN_MAX];

	names_show(path, shown);
	if (code == -EPERM)
		return error_set(
			err, FAULT_INTERNAL,
			"%s %s is not permitted: is it immutable? See lsattr(1), chattr(1)", doing,
			shown);
	if (code == -EBUSY || code == -EXDEV)
		return error_set(err, FAULT_BUSY, "%s %s: something is mounted there, unmount it",
				 doing, shown);
	return error_code(err, code, "%s %s", doing, shown);
}

/* ---- what belongs ---- */

static bool is_the_link(const struct level *level, const char *name,
			const struct index_entry *entry)
{
	char text[NAMES_PATH_MAX + 2];
	ssize_t n = readlinkat(level->fd, name, text, sizeof(text));

	return n >= 0 && (size_t)n == strlen(entry->target) &&
	       memcmp(text, entry->target, (size_t)n) == 0;
}

static bool is_name_of_target(const struct clearing *clearing, const struct index_entry *entry,
			      const struct stat *st)
{
	uint32_t target = index_number(clearing->survey->index, entry->target);

	return target != INDEX_NONE && survey_stays(clearing->survey, target) &&
	       local_is_file(clearing->slot_fd, entry->target, st);
}

static bool belongs(const struct clearing *clearing, const struct level *level, const char *name,
		    const char *path)
{
	const struct survey *survey = clearing->survey;
	uint32_t number = index_number(survey->index, path);
	const struct index_entry *entry;
	struct stat st;

	if (number == INDEX_NONE)
		return false;
	entry = index_at(survey->index, number);
	if (entry->type == INDEX_FILE)
		return survey_stays(survey, number);
	if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (entry->type == INDEX_DIRECTORY)
		return S_ISDIR(st.st_mode);
	if (entry->type == INDEX_HARDLINK)
		return is_name_of_target(clearing, entry, &st);
	return S_ISLNK(st.st_mode) && st.st_uid == survey->owner && st.st_nlink == 1 &&
	       is_the_link(level, name, entry);
}

/* ---- removing ---- */

static int open_to_empty(int dirfd, const char *name)
{
	int fd = fd_open_inside(dirfd, name, O_RDONLY | O_DIRECTORY);

	if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
		fd = fd_open_inside(dirfd, name, O_RDONLY | O_DIRECTORY);
	return fd;
}

/* Emptied only after the kernel has said that it is not a mount: EBUSY comes before ENOTEMPTY. */
static int remove_directory(int dirfd, const char *name, const char *path, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	char shown[NAMES_SHOWN_MAX];
	int r;

	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return complain("removing", path, err);
	fd = open_to_empty(dirfd, name);
	if (fd < 0 || fstat(fd, &st) < 0)
		return complain("emptying", path, err);
	if ((st.st_mode & 0700) != 0700 && fchmod(fd, 0700) < 0)
		return complain("emptying", path, err);
	r = sweep_directory(fd, err);
	if (r < 0)
		return error_prefix(err, r, "emptying %s", names_show(path, shown));
	return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? complain("removing", path, err) : 0;
}

static int remove_name(int dirfd, const char *name, const char *path, struct error *err)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return complain("removing", path, err);
	return remove_directory(dirfd, name, path, err);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int clear_names(const struct clearing *clearing, const struct level *level,
		       bool *ret_removed, struct error *err)
{
	const struct dirent *entry;
	char path[PATH_ROOM];
	int r;

	*ret_removed = false;
	for (errno = 0; (entry = readdir(level->dir)); errno = 0) {
		if (is_dots(entry->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "%s%s%s", level->path, *level->path ? "/" : "",
			       entry->d_name);
		if (belongs(clearing, level, entry->d_name, path))
			continue;
		r = remove_name(level->fd, entry->d_name, path, err);
		if (r < 0)
			return r;
		*ret_removed = true;
	}
	return errno != 0 ? complain("listing", level->path, err) : 0;
}

/* Removing while listing may pass over some: until there was nothing to remove. */
static int clear_level(const struct clearing *clearing, const char *path, int fd, struct error *err)
{
	struct level level = { .path = path, .fd = fd };
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	bool removed = true;
	int r = 0;

	level.dir = copy < 0 ? NULL : fdopendir(copy);
	if (!level.dir) {
		r = complain("listing", path, err);
		cleanup_close(&copy);
		return r;
	}
	while (r == 0 && removed) {
		r = clear_names(clearing, &level, &removed, err);
		rewinddir(level.dir);
	}
	(void)closedir(level.dir);
	return r;
}

/* ---- directories ---- */

/* The directory above is there: it is of an earlier level. */
static int make_directory(struct hand *hand, int slot_fd, const char *path, bool *ret_made)
{
	int above = parent_open(&hand->parent, slot_fd, path, &hand->name);

	*ret_made = above >= 0 && mkdirat(above, hand->name, 0755) == 0;
	return *ret_made || (above >= 0 && errno == EEXIST) ? above : -1;
}

/* One that was somebody else's is nobody else's from here on. */
static int own_directory(const struct clearing *clearing, int fd, mode_t mode)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (st.st_uid != clearing->survey->owner &&
	    fchown(fd, clearing->survey->owner, (gid_t)-1) < 0)
		return -1;
	return (st.st_mode & 07777) != mode ? fchmod(fd, mode) : 0;
}

/* Most that were made are as they should be, and need not be opened. */
static bool is_settled(const struct clearing *clearing, int above, const char *name, mode_t mode)
{
	struct stat st;

	return fstatat(above, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == clearing->survey->owner && (st.st_mode & 07777) == mode;
}

static int settle_directory(const struct clearing *clearing, struct hand *hand,
			    const struct index_entry *entry, struct error *err)
{
	bool made = false;
	int above = make_directory(hand, clearing->slot_fd, entry->path, &made);
	_cleanup_close_ int fd = -1;

	if (made && is_settled(clearing, above, hand->name, entry->mode))
		return 0;
	if (above >= 0)
		fd = open_to_empty(above, hand->name);
	if (fd < 0 || own_directory(clearing, fd, entry->mode) < 0)
		return complain("opening the directory", entry->path, err);
	return made ? 0 : clear_level(clearing, entry->path, fd, err);
}

/* Directories of one depth, none of which lies in another one. */
struct level_job {
	const struct clearing *clearing;
	const uint32_t *numbers;
	struct hand hands[CREW_HANDS];
};

static int settle_next(void *data, unsigned int hand, size_t i, struct error *err)
{
	struct level_job *level = data;

	return settle_directory(level->clearing, &level->hands[hand],
				index_at(level->clearing->survey->index, level->numbers[i]), err);
}

static size_t depth_of(const char *path)
{
	size_t depth = 0;

	while ((path = strchr(path, '/')) != NULL) {
		depth++;
		path++;
	}
	return depth;
}

/* *ret_deeper: there are directories below. */
static size_t collect_level(const struct index *index, size_t depth, uint32_t *numbers,
			    bool *ret_deeper)
{
	size_t count = 0;

	*ret_deeper = false;
	for (uint32_t i = 0; i < index_count(index); i++) {
		size_t own;

		if (index_at(index, i)->type != INDEX_DIRECTORY)
			continue;
		own = depth_of(index_at(index, i)->path);
		*ret_deeper |= own > depth;
		if (own == depth)
			numbers[count++] = i;
	}
	return count;
}

/* To make a directory takes a file system longer than a file: with both hands. */
static int settle_levels(const struct clearing *clearing, struct error *err)
{
	const struct index *index = clearing->survey->index;
	_cleanup_bulk_ uint32_t *numbers = bulk_alloc(index_count(index) + 1, sizeof(*numbers));
	struct level_job level = { .clearing = clearing, .numbers = numbers };
	struct crew_job job = { .work = settle_next, .data = &level, .from_both_ends = true };
	bool deeper = true;
	int r = 0;

	if (!numbers)
		return error_errno(err, "clearing a slot");
	for (size_t i = 0; i < CREW_HANDS; i++)
		level.hands[i].parent = PARENT_NONE;
	for (size_t depth = 0; r == 0 && deeper; depth++) {
		job.count = collect_level(index, depth, numbers, &deeper);
		r = crew_run(&job, err);
	}
	for (size_t i = 0; i < CREW_HANDS; i++)
		parent_forget(&level.hands[i].parent);
	return r;
}

static int settle_directories(const struct clearing *clearing, struct error *err)
{
	int r;

	if (own_directory(clearing, clearing->slot_fd, 0755) < 0)
		return complain("opening the directory", ".", err);
	r = clear_level(clearing, "", clearing->slot_fd, err);
	return r < 0 ? r : settle_levels(clearing, err);
}

/* ---- attributes ---- */

static int mend(const struct clearing *clearing, const struct index_entry *entry, struct error *err)
{
	struct stat st;
	_cleanup_close_ int fd = local_open(clearing->slot_fd, entry->path, &st);

	return fd < 0 || attributes_mend(fd, entry) < 0 ? complain("mending", entry->path, err) : 0;
}

int clearing_run(int slot_fd, const struct survey *survey, struct error *err)
{
	const struct clearing clearing = { .slot_fd = slot_fd, .survey = survey };
	int r = settle_directories(&clearing, err);

	for (size_t i = 0; r == 0 && i < index_count(survey->index); i++)
		if (survey->fates[i] == SURVEY_MEND)
			r = mend(&clearing, index_at(survey->index, i), err);
	return r;
}
