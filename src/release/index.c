/*
 * The text of an index, version 1: a first line that names the format, then one line for each entry,
 * in strictly rising bytewise order of the path:
 *
 *     flipslot-index 1\n
 *     d <mode> <path>\n                                      directory
 *     f <mode> <mtime> <size> <sha256> <path>[ cap=<hex>]\n  file, the first name of its content
 *     h <path> <path of the file>\n                          hard link: a later name of that file
 *     l <path> <text of the link>\n                          symbolic link
 *
 * Fields are parted by single blanks. <mode> is four octal digits; <mtime> (seconds since 1970) and <size>
 * are decimal without leading zeroes; <sha256> and <hex> (the bytes of security.capability) are lower-case
 * hexadecimal. In paths and texts, blank, control characters and backslash are written \xHH (lower case),
 * nothing else is escaped. Paths obey release/names.h, the whole obeys release/treecheck.h: every parent
 * directory has its own line, the top directory has none.
 *
 * Further fields of a file can follow its path as key=value in a later version, which then has another
 * number in its first line.
 */
#include "release/index.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "release/line.h"
#include "release/pathtree.h"
#include "release/treecheck.h"

#define MAGIC	   "flipslot-index 1\n"
#define FIRST_ROOM 64
#define NEAR	   4 /* entries that are looked at before the whole is searched */

/*
 * Most indexes come in order: as long as that holds, `order` is all there is. Afterwards a tree finds by path, and `order` is made of it.
 */
struct index {
	struct arena arena; /* of the entries and their texts */
	struct pathtree tree; /* nodes is NULL: all came in order */
	size_t count;
	struct index_entry **order; /* NULL: not sorted since the last addition, or empty */
	size_t room; /* of order, while all came in order */
};

void index_entry_done(struct index_entry *entry)
{
	free(entry->path);
	free(entry->target);
	*entry = (struct index_entry){};
}

int index_new(struct index **ret_index, struct error *err)
{
	struct index *index = calloc(1, sizeof(*index));

	if (!index)
		return error_errno(err, "an index");
	*ret_index = index;
	return 0;
}

void index_free(struct index *index)
{
	if (!index)
		return;
	bulk_free(index->order);
	pathtree_done(&index->tree);
	arena_done(&index->arena);
	free(index);
}

static bool has_tree(const struct index *index)
{
	return index->tree.nodes != NULL;
}

static int fail(struct error *err)
{
	return error_code(err, -ENOMEM, "an index");
}

static int append(struct index *index, struct index_entry *entry, struct error *err)
{
	if (index->count == index->room) {
		size_t room = index->room + index->room / 2 + FIRST_ROOM;
		struct index_entry **order = bulk_resize(index->order, room, sizeof(void *));

		if (!order)
			return fail(err);
		index->order = order;
		index->room = room;
	}
	index->order[index->count++] = entry;
	return 0;
}

/* From now on there is a tree. */
static int plant(struct index *index, struct error *err)
{
	struct pathtree tree;
	int r = pathtree_init(&tree, err);

	for (size_t i = 0; r == 0 && i < index->count; i++)
		if (!pathtree_put(&tree, index->order[i]))
			r = fail(err);
	if (r < 0)
		pathtree_done(&tree);
	else
		index->tree = tree;
	return r;
}

static bool is_behind_all(const struct index *index, const char *path)
{
	return index->count == 0 || strcmp(path, index->order[index->count - 1]->path) > 0;
}

static int put(struct index *index, struct index_entry *entry, struct error *err)
{
	int r;

	if (!has_tree(index) && is_behind_all(index, entry->path))
		return append(index, entry, err);
	r = has_tree(index) ? 0 : plant(index, err);
	if (r < 0)
		return r;
	if (!pathtree_put(&index->tree, entry))
		return fail(err);
	index->count++;
	bulk_free(TAKE_PTR(index->order));
	return 0;
}

/* The entry of that path, made if there is none. */
static int find_or_make(struct index *index, const char *path, struct index_entry **ret_entry,
			struct error *err)
{
	struct index_entry *entry = index_find(index, path);
	size_t size = strlen(path) + 1;
	int r;

	*ret_entry = entry;
	if (entry)
		return 0;
	entry = arena_alloc(&index->arena, sizeof(*entry) + size);
	if (!entry)
		return fail(err);
	entry->path = memcpy(entry + 1, path, size);
	r = put(index, entry, err);
	*ret_entry = entry;
	return r;
}

int index_set_target(struct index *index, struct index_entry *entry, const char *target,
		     struct error *err)
{
	char *copy = target ? arena_text(&index->arena, target) : NULL;

	if (target && !copy)
		return fail(err);
	entry->target = copy;
	return 0;
}

int index_add(struct index *index, const struct index_entry *entry, struct index_entry **ret_entry,
	      struct error *err)
{
	struct index_entry *own;
	struct index_entry old;
	int r;

