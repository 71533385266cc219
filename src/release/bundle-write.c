#include "release/bundle-write.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "release/bundle-table-write.h"
#include "release/frame-write.h"

#define MAGIC "flipslot-bundle 1\n"

static int encode_index(struct index *index, struct text *ret_text, struct error *err)
{
	int r = index_encode(index, &ret_text->data, &ret_text->size, NULL, err);

	ret_text->room = ret_text->size;
	return r;
}

/* What was written is what a device will read. */
static int check(const struct text *head, struct index *index, const struct bundle_block *blocks,
		 size_t n_blocks, struct error *err)
{
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct digest digest;
	uint64_t length = head->size;
	int r = index_encode(index, NULL, NULL, &digest, err);

	for (size_t i = 0; i < n_blocks; i++)
		length += blocks[i].length;
	if (r == 0 && head->size > BUNDLE_HEAD_MAX)
		r = error_set(err, FAULT_INTERNAL, "the head of the bundle is too long");
	if (r < 0)
		return r;
	r = bundle_decode(head->data, head->size, NULL, &digest, length, &bundle, err);
	if (r < 0 && err)
		err->fault = FAULT_INTERNAL;
	return r;
}

int bundle_write_head(struct index *index, const struct bundle_block *blocks, size_t n_blocks,
		      int level, void **ret_head, size_t *ret_size, struct error *err)
{
	_cleanup_text_ struct text head = {}, plain = {}, table = {};
	const struct text none = {};
	int r = encode_index(index, &plain, err);

	if (r == 0)
		r = frame_write_pack(&plain, &none, level, &head, err);
	text_add(&table, MAGIC);
	for (size_t i = 0; i < n_blocks; i++)
		bundle_table_write_line(&table, index, &blocks[i]);
	if (r == 0)
		r = text_check(&table, err);
	if (r == 0)
		r = frame_write_pack(&table, &none, level, &head, err);
	if (r == 0)
		r = check(&head, index, blocks, n_blocks, err);
	if (r < 0)
		return r;
	*ret_size = head.size;
	*ret_head = text_take(&head);
	return 0;
}
