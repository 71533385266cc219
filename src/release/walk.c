#include "release/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "release/names.h"

struct walk {
	walk_visit visit;
	void *data;
	dev_t device;
	struct error *err;
};

struct listing {
	struct dirent **entries;
	int count;
};

static void listing_done(struct listing *listing)
{
	for (int i = 0; i < listing->count; i++)
		free(listing->entries[i]);
	free(listing->entries);
}

static int is_name(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int complain(struct walk *walk, const char *path)
{
	int code = -errno;
	char shown[NAMES_SHOWN_MAX];

	return error_code(walk->err, code, "reading %s", names_show(path, shown));
}

static int walk_below(struct walk *walk, int dirfd, const char *top, unsigned int depth);

/* Visits one, and what is below it. */
static int walk_one(struct walk *walk, int dirfd, const char *name, const char *path,
		    unsigned int depth)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	struct walk_entry entry = { .dirfd = dirfd, .name = name, .path = path, .stat = &st };
	int r;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return complain(walk, path);
	entry.is_mount = S_ISDIR(st.st_mode) && st.st_dev != walk->device;
	r = walk->visit(walk->data, &entry, walk->err);
	if (r < 0 || r == WALK_PASS || !S_ISDIR(st.st_mode) || entry.is_mount)
		return r < 0 ? r : 0;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return complain(walk, path);
	return walk_below(walk, fd, path, depth + 1);
}

static int walk_below(struct walk *walk, int dirfd, const char *top, unsigned int depth)
{
	_cleanup_(listing_done) struct listing listing = {};
	char shown[NAMES_SHOWN_MAX];

	if (depth > WALK_DEPTH_MAX)
		return error_set(walk->err, FAULT_CORRUPT, "%s: nested deeper than %d directories",
				 names_show(top, shown), WALK_DEPTH_MAX);
	listing.count = scandirat(dirfd, ".", &listing.entries, is_name, by_name);
	if (listing.count < 0) {
		listing.count = 0;
		return complain(walk, top);
	}
	for (int i = 0; i < listing.count; i++) {
		_cleanup_text_ struct text path = {};
		const char *name = listing.entries[i]->d_name;
		int r;

		text_add(&path, "%s%s%s", top, *top ? "/" : "", name);
		r = text_check(&path, walk->err);
		if (r == 0)
			r = walk_one(walk, dirfd, name, path.data, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

int walk_tree(int dirfd, walk_visit visit, void *data, struct error *err)
{
	struct walk walk = { .visit = visit, .data = data, .err = err };
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return error_errno(err, "reading a directory");
	walk.device = st.st_dev;
	return walk_below(&walk, dirfd, "", 1);
}
