#include "release/pathtree.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/bulk.h"

#define NONE	   UINT32_MAX
#define FIRST_ROOM 256

struct pathtree_node {
	struct index_entry *entry;
	uint32_t left, right; /* by number; NONE */
};

int pathtree_init(struct pathtree *tree, struct error *err)
{
	*tree = (struct pathtree){ .root = NONE };
	if (getrandom(&tree->seed, sizeof(tree->seed), 0) != (ssize_t)sizeof(tree->seed))
		return error_errno(err, "random numbers");
	return 0;
}

void pathtree_done(struct pathtree *tree)
{
	bulk_free(tree->nodes);
	tree->nodes = NULL;
}

/* Of the n-th node: the finish of splitmix64 (S. Vigna, public domain) over seed and number. */
static uint64_t priority(const struct pathtree *tree, uint32_t n)
{
	uint64_t z = tree->seed + (n + 1ULL) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static bool make_room(struct pathtree *tree)
{
	uint32_t room = tree->room > 0 ? tree->room : FIRST_ROOM / 2;
	struct pathtree_node *nodes;

	if (tree->count < tree->room)
		return true;
	if (room > PATHTREE_MAX / 2)
		return false;
	nodes = bulk_resize(tree->nodes, 2 * (size_t)room, sizeof(*nodes));
	if (!nodes)
		return false;
	tree->nodes = nodes;
	tree->room = 2 * room;
	return true;
}

/* What is below `rest` is parted into what comes before the path, and what comes behind it. */
static void part(struct pathtree *tree, uint32_t rest, const char *path, uint32_t *before,
		 uint32_t *behind)
{
	while (rest != NONE) {
		struct pathtree_node *node = &tree->nodes[rest];
		bool left = strcmp(path, node->entry->path) < 0;

		*(left ? behind : before) = rest;
		rest = left ? node->left : node->right;
		*(left ? &behind : &before) = left ? &node->left : &node->right;
	}
	*before = *behind = NONE;
}

bool pathtree_put(struct pathtree *tree, struct index_entry *entry)
{
	uint32_t *link = &tree->root;
	struct pathtree_node *own;
	uint64_t height;
	uint32_t rest;

	if (!make_room(tree))
		return false;
	own = &tree->nodes[tree->count];
	height = priority(tree, tree->count);
	own->entry = entry;
	while (*link != NONE && priority(tree, *link) >= height) {
		struct pathtree_node *node = &tree->nodes[*link];

		link = strcmp(entry->path, node->entry->path) < 0 ? &node->left : &node->right;
	}
	rest = *link;
	*link = tree->count++;
	part(tree, rest, entry->path, &own->left, &own->right);
	return true;
}

struct index_entry *pathtree_find(const struct pathtree *tree, const char *path)
{
	uint32_t at = tree->root;

	while (at != NONE) {
		const struct pathtree_node *node = &tree->nodes[at];
		int order = strcmp(path, node->entry->path);

		if (order == 0)
			return node->entry;
		at = order < 0 ? node->left : node->right;
	}
	return NULL;
}

/* Returns the place behind those below `at`. */
static struct index_entry **list(const struct pathtree *tree, uint32_t at,
				 struct index_entry **next)
{
	for (; at != NONE; at = tree->nodes[at].right) {
		next = list(tree, tree->nodes[at].left, next);
		*next++ = tree->nodes[at].entry;
	}
	return next;
}

void pathtree_list(const struct pathtree *tree, struct index_entry **ret_entries)
{
	(void)list(tree, tree->root, ret_entries);
}
