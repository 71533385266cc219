/*
 * A growing text, and making text safe to show.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct text {
	char *data; /* NUL-terminated once anything was added; NULL before */
	size_t size; /* without the NUL */
	size_t room;
	bool failed; /* no memory: everything after that is ignored */
	bool bulk; /* data is of base/bulk.h: it is long */
};

/* Starts as `struct text t = {}`. Adding never fails at once; text_check() tells at the end. */
void text_done(struct text *text);
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *text, const void *data, size_t size);
/* Room for `more` bytes behind what there is, of which the caller then counts what it has filled in size; NULL: no memory. */
char *text_room(struct text *text, size_t more);
/* Back to what it was when it had `size` bytes. */
void text_cut(struct text *text, size_t size);
int text_check(const struct text *text, struct error *err);
char *text_take(struct text *text); /* the caller's; "" if nothing was added; NULL without memory */
#define _cleanup_text_ _cleanup_(text_done)

/*
 * The length in bytes (1 to 4) of the valid UTF-8 sequence (RFC 3629) that the bytes begin with,
 * and its code point; 0 if there is none. *ret_point may be NULL.
 */
size_t text_utf8_char(const char *bytes, size_t size, uint32_t *ret_point);

/* The largest n ≤ max and ≤ strlen(text) at which a cut leaves no UTF-8 sequence in two. */
size_t text_cut_point(const char *text, size_t max);

/* Copies what fits of text into room (≥ 1) bytes, cut between characters. Returns ret_text. */
char *text_copy(const char *text, char *ret_text, size_t room);

/* The same, but cut between words, with "…" behind, so that a person sees it. */
char *text_clip(const char *text, char *ret_text, size_t room);

/* Takes "user:password@" out of each URL. Returns text. */
char *text_hide_logins(char *text);

/* text_clip() of what printf would make. */
char *text_print(char *ret_text, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same behind what stands in `text`; room is that of all of it. */
void text_append(char *text, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Escapes bytes that are not printable (ASCII or valid UTF-8; what turns the direction of writing
 * around is not printable either), and backslash, as \xHH, into ret_text of room (≥ 1) bytes; cut
 * with "…" when it does not fit. For names from archives and servers in messages. Returns ret_text.
 */
char *text_escape(const char *bytes, size_t size, char *ret_text, size_t room);

/*
 * Fields "key=value\n": text_add_field writes newline and backslash in values as \n and \\.
 * text_get_field gives the value of the first `key` in the NUL-terminated text `fields`; false if
 * it is not there, has another escape or is too long for room.
 */
bool text_get_field(const char *fields, const char *key, char *ret_value, size_t room);
void text_add_field(struct text *text, const char *key, const char *value);