	assert(index);
	r = find_or_make(index, entry->path, &own, err);
	if (r < 0)
		return r;
	old = *own;
	*own = *entry;
	own->path = old.path;
	own->target = NULL;
	r = index_set_target(index, own, entry->target, err);
	if (r == 0 && ret_entry)
		*ret_entry = own;
	return r;
}

static struct index_entry *find_in_order(const struct index *index, const char *path)
{
	size_t low = 0;
	size_t high = is_behind_all(index, path) ? 0 : index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(path, index->order[middle]->path);

		if (order == 0)
			return index->order[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct index_entry *index_find(const struct index *index, const char *path)
{
	return has_tree(index) && !index->order ? pathtree_find(&index->tree, path) :
						  find_in_order(index, path);
}

size_t index_count(const struct index *index)
{
	return index->count;
}

int index_sort(struct index *index, struct error *err)
{
	if (index->order || !has_tree(index))
		return 0;
	index->order = bulk_alloc(index->count, sizeof(void *));
	if (!index->order)
		return fail(err);
	pathtree_list(&index->tree, index->order);
	return 0;
}

struct index_entry *index_at(const struct index *index, size_t i)
{
	return index->order[i];
}

uint32_t index_number(const struct index *index, const char *path)
{
	size_t low = 0;
	size_t high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(index->order[middle]->path, path);

		if (order == 0)
			return (uint32_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return INDEX_NONE;
}

uint32_t index_number_near(const struct index *index, const char *path, uint32_t guess)
{
	for (uint32_t i = guess; i < index->count && i - guess < NEAR; i++) {
		int order = strcmp(index->order[i]->path, path);

		if (order == 0)
			return i;
		if (order > 0)
			break;
	}
	return index_number(index, path);
}

/* ---- text ---- */

int index_write(struct index *index, struct text *text, struct error *err)
{
	int r = index_sort(index, err);

	if (r < 0)
		return r;
	text_add(text, MAGIC);
	for (size_t i = 0; i < index->count; i++)
		line_add(text, index->order[i]);
	return text_check(text, err);
}

int index_encode(struct index *index, char **ret_text, size_t *ret_size, struct digest *ret_digest,
		 struct error *err)
{
	_cleanup_text_ struct text text = {};
	struct digest digest;
	size_t size;
	int r = index_write(index, &text, err);

	if (r == 0)
		r = digest_of(text.data, text.size, &digest, err);
	if (r < 0)
		return r;
	size = text.size;
	if (ret_text)
		*ret_text = text_take(&text);
	if (ret_size)
		*ret_size = size;
	if (ret_digest)
		*ret_digest = digest;
	return 0;
}

static bool is_file(const struct index *index, const char *path)
{
	const struct index_entry *entry = index_find(index, path);

	return entry && entry->type == INDEX_FILE;
}

int index_add_line(struct index *index, const char *line, size_t size, struct error *err)
{
	_cleanup_index_entry_ struct index_entry entry = {};
	int r = line_parse(line, size, &entry, err);

	if (r < 0)
		return r;
	if (!is_behind_all(index, entry.path))
		return error_set(err, FAULT_CORRUPT, "out of order");
	if (entry.type == INDEX_HARDLINK && !is_file(index, entry.target))
		return error_set(err, FAULT_CORRUPT, "a hard link to no file before it");
	return index_add(index, &entry, NULL, err);
}

static int decode_lines(struct index *index, const char *text, size_t size, struct error *err)
{
	size_t number = 1;

	while (size > 0) {
		const char *newline = memchr(text, '\n', size);
		size_t n = newline ? (size_t)(newline - text) + 1 : size;
		int r = index_add_line(index, text, n, err);

		number++;
		if (r < 0)
			return error_prefix(err, r, "line %zu of the index", number);
		text += n;
		size -= n;
	}
	return 0;
}

int index_complete(struct index *index, struct error *err)
{
	size_t count = index->count;
	int r = treecheck_run(index, err);

	if (r < 0)
		return error_prefix(err, r, "the index");
	if (index->count != count)
		return error_set(err, FAULT_CORRUPT, "the index lacks a parent directory");
	return 0;
}

int index_decode(const char *text, size_t size, struct index **ret_index, struct error *err)
{
	_cleanup_(index_freep) struct index *index = NULL;
	int r;

	if (size < strlen(MAGIC) || memcmp(text, MAGIC, strlen(MAGIC)) != 0)
		return error_set(err, FAULT_CORRUPT, "not a file index of version 1");
	r = index_new(&index, err);
	if (r < 0)
		return r;
	assert(index);
	r = decode_lines(index, text + strlen(MAGIC), size - strlen(MAGIC), err);
	if (r == 0)
		r = index_complete(index, err);
	if (r == 0)
		*ret_index = TAKE_PTR(index);
	return r;
}
