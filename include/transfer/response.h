/*
 * What a server's header says, line by line as libcurl hands it over, and whether it is the answer to
 * what was asked. The bytes are hostile: nothing is kept but numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transfer/content-range.h"
#include "transfer/fetch-class.h"

#define RESPONSE_HEADER_MAX  (128 * 1024) /* bytes of all header lines of one fetch */
#define RESPONSE_WHY_MAX     128
#define RESPONSE_PROXY_LOGIN "the proxy wants a name and a password, in [Source] Proxy="

struct response {
	unsigned int status; /* 0: no status line yet */
	uint64_t length; /* Content-Length, or UINT64_MAX */
	bool chunked; /* Transfer-Encoding: chunked, and nothing else */
	bool encoded; /* a Content-Encoding or Transfer-Encoding that we did not ask for */
	bool confused; /* lengths or ranges that contradict each other */
	bool has_range; /* Content-Range, of the form that it should have */
	struct content_range range;
	uint32_t retry_after; /* seconds, 0: not said */
	size_t header_bytes;
};

void response_init(struct response *response);

/*
 * One header line (a status line forgets the answer before: redirects, 1xx). now: for dates in
 * Retry-After. False: there are too many.
 */
bool response_line(struct response *response, const char *line, size_t size,
		   uint64_t now_realtime_usec);

/*
 * The header is complete. range_length 0: the whole file was asked for, of at most cap bytes. FETCH_OK:
 * the body is what was asked for, *ret_length its size or UINT64_MAX. Otherwise ret_why says why not
 * (and *ret_length may have changed).
 * A redirect is FETCH_STATUS here.
 */
enum fetch_class response_judge(const struct response *response, uint64_t range_first,
				uint64_t range_length, uint64_t cap, uint64_t *ret_length,
				char ret_why[static RESPONSE_WHY_MAX]);
