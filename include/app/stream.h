/*
 * The event stream of an app: PARENT/APP/events, one JSON line per event (app/event-line), for whoever wants
 * to follow. Written by the worker alone, readable by everybody. It may lose what is old: a file that
 * has reached STREAM_MAX is unlinked and begun anew. The truth is the state record, never the stream.
 */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"

#define STREAM_FILE "events"
#define STREAM_MAX  (1024 * 1024) /* bytes */

struct stream;

/*
 * Makes the directories `parent` and parent/app (0755) if they are missing; refuses those that somebody
 * else owns or may write. What an earlier worker wrote is kept.
 */
int stream_new(const char *parent, const char *app, struct stream **ret_stream, struct error *err);
void stream_free(struct stream *stream);
CLEANUP_DEFINE(struct stream, stream_free);

/* line ends with a newline. */
int stream_write(struct stream *stream, const char *line, struct error *err);
