#include "deploy/gather.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "deploy/allowance.h"
#include "deploy/partial.h"

#define STREAMS		 PARTIAL_MAX
#define LOOK_PERIOD_USEC (100 * USEC_PER_MSEC)
#define ROOM_PERIOD_USEC (2 * USEC_PER_MSEC) /* while a stream waits for room */
#define SCRATCH		 (16 * 1024)

/* One range on its way. */
struct stream {
	struct download *download; /* NULL: none */
	bool is_borrowed;
	size_t next, end; /* blocks */
	uint64_t position, limit; /* in the blob: of the next byte; the range's end */
	uint8_t *bytes; /* of block `next`; NULL: none yet */
	size_t filled;
	size_t kept; /* of block `next`, at its front, by an earlier run */
};

struct gather {
	const struct gather_options *options;
	struct stream streams[STREAMS];
	struct partial partials[STREAMS]; /* each of the stream of its number */
	size_t next_span;
	uint64_t done; /* bytes of spans */
	bool is_saved; /* some front of a block was */
	bool is_short_of_room; /* some stream could go on if there were room */
};

static void stream_end(struct gather *gather, struct stream *stream)
{
	if (stream->bytes)
		taker_drop(gather->options->taker, stream->bytes,
			   gather->options->bundle->blocks[stream->next].length);
	if (!stream->is_borrowed)
		download_free(stream->download);
	*stream = (struct stream){};
}

static void gather_done(struct gather *gather)
{
	for (size_t i = 0; i < STREAMS; i++)
		stream_end(gather, &gather->streams[i]);
	partial_done(gather->partials);
}

/* ---- one stream ---- */

/* A range from `position` to `limit`. */
static int ask(struct gather *gather, struct stream *stream, struct error *err)
{
	const struct gather_options *options = gather->options;
	uint64_t length = stream->limit - stream->position;
	const struct fetch_request request = {
		.url = options->url,
		.range_first = stream->position,
		.range_length = allowance_range(options->watcher->session, length),
		.cap = length,
		.deadline = USEC_INFINITY,
	};

	return allowance_begin(options->watcher, options->fetcher, &request, &stream->download,
			       err);
}

/* The next wanted block; end: none. */
static void skip_unwanted(const struct gather *gather, struct stream *stream)
{
	while (stream->next < stream->end && !gather->options->spans->wanted[stream->next])
		stream->next++;
}

/* What an earlier run had fetched of the block was of no use. */
static int begin_again(struct gather *gather, struct stream *stream, struct error *err)
{
	stream->filled = 0;
	stream->kept = 0;
	stream->position = gather->options->bundle->blocks[stream->next].offset;
	download_free(stream->download);
	stream->download = NULL;
	return ask(gather, stream, err);
}

static int hand_over(struct gather *gather, struct stream *stream, struct error *err)
{
	const struct bundle *bundle = gather->options->bundle;
	const struct bundle_block *block = &bundle->blocks[stream->next];
	uint8_t *bytes = stream->bytes;

	if (stream->kept > 0 && bundle_check_packed(block, bytes, block->length, NULL) < 0)
		return begin_again(gather, stream, err);
	stream->bytes = NULL;
	stream->filled = 0;
	stream->kept = 0;
	stream->next++;
	return taker_put_consume(gather->options->taker, bundle, block, bytes, err);
}

static int count(struct gather *gather, struct stream *stream, size_t n, struct error *err)
{
	stream->position += n;
	gather->done += n;
	return allowance_take(gather->options->watcher,
			      n + download_take_repeated(stream->download), err);
}

static size_t clip(const struct gather *gather, uint64_t size)
{
	return allowance_clip(gather->options->watcher->session, size);
}

/* Bytes between wanted blocks, or behind the last one. > 0: as download_read. */
static int pass_over(struct gather *gather, struct stream *stream, uint64_t size, struct error *err)
{
	char scratch[SCRATCH];
	size_t n;
	int r = download_read(stream->download, scratch,
			      clip(gather, size < sizeof(scratch) ? size : sizeof(scratch)), &n,
			      err);

	return r == 0 ? count(gather, stream, n, err) : r;
}

