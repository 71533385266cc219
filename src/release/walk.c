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
	struct text path; /* of what is being visited, from the top */
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

static const char *path_of(const struct walk *walk)
{
	return walk->path.size > 0 ? walk->path.data : "";
}

static int complain(struct walk *walk)
{
	int code = -errno;
	char shown[NAMES_SHOWN_MAX];

	return error_code(walk->err, code, "reading %s", names_show(path_of(walk), shown));
}

static int walk_below(struct walk *walk, int dirfd, unsigned int depth);

/* Visits one, and what is below it. */
static int walk_one(struct walk *walk, int dirfd, const char *name, unsigned int depth)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	struct walk_entry entry = {
		.dirfd = dirfd,
		.name = name,
		.path = path_of(walk),
		.stat = &st,
	};
	int r;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return complain(walk);
	entry.is_mount = S_ISDIR(st.st_mode) && st.st_dev != walk->device;
	r = walk->visit(walk->data, &entry, walk->err);
	if (r < 0 || r == WALK_PASS || !S_ISDIR(st.st_mode) || entry.is_mount)
		return r < 0 ? r : 0;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return complain(walk);
	return walk_below(walk, fd, depth + 1);
}

static int walk_into(struct walk *walk, int dirfd, const char *name, unsigned int depth)
{
	size_t above = walk->path.size;
	int r;

	if (above > 0)
		text_add_bytes(&walk->path, "/", 1);
	text_add_bytes(&walk->path, name, strlen(name));
	r = text_check(&walk->path, walk->err);
	if (r == 0)
		r = walk_one(walk, dirfd, name, depth);
	text_cut(&walk->path, above);
	return r;
}

static int walk_below(struct walk *walk, int dirfd, unsigned int depth)
{
	_cleanup_(listing_done) struct listing listing = {};
	char shown[NAMES_SHOWN_MAX];
	int r = 0;

	if (depth > WALK_DEPTH_MAX)
		return error_set(walk->err, FAULT_CORRUPT, "%s: nested deeper than %d directories",
				 names_show(path_of(walk), shown), WALK_DEPTH_MAX);
	listing.count = scandirat(dirfd, ".", &listing.entries, is_name, by_name);
	if (listing.count < 0) {
		listing.count = 0;
		return complain(walk);
	}
	for (int i = 0; r >= 0 && i < listing.count; i++)
		r = walk_into(walk, dirfd, listing.entries[i]->d_name, depth);
	return r;
}

int walk_tree(int dirfd, walk_visit visit, void *data, struct error *err)
{
	struct walk walk = { .visit = visit, .data = data, .err = err };
	struct stat st;
	int r;

	if (fstat(dirfd, &st) < 0)
		return error_errno(err, "reading a directory");
	walk.device = st.st_dev;
	r = walk_below(&walk, dirfd, 1);
	text_done(&walk.path);
	return r;
}
