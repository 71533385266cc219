#include "deploy/blocks.h"

#include <stdlib.h>

#include "base/text.h"
#include "deploy/allowance.h"
#include "deploy/head.h"
#include "deploy/retrieval.h"
#include "deploy/spans.h"

struct blocks {
	struct watcher *watcher;
	struct salvage *salvage;
	struct fetcher *own; /* what session_fetcher gave */
	struct fetcher *fetcher;
	struct text url;
	struct bundle *bundle;
	struct spans spans;
	uint8_t *bytes; /* BLOCK_PACKED_MAX: of the block that comes */
	uint64_t done; /* bytes of spans */
};

static void blocks_done(struct blocks *blocks)
{
	free(blocks->bytes);
	spans_done(&blocks->spans);
	bundle_free(blocks->bundle);
	text_done(&blocks->url);
	fetcher_free(blocks->own);
}

/* ---- the head ---- */

static int open_source(struct blocks *blocks, const struct digest *blob, struct error *err)
{
	const struct session *session = blocks->watcher->session;
	char hex[DIGEST_HEX_MAX];
	int r;

	text_add(&blocks->url, "%s/blobs/sha256/%s", session->options->source.url,
		 digest_to_hex(blob, hex));
	r = text_check(&blocks->url, err);
	return r < 0 ? r : session_fetcher(session, &blocks->own, &blocks->fetcher, err);
}

static bool wants(void *data, const struct bundle_block *block)
{
	return salvage_wants(data, block);
}

static int read_head(struct blocks *blocks, const struct head *head, struct error *err)
{
	const struct descriptor *descriptor = salvage_descriptor(blocks->salvage);
	int r = bundle_decode(head->bytes, head->size, NULL, &descriptor->index,
			      descriptor->blocks.length, &blocks->bundle, err);

	if (r < 0)
		return error_prefix(err, r, "%s", blocks->url.data);
	return spans_make(blocks->bundle, wants, blocks->salvage, &blocks->spans, err);
}

/* > 0: as head_get. */
static int get_head(struct blocks *blocks, struct error *err)
{
	const struct descriptor_blocks *named = &salvage_descriptor(blocks->salvage)->blocks;
	const struct offer_bundle bundle = {
		.blob = named->blob,
		.length = named->length,
		.head_digest = named->head_digest,
		.head = named->head,
	};
	const struct head_options options = {
		.watcher = blocks->watcher,
		.fetcher = blocks->fetcher,
		.bundle = &bundle,
		.url = blocks->url.data,
		.room = UINT64_MAX, /* nothing of it is kept */
	};
	_cleanup_head_ struct head head = {};
	int r = head_get(&options, &head, err);

	return r == 0 ? read_head(blocks, &head, err) : r;
}

/* ---- blocks ---- */

static int show(const struct blocks *blocks, struct error *err)
{
	return watcher_progress(blocks->watcher, STAGE_FETCH, blocks->done, blocks->spans.bytes,
				err);
}

/* All of a block. > 0: BLOCKS_NONE. */
static int receive(struct blocks *blocks, struct download *download, size_t length,
		   struct error *err)
{
	size_t filled = 0;
	int r = 0;

	while (r == 0 && filled < length) {
		size_t n;

		r = download_read(download, blocks->bytes + filled, length - filled, &n, err);
		if (r == DOWNLOAD_ABSENT || r == DOWNLOAD_NO_RANGE)
			return BLOCKS_NONE;
		if (r == DOWNLOAD_END)
			return error_set(err, FAULT_NETWORK, "%s: shorter than the metadata says",
					 blocks->url.data);
		if (r == DOWNLOAD_PENDING) {
			download_wait(download);
			r = show(blocks, err);
		} else if (r == 0) {
			filled += n;
			blocks->done += n;
			r = allowance_take(blocks->watcher, n, err);
		}
	}
	return r;
}

/* Those between wanted ones are passed over. > 0: BLOCKS_NONE. */
static int receive_span(struct blocks *blocks, struct download *download, const struct span *span,
			struct error *err)
{
	int r = 0;

	for (size_t i = span->begin; r == 0 && i < span->end; i++) {
		const struct bundle_block *block = &blocks->bundle->blocks[i];

		r = receive(blocks, download, block->length, err);
		if (r != 0)
			return r;
		r = salvage_take_block(blocks->salvage, blocks->bundle, block, blocks->bytes,
				       block->length, err);
		if (r == 0)
			r = show(blocks, err);
	}
	return r < 0 ? error_prefix(err, r, "%s", blocks->url.data) : 0;
}

/* > 0: BLOCKS_NONE. */
static int get_span(struct blocks *blocks, const struct span *span, struct error *err)
{
	_cleanup_(download_freep) struct download *download = NULL;
	const struct fetch_request request = {
		.url = blocks->url.data,
		.range_first = span->offset,
		.range_length = span->length,
		.cap = span->length,
		.deadline = USEC_INFINITY,
	};
	int r = allowance_begin(blocks->watcher, blocks->fetcher, &request, &download, err);

	if (r < 0)
		return r;
	return receive_span(blocks, download, span, err);
}

/* > 0: BLOCKS_NONE. */
static int get_spans(struct blocks *blocks, struct error *err)
{
	int r = 0;

	blocks->bytes = malloc(BLOCK_PACKED_MAX);
	if (!blocks->bytes)
		return error_errno(err, "getting blocks");
	for (size_t i = 0; r == 0 && i < blocks->spans.n_spans; i++)
		r = get_span(blocks, &blocks->spans.spans[i], err);
	return r;
}

int blocks_get(struct watcher *watcher, struct salvage *salvage, struct error *err)
{
	_cleanup_(blocks_done) struct blocks blocks = { .watcher = watcher, .salvage = salvage };
	const struct descriptor *descriptor = salvage_descriptor(salvage);
	uint64_t bytes = 0;
	int r;

	if (digest_is_null(&descriptor->blocks.blob))
		return BLOCKS_NONE;
	(void)salvage_count_wanted(salvage, &bytes);
	r = retrieval_check(watcher->session, descriptor, err);
	if (r == 0)
		r = retrieval_prepare(watcher->session, bytes, err);
	if (r == 0)
		r = open_source(&blocks, &descriptor->blocks.blob, err);
	if (r == 0)
		r = get_head(&blocks, err);
	if (r == 0)
		r = get_spans(&blocks, err);
	if (r < 0)
		return r;
	if (r == 0)
		r = allowance_settle(watcher, err);
	return r > 0 || (r == 0 && salvage_count_wanted(salvage, NULL) > 0) ? BLOCKS_NONE : r;
}