/* Room for the block, with what is there of it. > 0: DOWNLOAD_PENDING, there is none. */
static int begin_block(struct gather *gather, struct stream *stream, struct error *err)
{
	const struct bundle_block *block = &gather->options->bundle->blocks[stream->next];
	const struct partial *partial = &gather->partials[stream - gather->streams];

	stream->bytes = taker_reserve(gather->options->taker, block->length);
	gather->is_short_of_room |= !stream->bytes;
	if (!stream->bytes)
		return DOWNLOAD_PENDING;
	if (stream->kept > 0 && !partial_read(partial, stream->bytes, stream->kept))
		return begin_again(gather, stream, err);
	stream->filled = stream->kept;
	return 0;
}

static void save(struct gather *gather, const struct stream *stream, bool last)
{
	gather->is_saved |= partial_save(gather->options->watcher->session->dirfd,
					 &gather->partials[stream - gather->streams],
					 &gather->options->bundle->blocks[stream->next],
					 stream->bytes, stream->filled, last);
}

/* > 0: as download_read; DOWNLOAD_PENDING also if there is no room. */
static int fill_block(struct gather *gather, struct stream *stream, struct error *err)
{
	const struct bundle_block *block = &gather->options->bundle->blocks[stream->next];
	size_t n;
	int r = stream->bytes ? 0 : begin_block(gather, stream, err);

	if (r == 0)
		r = download_read(stream->download, stream->bytes + stream->filled,
				  clip(gather, block->length - stream->filled), &n, err);
	if (r != 0)
		return r;
	stream->filled += n;
	r = count(gather, stream, n, err);
	if (stream->filled == block->length) { /* also the last one that the day allowed */
		int put = hand_over(gather, stream, err);

		return r < 0 ? r : put;
	}
	save(gather, stream, r < 0);
	return r;
}

/* The range is through: only its end is left to be heard, so that the connection is kept. */
static int finish(struct stream *stream)
{
	char more;
	size_t n;

	if (stream->is_borrowed)
		return DOWNLOAD_END;
	return download_read(stream->download, &more, 1, &n, NULL) == DOWNLOAD_PENDING ?
		       DOWNLOAD_PENDING :
		       DOWNLOAD_END;
}

static int step(struct gather *gather, struct stream *stream, struct error *err)
{
	uint64_t offset;

	skip_unwanted(gather, stream);
	if (stream->next == stream->end)
		return finish(stream);
	offset = gather->options->bundle->blocks[stream->next].offset;
	if (stream->position < offset)
		return pass_over(gather, stream, offset - stream->position, err);
	return fill_block(gather, stream, err);
}

/* It was a range that the day clipped, and another day has begun, which allows more. */
static int ask_further(struct gather *gather, struct stream *stream, struct error *err)
{
	if (!stream->is_borrowed)
		download_free(stream->download);
	stream->is_borrowed = false;
	stream->download = NULL;
	return ask(gather, stream, err);
}

/* What has come of it. > 0: GATHER_ABSENT, GATHER_NO_RANGE. */
static int pump(struct gather *gather, struct stream *stream, struct error *err)
{
	int r = 0;

	while (r == 0)
		r = step(gather, stream, err);
	switch (r) {
	case DOWNLOAD_PENDING:
		return 0;
	case DOWNLOAD_ABSENT:
		return GATHER_ABSENT;
	case DOWNLOAD_NO_RANGE:
		return GATHER_NO_RANGE;
	case DOWNLOAD_END:
		break;
	default:
		return r;
	}
	if (stream->next < stream->end && stream->position < stream->limit &&
	    download_is_range(stream->download))
		return ask_further(gather, stream, err);
	if (stream->next < stream->end)
		return error_set(err, FAULT_NETWORK, "%s: shorter than the metadata says",
				 gather->options->url);
	stream_end(gather, stream);
	return 0;
}

/* ---- all of them ---- */

static int begin_range(struct gather *gather, struct stream *stream, struct error *err)
{
	const struct span *span = &gather->options->spans->spans[gather->next_span];
	const struct bundle_block *first = &gather->options->bundle->blocks[span->begin];
	int r;

	*stream = (struct stream){
		.next = span->begin,
		.end = span->end,
		.position = span->offset,
		.limit = span->offset + span->length,
	};
	if (first->offset == span->offset)
		stream->kept =
			partial_find(gather->partials, (size_t)(stream - gather->streams), first);
	stream->position += stream->kept;
	r = ask(gather, stream, err);
	if (r < 0)
		return r;
	gather->done += stream->kept;
	gather->next_span++;
	return 0;
}

