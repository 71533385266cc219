/*
 * A struct as text and back, by a table: one line "key=value\n" for each member that differs from its
 * default (empty, zero, no, no digest, no slot, none). Newline and backslash in a text are written as
 * \n and \\.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

enum field_kind {
	FIELD_TEXT, /* char[] */
	FIELD_U64, /* uint64_t */
	FIELD_UINT, /* unsigned int */
	FIELD_BOOL, /* bool, as yes */
	FIELD_DIGEST, /* struct digest */
	FIELD_SLOT, /* enum slot */
	FIELD_PHASE, /* enum phase; always written */
	FIELD_VERB, /* enum verb */
	FIELD_OUTCOME, /* enum outcome */
	FIELD_FAULT, /* enum fault */
};

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	size_t size;
	/* A text that may be cut to `keep` bytes when all do not fit: 1 first, 2 next; 0: never. */
	unsigned int cut;
	size_t keep;
};

#define FIELD(type, kind, key, member)                                                   \
	{                                                                                \
		(key), (kind), offsetof(type, member), sizeof(((type *)0)->member), 0, 0 \
	}
#define FIELD_CUT(type, key, member, cut, keep)                                                \
	{                                                                                      \
		(key), FIELD_TEXT, offsetof(type, member), sizeof(((type *)0)->member), (cut), \
			(keep)                                                                 \
	}

#define FIELDS_MAX 128 /* in a table */

/* *ret_text is malloc'ed and has at most `room` bytes, or FAULT_NO_SPACE. */
int fields_write(const struct field *fields, size_t n, const void *object, size_t room,
		 char **ret_text, struct error *err);

/*
 * Sets every member of the table, to its default if the text has no such key. Keys that the table
 * does not know are passed over (a newer flipslot wrote them). FAULT_CORRUPT: a line that is none, a
 * key twice, a value that is not of its kind or too large. ret_object is undefined then.
 */
int fields_read(const struct field *fields, size_t n, const char *text, void *ret_object,
		struct error *err);
