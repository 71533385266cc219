/*
 * How a fetch ended: the closed list that decides what is tried again and what the worker does next.
 */
#pragma once

#include <stdint.h>

enum fetch_class {
	FETCH_OK,
	FETCH_ABSENT, /* HTTP 404, 403 or 410; file://: there is no such file */
	FETCH_STATUS, /* another HTTP status that is not what was asked for */
	FETCH_NO_RANGE, /* a range was asked for; the server has no ranges, or gave another one */
	FETCH_TOO_LONG, /* more bytes than the cap */
	FETCH_TRUNCATED, /* fewer bytes than were announced or asked for */
	FETCH_RESOLVE, /* the host's (or proxy's) name has no address */
	FETCH_CONNECT, /* no connection to the host (or proxy) */
	FETCH_RESET, /* the connection broke */
	FETCH_TIMEOUT, /* the deadline has passed */
	FETCH_SLOW, /* slower than the lower limit */
	FETCH_TLS, /* no TLS with that host: its certificate, or ours */
	FETCH_REDIRECT, /* sent to where we do not go */
	FETCH_ENCODED, /* compressed on the way, though that was not asked for */
	FETCH_PROTOCOL, /* not HTTP as it should be */
	FETCH_LOCAL, /* file://: it may not be read, or reading failed */
	FETCH_CONFIG, /* the URL cannot be fetched, or a setting is of no use */
	FETCH_HELPER, /* the fetch helper died, or answered what cannot be */
	FETCH_CANCELLED,
	FETCH_CLASS_MAX,
};

/* "ok", "absent", … as in the journal. */
const char *fetch_class_name(enum fetch_class class);

#define FETCH_TEXT_MAX 256

struct fetch_result {
	enum fetch_class class;
	unsigned int http_status; /* 0: none was received */
	uint64_t bytes; /* of the body that were received */
	uint64_t retry_after_usec; /* Retry-After; 0: not said */
	char text[FETCH_TEXT_MAX]; /* why not FETCH_OK, printable: "HTTP 503"; "" for FETCH_OK */
};
