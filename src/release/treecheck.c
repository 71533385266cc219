#include "release/treecheck.h"

#include <assert.h>
#include <string.h>

#include "base/bulk.h"
#include "release/names.h"

#define HOPS_MAX	40 /* as the kernel: MAXSYMLINKS */
#define STEPS_FREE	65536 /* parts looked up for all links together: these ... */
#define STEPS_PER_ENTRY 32 /* ... and these for each entry; far above any honest tree */

static int refuse(const struct index_entry *entry, const char *what, struct error *err)
{
	char shown[NAMES_SHOWN_MAX];

	return error_set(err, FAULT_CORRUPT, "%s: %s", names_show(entry->path, shown), what);
}

/* ---- parents ---- */

/* Cuts the last part off. Returns false if there was only one. */
static bool to_parent(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	return slash != NULL;
}

/*
 * Adds the directories above entry until one is there; what is above that one has its own turn. *last is the one that was found last:
 * entries of a directory mostly follow each other.
 */
static int check_parents(struct index *index, const struct index_entry *entry, const char **last,
			 struct error *err)
{
	char path[NAMES_PATH_MAX + 1];
	size_t size = strlen(entry->path);

	assert(size <= NAMES_PATH_MAX);
	memcpy(path, entry->path, size + 1);
	while (to_parent(path)) {
		struct index_entry parent = {
			.type = INDEX_DIRECTORY,
			.mode = 0755,
			.path = path,
		};
		const struct index_entry *there;
		int r;

		if (*last && strcmp(path, *last) == 0)
			return 0;
		there = index_find(index, path);
		if (there && there->type == INDEX_DIRECTORY) {
			*last = there->path;
			return 0;
		}
		if (there)
			return refuse(entry, "lies below something that is no directory", err);
		r = index_add(index, &parent, NULL, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- hard links ---- */

/* Of two names of one file, `link` becomes the first. */
static int exchange_names(struct index *index, struct index_entry *file, struct index_entry *link,
			  struct error *err)
{
	struct index_entry old = *file;
	char *link_path = link->path;

	*file = (struct index_entry){ .type = INDEX_HARDLINK, .path = file->path };
	*link = old;
	link->path = link_path;
	link->target = NULL;
	return index_set_target(index, file, link_path, err);
}

/*
 * Which name came first in an archive says nothing of the tree: the least one is the file, the others are
 * links to it. In order of path, so that the first link that is seen of a file is the least.
 */
static int check_hardlink(struct index *index, struct index_entry *entry, struct error *err)
{
	struct index_entry *file = index_find(index, entry->target);
	int r = 0;

	if (file && file->type == INDEX_HARDLINK) {
		r = index_set_target(index, entry, file->target, err);
		file = index_find(index, entry->target);
	}
	if (r < 0)
		return r;
	if (!file || file->type != INDEX_FILE)
		return refuse(entry, "a hard link to what is no file of the tree", err);
	file->linked = true;
	return strcmp(entry->path, file->path) < 0 ? exchange_names(index, file, entry, err) : 0;
}

/*
 * ---- symbolic links ----
 *
 * A walk stands at `at` (a path of the tree, "" is the top) and has `rest` to go:
 *
 *     at "a/b"   rest "../c/d"      .. → at "a", rest "c/d"
 *                                   c is a link to "../x/y" → at "a", rest "../x/y/d"
 *
 * What does not exist, or is a file, is walked through by name: whoever made it later must not find a
 * link that leads out.
 */
struct walk {
	char at[NAMES_PATH_MAX + 1];
	char *rest; /* into buffer, which is filled from its end */
	char buffer[2 * NAMES_PATH_MAX + 2];
	unsigned int hops;
};

/* rest = text + "/" + rest */
static bool put_before(struct walk *walk, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(walk->rest - walk->buffer) < n + 1)
		return false;
	*--walk->rest = '/';
	walk->rest -= n;
	memcpy(walk->rest, text, n);
	return true;
}

/* Takes the first part off rest; "" at the end of it. */
static void take_part(struct walk *walk, char ret_part[static NAMES_PATH_MAX + 1])
{
	const char *part = walk->rest + strspn(walk->rest, "/");
	size_t n = strcspn(part, "/");

	assert(n <= NAMES_PATH_MAX);
	memcpy(ret_part, part, n);
	ret_part[n] = '\0';
	walk->rest += (size_t)(part - walk->rest) + n;
}

static bool go_down(char at[static NAMES_PATH_MAX + 1], const char *part)
{
	size_t size = strlen(at);
	size_t n = strlen(part);

	if (size + 1 + n > NAMES_PATH_MAX)
		return false;
	if (size > 0)
		at[size++] = '/';
	memcpy(at + size, part, n + 1);
	return true;
}

/* One part further. Returns what is wrong, or NULL. */
static const char *step(const struct index *index, struct walk *walk, const char *part)
{
	const struct index_entry *here;

	if (strcmp(part, ".") == 0)
		return NULL;
	if (strcmp(part, "..") == 0 && walk->at[0] == '\0')
		return "a link that leaves the tree";
	if (strcmp(part, "..") == 0) {
		if (!to_parent(walk->at))
			walk->at[0] = '\0';
		return NULL;
	}
	if (!go_down(walk->at, part))
		return "a link that leads to a name that is too long";
	here = index_find(index, walk->at);
	if (!here || here->type != INDEX_SYMLINK)
		return NULL;
	if (here->target[0] == '/')
		return "a link that leaves the tree";
	if (++walk->hops > HOPS_MAX)
		return "a chain of too many links, or a loop";
	if (!to_parent(walk->at))
		walk->at[0] = '\0';
	return put_before(walk, here->target) ? NULL : "a chain of links that is too long";
}

/* Walks from the link's own place; *steps are what all links together may still take. */
static const char *follow(const struct index *index, const struct index_entry *link,
			  struct walk *walk, uint64_t *steps)
{
	char part[NAMES_PATH_MAX + 1];
	const char *wrong = NULL;

	walk->at[0] = '\0';
	walk->hops = 0;
	walk->rest = walk->buffer + sizeof(walk->buffer) - 1;
	walk->rest[0] = '\0';
	(void)put_before(walk, link->path);
	for (take_part(walk, part); part[0] && !wrong; take_part(walk, part)) {
		if (*steps == 0)
			return "links that are too many and too long to follow";
		(*steps)--;
		wrong = step(index, walk, part);
	}
	return wrong;
}

static int check_symlinks(struct index *index, struct error *err)
{
	_cleanup_free_ struct walk *walk = calloc(1, sizeof(*walk));
	uint64_t steps = STEPS_FREE + (uint64_t)STEPS_PER_ENTRY * index_count(index);

	if (!walk)
		return error_errno(err, "following links");
	for (size_t i = 0; i < index_count(index); i++) {
		const struct index_entry *entry = index_at(index, i);
		const char *wrong = NULL;

		if (entry->type == INDEX_SYMLINK)
			wrong = follow(index, entry, walk, &steps);
		if (wrong)
			return refuse(entry, wrong, err);
	}
	return 0;
}

/* Backwards, and over what was there before: additions end the order. */
static int check_all_parents(struct index *index, struct error *err)
{
	size_t count = index_count(index);
	_cleanup_bulk_ struct index_entry **entries = bulk_alloc(count + 1, sizeof(void *));
	const char *last = NULL;
	int r = 0;

	if (!entries)
		return error_errno(err, "checking the tree");
	for (size_t i = 0; i < count; i++)
		entries[i] = index_at(index, i);
	for (size_t i = 0; i < count && r == 0; i++)
		r = check_parents(index, entries[i], &last, err);
	return r;
}

int treecheck_run(struct index *index, struct error *err)
{
	int r = index_sort(index, err);

	if (r == 0)
		r = check_all_parents(index, err);
	if (r == 0)
		r = index_sort(index, err);
	for (size_t i = 0; r == 0 && i < index_count(index); i++)
		if (index_at(index, i)->type == INDEX_HARDLINK)
			r = check_hardlink(index, index_at(index, i), err);
	return r < 0 ? r : check_symlinks(index, err);
}
