/*
 * One line of an index's text (src/release/index.c draws the format).
 */
#pragma once

#include "base/text.h"
#include "release/index.h"

/* Appends the line of the entry, newline included. */
void line_add(struct text *text, const struct index_entry *entry);

/*
 * Parses a line of `size` bytes, newline included. Only what line_add would write for the entry is
 * taken; the rest is FAULT_CORRUPT. *ret_entry is the caller's (index_entry_done).
 */
int line_parse(const char *line, size_t size, struct index_entry *ret_entry, struct error *err);

/* Where the digest of a file's line begins; NULL: it has none, as what is no file. */
const char *line_find_digest(const char *line, size_t size);
