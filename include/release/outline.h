/*
 * The text of an index as a bundle with a base carries it: without its first line, and, instead of the digest of a file, where its
 * content is from. What is alike in the index of the base costs nothing then.
 */
#pragma once

#include "base/text.h"
#include "release/index.h"

enum outline_kind {
	OUTLINE_GIVEN, /* the digest stands there; also what is no file */
	OUTLINE_SAME, /* "=": of the file of the base that outline_base tells */
	OUTLINE_BASE, /* "@N": of the N-th entry of the base */
	OUTLINE_OWN, /* "-": of no file of the base */
	OUTLINE_TWIN, /* "#N": what the N-th entry of this index has, which stands before */
};

struct outline_mark {
	enum outline_kind kind;
	uint32_t number; /* of "@" and "#" */
};

/* Appends the lines of a sorted index. marks: one for each entry; NULL: all are OUTLINE_SAME. */
int outline_write(const struct index *index, const struct outline_mark *marks, struct text *text,
		  struct error *err);

/*
 * Reads them. The digest of a file is null where it is not given. *ret_index is sorted; *ret_marks (base/bulk.h) has one for each
 * entry. What outline_write would not write is FAULT_CORRUPT.
 */
int outline_read(const char *text, size_t size, struct index **ret_index,
		 struct outline_mark **ret_marks, struct error *err);

/*
 * Which file of the base "=" means: the one of the same path; or, if there is none, the first one from *cursor on. *cursor, 0 at
 * first, goes behind it. INDEX_NONE: none.
 */
uint32_t outline_base(const struct index *base, const char *path, uint32_t *cursor);
