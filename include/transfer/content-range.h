/*
 * The header Content-Range of an answer 206 (RFC 9110, section 14.4), for one range of bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct content_range {
	uint64_t first, last; /* inclusive; first ≤ last */
	uint64_t total; /* > last, or UINT64_MAX: not known ("*") */
};

/* The value "bytes 0-499/1234", blanks around it allowed, and nothing else. */
bool content_range_parse(const char *value, size_t size, struct content_range *ret_range);

/* Exactly the bytes that were asked for? */
bool content_range_is(const struct content_range *range, uint64_t first, uint64_t length);