/* All that is wanted comes by one download, which is at the end of the head. */
static void begin_rest(struct gather *gather)
{
	const struct gather_options *options = gather->options;
	struct spans const *spans = options->spans;

	gather->next_span = spans->n_spans;
	if (spans->n_spans == 0)
		return;
	gather->streams[0] = (struct stream){
		.download = options->rest,
		.is_borrowed = true,
		.end = spans->spans[spans->n_spans - 1].end,
		.position = options->bundle->head_length,
		.limit = options->bundle->length,
	};
}

static int pump_all(struct gather *gather, struct error *err)
{
	int r = 0;

	gather->is_short_of_room = false;
	for (size_t i = 0; i < STREAMS && r == 0; i++) {
		struct stream *stream = &gather->streams[i];

		if (!stream->download && gather->next_span < gather->options->spans->n_spans)
			r = begin_range(gather, stream, err);
		if (r == 0 && stream->download)
			r = pump(gather, stream, err);
	}
	return r;
}

static bool is_through(const struct gather *gather)
{
	for (size_t i = 0; i < STREAMS; i++)
		if (gather->streams[i].download)
			return false;
	return gather->next_span == gather->options->spans->n_spans;
}

static uint64_t wake(const struct gather *gather)
{
	uint64_t now = clock_monotonic_usec();
	uint64_t until = now + LOOK_PERIOD_USEC;

	/* what waits for room may not have been asked for yet: that it would be its turn is no reason to look again at once */
	if (gather->is_short_of_room)
		return now + ROOM_PERIOD_USEC;
	for (size_t i = 0; i < STREAMS; i++) {
		const struct download *download = gather->streams[i].download;

		if (download && download_wake(download) < until)
			until = download_wake(download);
	}
	return until;
}

/* What the taker refused came from there. */
static int check_taker(const struct gather *gather, struct error *err)
{
	struct error why = {};
	int r = taker_check(gather->options->taker, &why);

	if (r == 0)
		return 0;
	if (err)
		*err = why;
	if (why.fault == FAULT_UNTRUSTED || why.fault == FAULT_CORRUPT)
		return error_prefix(err, r, "%s", gather->options->url);
	return r;
}

static int look(const struct gather *gather, struct error *err)
{
	const struct gather_options *options = gather->options;
	int r = check_taker(gather, err);

	if (r == 0)
		r = relay_show(options->relay, err);
	if (r == 0 && (gather->is_saved || taker_count_taken(options->taker) > 0))
		r = watcher_got_on(options->watcher, err);
	if (r < 0 || gather->done == 0)
		return r;
	return watcher_progress(options->watcher, STAGE_FETCH, gather->done, options->spans->bytes,
				err);
}

/* The room may be another stream's, whose bytes are still to come: they are taken in, too. */
static void wait_for_more(const struct gather *gather)
{
	const struct gather_options *options = gather->options;

	if (gather->is_short_of_room && !taker_wait(options->taker, wake(gather)))
		fetcher_dispatch(options->fetcher);
	else
		fetcher_wait(options->fetcher, wake(gather));
}

static int fetch_all(struct gather *gather, struct error *err)
{
	int r;

	while ((r = pump_all(gather, err)) == 0 && !is_through(gather)) {
		r = look(gather, err);
		if (r < 0)
			return r;
		wait_for_more(gather);
	}
	return r;
}

int gather_run(const struct gather_options *options, struct error *err)
{
	_cleanup_(gather_done) struct gather gather = { .options = options };
	int r = taker_put_inlined(options->taker, options->bundle, err);

	partial_load(options->watcher->session->dirfd, gather.partials);
	if (options->rest)
		begin_rest(&gather);
	if (r == 0)
		r = fetch_all(&gather, err);
	/* also after the day's last byte: what has come is taken */
	while ((r == 0 || r == -EDQUOT) &&
	       !taker_wait(options->taker, clock_monotonic_usec() + LOOK_PERIOD_USEC)) {
		int shown = relay_show(options->relay, err);

		if (shown < 0)
			return shown;
	}
	return r == 0 ? check_taker(&gather, err) : r;
}
