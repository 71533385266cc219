/*
 * One fetch on the helper's side: what was asked, how much may be sent, and the frames that answer it.
 * Where the bytes come from (fetch-http, fetch-file) is not its matter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transfer/fetch-class.h"
#include "transfer/pace.h"
#include "transfer/wire.h"

struct fetch_stream {
	int fd; /* where answers go, borrowed; written blocking */
	uint32_t id;
	struct wire_get want;
	char *url; /* owned */
	struct pace_limit *limit; /* of all streams, borrowed */
	uint64_t credit; /* bytes that may be sent yet */
	uint64_t length; /* of the body, or WIRE_UNKNOWN */
	uint64_t sent;
	bool begun; /* HEAD was sent */
	bool ended; /* END was sent: nothing may follow */
	bool held; /* there are bytes, but neither credit nor room under the limit for them */
	bool broken; /* the worker does not read any more: the helper ends */
	struct pace pace;
};

/* The order GET. The first credit goes without saying. -1: no memory, or not of that form. */
int fetch_stream_init(struct fetch_stream *stream, int fd, const struct wire_frame *get,
		      struct pace_limit *limit, uint64_t now);
void fetch_stream_done(struct fetch_stream *stream);

/* The body begins, of that length or WIRE_UNKNOWN. */
void fetch_stream_begin(struct fetch_stream *stream, uint64_t length);

/*
 * May so many bytes be sent now? Otherwise the stream is held. (Those beyond the cap are never sent,
 * and need no credit.)
 */
bool fetch_stream_may_send(struct fetch_stream *stream, size_t size, uint64_t now);

/*
 * Sends them. False: the stream has ended, since that would be more than the cap or than what was
 * announced (then what fits was not sent either), or the worker does not read.
 */
bool fetch_stream_send(struct fetch_stream *stream, const void *data, size_t size);

/* The end, if it has none yet. FETCH_OK with a body shorter than announced is FETCH_TRUNCATED. */
void fetch_stream_end(struct fetch_stream *stream, enum fetch_class class, unsigned int http_status,
		      uint64_t retry_after, const char *why);
