/*
 * The contents of a tree: its files, grouped by what is in them (digest and size).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "release/index.h"

#define CONTENTS_NONE UINT32_MAX

struct contents; /* borrows the index */

/* index must be sorted, and stay so. */
int contents_new(const struct index *index, struct contents **ret_contents, struct error *err);
void contents_free(struct contents *contents);
CLEANUP_DEFINE(struct contents, contents_free);

size_t contents_count(const struct contents *contents);

/* The content of a file, which is the n-th of the index; CONTENTS_NONE: it is no file. */
uint32_t contents_of(const struct contents *contents, uint32_t n);

/* CONTENTS_NONE: there is none of that digest and size. */
uint32_t contents_find(const struct contents *contents, const struct digest *digest, uint64_t size);

/* The i-th file (rising) that has the content, as a number of the index; CONTENTS_NONE: no more. */
uint32_t contents_file(const struct contents *contents, uint32_t content, uint32_t i);

/* The first file that has the content. */
const struct index_entry *contents_entry(const struct contents *contents, uint32_t content);
