#include "publish/candidates.h"

#include <ctype.h>
#include <string.h>

struct candidate {
	const struct index_entry *entry;
	char *shape; /* of its path */
	const char *name; /* the last part of it */
};

struct candidates {
	const struct index *index;
	uint64_t max;
	struct candidate *items; /* in the order of names, then paths */
	size_t n;
};

/* The path, with # for each word that has a digit: "lib/libx-1.2a.so" is "lib/libx-#.#.so". */
static char *shape_of(const char *path)
{
	char *shape = malloc(strlen(path) + 1);
	char *out = shape;

	while (shape && *path) {
		size_t n = 0;
		bool digit = false;

		for (; isalnum((unsigned char)path[n]); n++)
			digit = digit || isdigit((unsigned char)path[n]);
		if (digit) {
			*out++ = '#';
		} else {
			n += n == 0;
			memcpy(out, path, n);
			out += n;
		}
		path += n;
	}
	if (shape)
		*out = '\0';
	return shape;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct candidate *)a)->name, ((const struct candidate *)b)->name);
}

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = compare_names(a, b);

	return order != 0 ? order : strcmp(x->entry->path, y->entry->path);
}

static bool is_candidate(const struct candidates *candidates, const struct index_entry *entry)
{
	return entry->type == INDEX_FILE && entry->size > 0 && entry->size <= candidates->max;
}

static int add(struct candidates *candidates, const struct index_entry *entry, struct error *err)
{
	struct candidate *item = &candidates->items[candidates->n];

	if (!is_candidate(candidates, entry))
		return 0;
	item->entry = entry;
	item->shape = shape_of(entry->path);
	if (!item->shape)
		return error_errno(err, "comparing trees");
	item->name = name_of(item->shape);
	candidates->n++;
	return 0;
}

int candidates_new(const struct index *index, uint64_t max, struct candidates **ret_candidates,
		   struct error *err)
{
	_cleanup_(candidates_freep) struct candidates *candidates = calloc(1, sizeof(*candidates));
	int r = 0;

	if (!candidates)
		return error_errno(err, "comparing trees");
	candidates->index = index;
	candidates->max = max;
	candidates->items = calloc(index_count(index) + 1, sizeof(*candidates->items));
	if (!candidates->items)
		return error_errno(err, "comparing trees");
	for (size_t i = 0; r == 0 && i < index_count(index); i++)
		r = add(candidates, index_at(index, i), err);
	if (r < 0)
		return r;
	qsort(candidates->items, candidates->n, sizeof(*candidates->items), compare);
	*ret_candidates = TAKE_PTR(candidates);
	return 0;
}

void candidates_free(struct candidates *candidates)
{
	if (!candidates)
		return;
	for (size_t i = 0; i < candidates->n; i++)
		free(candidates->items[i].shape);
	free(candidates->items);
	free(candidates);
}

/* ---- finding ---- */

const struct index_entry *candidates_same(const struct candidates *candidates,
					  const struct index_entry *wanted)
{
	const struct index_entry *entry = index_find(candidates->index, wanted->path);

	if (entry && entry->type == INDEX_HARDLINK)
		entry = index_find(candidates->index, entry->target);
	return entry && is_candidate(candidates, entry) ? entry : NULL;
}

static size_t agree_from_end(const char *a, const char *b)
{
	size_t x = strlen(a), y = strlen(b), n = 0;

	while (n < x && n < y && a[x - 1 - n] == b[y - 1 - n])
		n++;
	return n;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static size_t first_of(const struct candidates *candidates, const char *name)
{
	const struct candidate key = { .name = name };
	size_t low = 0, high = candidates->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_names(&candidates->items[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct index_entry *find_alike(const struct candidates *candidates,
					    const struct index_entry *entry, const char *shape)
{
	const char *name = name_of(shape);
	const struct index_entry *best = NULL;
	size_t most = 0;

	for (size_t i = first_of(candidates, name);
	     i < candidates->n && strcmp(candidates->items[i].name, name) == 0; i++) {
		const struct candidate *item = &candidates->items[i];
		size_t n = agree_from_end(item->shape, shape);

		if (best && n < most)
			continue;
		if (best && n == most &&
		    distance(item->entry->size, entry->size) >= distance(best->size, entry->size))
			continue;
		best = item->entry;
		most = n;
	}
	return best;
}

const struct index_entry *candidates_alike(const struct candidates *candidates,
					   const struct index_entry *entry)
{
	_cleanup_free_ char *shape = shape_of(entry->path);

	return shape ? find_alike(candidates, entry, shape) : NULL;
}
