#include "transfer/fetch-stream.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "transfer/inbox.h"

#define DATA_MAX (WIRE_ANSWER_MAX - sizeof(struct wire_header))

int fetch_stream_init(struct fetch_stream *stream, int fd, const struct wire_frame *get,
		      struct pace_limit *limit, uint64_t now)
{
	size_t size;

	*stream = (struct fetch_stream){
		.fd = fd,
		.id = get->id,
		.limit = limit,
		.credit = INBOX_WINDOW,
		.length = WIRE_UNKNOWN,
	};
	if (get->size <= sizeof(stream->want))
		return -1;
	size = get->size - sizeof(stream->want);
	stream->url = malloc(size + 1);
	if (!stream->url)
		return -1;
	memcpy(&stream->want, get->payload, sizeof(stream->want));
	memcpy(stream->url, (const char *)get->payload + sizeof(stream->want), size);
	stream->url[size] = '\0';
	pace_reset(&stream->pace, now);
	return 0;
}

void fetch_stream_done(struct fetch_stream *stream)
{
	free(stream->url);
	*stream = (struct fetch_stream){};
}

static void answer(struct fetch_stream *stream, enum wire_type type, const void *payload,
		   size_t size, const void *more, size_t more_size)
{
	if (wire_write(stream->fd, type, stream->id, payload, size, more, more_size) < 0)
		stream->broken = true;
}

void fetch_stream_begin(struct fetch_stream *stream, uint64_t length)
{
	struct wire_head head = { .length = length };

	assert(!stream->begun && !stream->ended);
	stream->begun = true;
	stream->length = length;
	answer(stream, WIRE_HEAD, &head, sizeof(head), NULL, 0);
}

static uint64_t left(const struct fetch_stream *stream)
{
	uint64_t most = stream->length != WIRE_UNKNOWN ? stream->length : stream->want.cap;

	return most - stream->sent;
}

bool fetch_stream_may_send(struct fetch_stream *stream, size_t size, uint64_t now)
{
	stream->held = size <= left(stream) &&
		       (stream->credit < size || pace_limit_wait(stream->limit, now) > 0);
	return !stream->held;
}

static bool end_too_long(struct fetch_stream *stream)
{
	char why[FETCH_TEXT_MAX];

	(void)snprintf(why, sizeof(why), "longer than %" PRIu64 " bytes",
		       stream->sent + left(stream));
	fetch_stream_end(stream, FETCH_TOO_LONG, 0, 0, why);
	return false;
}

bool fetch_stream_send(struct fetch_stream *stream, const void *data, size_t size)
{
	const char *at = data;

	assert(stream->begun && !stream->ended);
	if (size > left(stream))
		return end_too_long(stream);
	assert(size <= stream->credit);
	stream->credit -= size;
	stream->sent += size;
	pace_limit_take(stream->limit, size);
	pace_count(&stream->pace, size);
	while (size > 0) {
		size_t n = size < DATA_MAX ? size : DATA_MAX;

		answer(stream, WIRE_DATA, at, n, NULL, 0);
		at += n;
		size -= n;
	}
	return !stream->broken;
}

void fetch_stream_end(struct fetch_stream *stream, enum fetch_class class, unsigned int http_status,
		      uint64_t retry_after, const char *why)
{
	struct wire_end end = { class, http_status, retry_after };
	char text[WIRE_TEXT_MAX];

	if (stream->ended)
		return;
	(void)text_copy(why, text, sizeof(text));
	if (class == FETCH_OK && stream->length != WIRE_UNKNOWN && stream->sent < stream->length) {
		end.class = FETCH_TRUNCATED;
		(void)snprintf(text, sizeof(text),
			       "it ended after %" PRIu64 " of %" PRIu64 " bytes", stream->sent,
			       stream->length);
	}
	stream->ended = true;
	answer(stream, WIRE_END, &end, sizeof(end), text, strlen(text));
}
