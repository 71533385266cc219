#include "deploy/spans.h"

#include <stdlib.h>

#include "base/bulk.h"

static void add(struct spans *spans, const struct bundle *bundle, size_t i)
{
	const struct bundle_block *block = &bundle->blocks[i];
	struct span *last = spans->n_spans > 0 ? &spans->spans[spans->n_spans - 1] : NULL;

	if (!last || block->offset - (last->offset + last->length) > SPAN_GAP) {
		last = &spans->spans[spans->n_spans++];
		*last = (struct span){ .begin = i, .offset = block->offset };
	}
	last->end = i + 1;
	last->length = block->offset + block->length - last->offset;
}

int spans_make(const struct bundle *bundle,
	       bool (*wants)(void *data, const struct bundle_block *block), void *data,
	       struct spans *ret_spans, struct error *err)
{
	_cleanup_spans_ struct spans spans = {};

	spans.wanted = bulk_alloc(bundle->n_blocks + 1, sizeof(*spans.wanted));
	spans.spans = bulk_alloc(bundle->n_blocks + 1, sizeof(*spans.spans));
	if (!spans.wanted || !spans.spans)
		return error_errno(err, "choosing blocks");
	for (size_t i = 0; i < bundle->n_blocks; i++) {
		spans.wanted[i] = !bundle->blocks[i].is_inlined && wants(data, &bundle->blocks[i]);
		spans.n_wanted += spans.wanted[i];
		if (spans.wanted[i])
			add(&spans, bundle, i);
	}
	for (size_t i = 0; i < spans.n_spans; i++)
		spans.bytes += spans.spans[i].length;
	*ret_spans = spans;
	spans = (struct spans){};
	return 0;
}

void spans_done(struct spans *spans)
{
	bulk_free(spans->spans);
	bulk_free(spans->wanted);
	*spans = (struct spans){};
}
