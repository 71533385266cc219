/*
 * HTTP by libcurl, for the fetch helper: all streams over one pool of connections that are kept alive.
 *
 * No cookies, no variables of the environment, no netrc, no compression, no HTTP/0.9; TLS 1.2 at least.
 * Redirects are followed here, not by libcurl: at most settings->redirects, never from https to
 * http; user, password and client certificate go to the origin that was asked and to no other.
 */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "transfer/fetch-settings.h"
#include "transfer/fetch-stream.h"

struct fetch_http;
struct fetch_http_job; /* one stream's */

/*
 * Reads the files that the settings name: before the process gives its rights away, and it then keeps
 * them in memory. FAULT_CONFIG names the one that cannot be read.
 */
int fetch_http_new(const struct fetch_settings *settings, struct fetch_http **ret_http,
		   struct error *err);
void fetch_http_free(struct fetch_http *http);
CLEANUP_DEFINE(struct fetch_http, fetch_http_free);

/*
 * Begins; the stream is borrowed until fetch_http_drop, and will have ended some time after. NULL: it
 * has ended already (a malformed URL, no memory).
 */
struct fetch_http_job *fetch_http_begin(struct fetch_http *http, struct fetch_stream *stream);
void fetch_http_drop(struct fetch_http *http, struct fetch_http_job *job);

/* The stream was held and may be so no more: tries again. */
void fetch_http_resume(struct fetch_http_job *job);

/* Does what can be done now, then waits until there is more, the descriptor is readable, or msec. */
void fetch_http_work(struct fetch_http *http);
void fetch_http_wait(struct fetch_http *http, int fd, int msec);
