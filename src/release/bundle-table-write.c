#include "release/bundle-table-write.h"

#include <inttypes.h>

static void add_short(struct text *text, const struct bundle_short *value)
{
	for (size_t i = 0; i < sizeof(value->bytes); i++)
		text_add(text, "%02x", value->bytes[i]);
}

static void add_digests(struct text *text, const struct index *index,
			const struct bundle_block *block)
{
	text_add(text, " ");
	add_short(text, &block->packed);
	text_add(text, " ");
	if (bundle_count_blocks(index_at(index, block->entry)->size) == 1)
		text_add(text, "-");
	else
		add_short(text, &block->raw);
}

void bundle_table_write_line(struct text *text, const struct index *index,
			     const struct bundle_block *block)
{
	char letter = bundle_kind_letter(block->kind);

	text_add(text, "%c %" PRIu32 " %" PRIu32,
		 block->is_inlined ? (char)(letter & ~0x20) : letter, block->entry, block->length);
	if (!block->is_inlined)
		add_digests(text, index, block);
	if (block_needs_base(block->kind) && !(block->is_inlined && block->base == block->entry))
		text_add(text, " %" PRIu32, block->base);
	text_add(text, "\n");
}
