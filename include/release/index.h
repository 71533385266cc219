/*
 * The file index of a release: one entry for each file, directory and link of its tree, sorted by path
 * (bytewise). Its canonical text, one line each, names the content of the release: two trees are the
 * same release if and only if their texts are the same bytes. src/release/index.c owns the format.
 *
 * Times of directories and links are not part of it: they change without the content changing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/text.h"

#define INDEX_MTIME_MAX	     (1LL << 33)
#define INDEX_CAPABILITY_MAX 24 /* bytes of a security.capability attribute */

enum index_type {
	INDEX_DIRECTORY,
	INDEX_FILE,
	INDEX_SYMLINK,
	INDEX_HARDLINK, /* another name of the file `target` */
};

struct index_entry {
	enum index_type type;
	mode_t mode; /* of directories and files: permission bits as they will be on disk */
	int64_t mtime; /* seconds since 1970, 0 to INDEX_MTIME_MAX; in the text for files only */
	uint64_t size; /* of a file's content */
	struct digest digest; /* of a file's content; null: not known yet */
	char *path;
	char *target; /* symlink: its text; hard link: path of the first name; otherwise NULL */
	uint8_t capability[INDEX_CAPABILITY_MAX];
	uint8_t capability_size; /* file: security.capability attribute; 0: none */
	bool linked; /* file: some hard link names it (not in the text) */
};

/* Frees path and target of an entry that is in no index, and owns them. */
void index_entry_done(struct index_entry *entry);
#define _cleanup_index_entry_ _cleanup_(index_entry_done)

struct index; /* owns its entries, and their texts; memory of base/bulk.h */
int index_new(struct index **ret_index, struct error *err);
void index_free(struct index *index);
CLEANUP_DEFINE(struct index, index_free);

/*
 * Adds a copy of entry, or replaces the one with the same path (then pointers to it stay good).
 * *ret_entry (may be NULL) is borrowed.
 */
int index_add(struct index *index, const struct index_entry *entry, struct index_entry **ret_entry,
	      struct error *err);
struct index_entry *index_find(const struct index *index, const char *path);

/* Gives an entry of the index another target, which is copied; NULL: none. */
int index_set_target(struct index *index, struct index_entry *entry, const char *target,
		     struct error *err);
size_t index_count(const struct index *index);

/* The i-th entry in order of path; the order is valid until the next index_add. */
int index_sort(struct index *index,
	       struct error *err); /* before index_at, after the last index_add */
struct index_entry *index_at(const struct index *index, size_t i);

/* Which of them has that path; INDEX_NONE: none. Sorted. */
#define INDEX_NONE UINT32_MAX
uint32_t index_number(const struct index *index, const char *path);

/* The same, looked for first at `guess` and shortly behind it: for paths that come nearly in order. */
uint32_t index_number_near(const struct index *index, const char *path, uint32_t guess);

/* Appends the canonical text. */
int index_write(struct index *index, struct text *text, struct error *err);

/* The canonical text (malloc'ed) and its SHA-256. Each of the ret_ may be NULL. */
int index_encode(struct index *index, char **ret_text, size_t *ret_size, struct digest *ret_digest,
		 struct error *err);

/*
 * The same line by line, without the first: each belongs behind the one before, and ends with a newline. At the end index_complete
 * says whether it is a whole tree; it is sorted then.
 */
int index_add_line(struct index *index, const char *line, size_t size, struct error *err);
int index_complete(struct index *index, struct error *err);

/* Only the canonical text of a whole tree (treecheck.h) is taken; the rest is FAULT_CORRUPT. */
int index_decode(const char *text, size_t size, struct index **ret_index, struct error *err);
