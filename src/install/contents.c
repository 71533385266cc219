#include "install/contents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bulk.h"

struct contents {
	const struct index *index;
	uint32_t *files; /* numbers of files: those of a content in a row, rising */
	size_t n_files;
	uint32_t *first; /* of each content: where its row begins; one more at the end */
	size_t count;
	uint32_t *content; /* of each entry of the index */
};

static int compare_contents(const struct digest *digest_a, uint64_t size_a,
			    const struct digest *digest_b, uint64_t size_b)
{
	int order = memcmp(digest_a, digest_b, sizeof(*digest_a));

	if (order != 0)
		return order;
	return size_a < size_b ? -1 : size_a > size_b;
}

static int compare_files(const void *a, const void *b, void *data)
{
	const struct contents *contents = data;
	uint32_t m = *(const uint32_t *)a;
	uint32_t n = *(const uint32_t *)b;
	const struct index_entry *x = index_at(contents->index, m);
	const struct index_entry *y = index_at(contents->index, n);
	int order = compare_contents(&x->digest, x->size, &y->digest, y->size);

	return order != 0 ? order : m < n ? -1 : m > n;
}

static void collect_files(struct contents *contents)
{
	for (size_t i = 0; i < index_count(contents->index); i++) {
		contents->content[i] = CONTENTS_NONE;
		if (index_at(contents->index, i)->type == INDEX_FILE)
			contents->files[contents->n_files++] = (uint32_t)i;
	}
	qsort_r(contents->files, contents->n_files, sizeof(*contents->files), compare_files,
		contents);
}

static bool is_same(const struct contents *contents, uint32_t m, uint32_t n)
{
	const struct index_entry *x = index_at(contents->index, m);
	const struct index_entry *y = index_at(contents->index, n);

	return compare_contents(&x->digest, x->size, &y->digest, y->size) == 0;
}

static void group_files(struct contents *contents)
{
	for (size_t i = 0; i < contents->n_files; i++) {
		if (i == 0 || !is_same(contents, contents->files[i - 1], contents->files[i]))
			contents->first[contents->count++] = (uint32_t)i;
		contents->content[contents->files[i]] = (uint32_t)contents->count - 1;
	}
	contents->first[contents->count] = (uint32_t)contents->n_files;
}

int contents_new(const struct index *index, struct contents **ret_contents, struct error *err)
{
	_cleanup_(contents_freep) struct contents *contents = calloc(1, sizeof(*contents));
	size_t n = index_count(index) + 1;

	if (!contents)
		return error_errno(err, "the contents of a tree");
	contents->index = index;
	contents->files = bulk_alloc(n, sizeof(*contents->files));
	contents->first = bulk_alloc(n, sizeof(*contents->first));
	contents->content = bulk_alloc(n, sizeof(*contents->content));
	if (!contents->files || !contents->first || !contents->content)
		return error_code(err, -ENOMEM, "the contents of a tree");
	collect_files(contents);
	group_files(contents);
	*ret_contents = TAKE_PTR(contents);
	return 0;
}

void contents_free(struct contents *contents)
{
	if (!contents)
		return;
	bulk_free(contents->files);
	bulk_free(contents->first);
	bulk_free(contents->content);
	free(contents);
}

size_t contents_count(const struct contents *contents)
{
	return contents->count;
}

uint32_t contents_of(const struct contents *contents, uint32_t n)
{
	return contents->content[n];
}

uint32_t contents_file(const struct contents *contents, uint32_t content, uint32_t i)
{
	uint32_t first = contents->first[content];

	return i < contents->first[content + 1] - first ? contents->files[first + i] :
							  CONTENTS_NONE;
}

const struct index_entry *contents_entry(const struct contents *contents, uint32_t content)
{
	return index_at(contents->index, contents->files[contents->first[content]]);
}

uint32_t contents_find(const struct contents *contents, const struct digest *digest, uint64_t size)
{
	size_t low = 0;
	size_t high = contents->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct index_entry *entry = contents_entry(contents, (uint32_t)middle);
		int order = compare_contents(&entry->digest, entry->size, digest, size);

		if (order == 0)
			return (uint32_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return CONTENTS_NONE;
}
