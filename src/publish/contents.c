#include "publish/contents.h"

#include <string.h>

void contents_done(struct contents *contents)
{
	free(contents->items);
	*contents = (struct contents){};
}

static int compare_digests(const void *a, const void *b)
{
	return memcmp(((const struct content *)a)->digest.bytes,
		      ((const struct content *)b)->digest.bytes, DIGEST_SIZE);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = ((const struct content *)a)->entry, y = ((const struct content *)b)->entry;
	int order = compare_digests(a, b);

	return order != 0 ? order : (x > y) - (x < y);
}

/* Of equal ones the first stays. */
static void drop_doubles(struct contents *contents)
{
	size_t n = 0;

	for (size_t i = 0; i < contents->n; i++)
		if (n == 0 || compare_digests(&contents->items[n - 1], &contents->items[i]) != 0)
			contents->items[n++] = contents->items[i];
	contents->n = n;
}

int contents_list(const struct index *index, struct contents *ret_contents, struct error *err)
{
	struct contents contents = {};
	size_t count = index_count(index);

	contents.items = calloc(count + 1, sizeof(*contents.items));
	if (!contents.items)
		return error_errno(err, "listing a tree");
	for (size_t i = 0; i < count; i++) {
		const struct index_entry *entry = index_at(index, i);

		if (entry->type == INDEX_FILE && entry->size > 0)
			contents.items[contents.n++] =
				(struct content){ entry->digest, (uint32_t)i };
	}
	qsort(contents.items, contents.n, sizeof(*contents.items), compare);
	drop_doubles(&contents);
	*ret_contents = contents;
	return 0;
}

const struct content *contents_look_up(const struct contents *contents, const struct digest *digest)
{
	const struct content key = { .digest = *digest };

	if (contents->n == 0)
		return NULL;
	return bsearch(&key, contents->items, contents->n, sizeof(key), compare_digests);
}
