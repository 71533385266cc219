#include "publish/measure.h"

#include <assert.h>

#include "base/digester.h"
#include "release/treecheck.h"

#define CHUNK 65536

struct measure {
	struct index *index;
	struct digester *digester;
	struct index_entry *file; /* the index's, of the file under way; NULL: none */
	uint64_t reached; /* hashed so far of it */
};

int measure_new(struct measure **ret_measure, struct error *err)
{
	_cleanup_(measure_freep) struct measure *measure = calloc(1, sizeof(*measure));
	int r;

	if (!measure)
		return error_errno(err, "measuring a tree");
	r = index_new(&measure->index, err);
	if (r == 0)
		r = digester_new(&measure->digester, err);
	if (r == 0)
		*ret_measure = TAKE_PTR(measure);
	return r;
}

void measure_free(struct measure *measure)
{
	if (!measure)
		return;
	index_free(measure->index);
	digester_free(measure->digester);
	free(measure);
}

static int on_entry(void *data, const struct index_entry *entry, struct error *err)
{
	struct measure *measure = data;
	struct index_entry *added;
	int r = index_add(measure->index, entry, &added, err);

	if (r < 0 || entry->type != INDEX_FILE)
		return r;
	measure->file = added;
	measure->reached = 0;
	return digester_reset(measure->digester, err);
}

/* What is skipped reads as zeroes. */
static int hash_hole(struct measure *measure, uint64_t to, struct error *err)
{
	static const uint8_t zeroes[CHUNK];

	while (measure->reached < to) {
		uint64_t left = to - measure->reached;
		size_t n = left < CHUNK ? (size_t)left : CHUNK;
		int r = digester_update(measure->digester, zeroes, n, err);

		if (r < 0)
			return r;
		measure->reached += n;
	}
	return 0;
}

static int on_content(void *data, const void *bytes, size_t size, uint64_t offset,
		      struct error *err)
{
	struct measure *measure = data;
	int r;

	assert(measure->file && offset >= measure->reached);
	r = hash_hole(measure, offset, err);
	if (r == 0)
		r = digester_update(measure->digester, bytes, size, err);
	measure->reached += size;
	return r;
}

static int on_end(void *data, uint64_t size, struct error *err)
{
	struct measure *measure = data;
	int r = hash_hole(measure, size, err);

	assert(measure->file);
	measure->file->size = size;
	if (r == 0)
		r = digester_finish(measure->digester, &measure->file->digest, err);
	measure->file = NULL;
	return r;
}

const struct archive_sink measure_sink = {
	.entry = on_entry,
	.content = on_content,
	.end = on_end,
};

int measure_finish(struct measure *measure, struct index **ret_index, struct error *err)
{
	int r = treecheck_run(measure->index, err);

	if (r == 0)
		*ret_index = TAKE_PTR(measure->index);
	return r;
}
