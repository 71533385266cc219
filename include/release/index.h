/*
 * The file index of a release: one entry for each file, directory and link of its tree, sorted by path
 * (bytewise). Its canonical text, one line each, names the content of the release:
 *
 *     d <mode> <path>\n                                  directory
 *     f <mode> <mtime> <size> <sha256 hex> <path>\n       file (and the first name of a hard link)
 *     h <path of the first name>\0?                       see release/index.c, which owns the format
 *     l <target> …
 *
 * Paths are relative, without "." or ".." or empty parts, bytes escaped as text_escape does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"

enum index_type {
	INDEX_DIRECTORY,
	INDEX_FILE,
	INDEX_SYMLINK,
	INDEX_HARDLINK, /* another name of the file `target` */
};

struct index_entry {
	enum index_type type;
	mode_t mode;   /* permission bits as they will be on disk */
	int64_t mtime; /* seconds since 1970 */
	uint64_t size; /* of the file's content */
	struct digest digest;
	char *path;
	char *target; /* symlink: its text; hard link: path of the first name; otherwise NULL */
	void *capability; /* security.capability xattr or NULL */
	size_t capability_size;
};

struct index; /* owns its entries */
int index_new(struct index **ret_index, struct error *err);
void index_free(struct index *index);
CLEANUP_DEFINE(struct index, index_free);

/* Adds a copy of entry (or replaces the one with the same path); *ret_entry (may be NULL) is borrowed. */
int index_add(struct index *index, const struct index_entry *entry, struct index_entry **ret_entry,
	      struct error *err);
struct index_entry *index_find(struct index *index, const char *path);
size_t index_count(const struct index *index);

/* The i-th entry in order of path; the order is valid until the next index_add. */
const struct index_entry *index_at(struct index *index, size_t i);

/*
 * Checks the tree as a whole: every parent is a directory (missing parents are added with 0755), no
 * entry lies below a file or link, hard links name files of the tree, and no symlink leaves the tree,
 * resolved part by part through the tree's own links (at most 40 hops; one that dangles inside is fine).
 * FAULT_CORRUPT names the entry.
 */
int index_check(struct index *index, struct error *err);

/* The canonical text (malloc'ed) and its SHA-256. */
int index_encode(struct index *index, char **ret_text, size_t *ret_size, struct digest *ret_digest,
		 struct error *err);
int index_decode(const char *text, size_t size, struct index **ret_index, struct error *err);
