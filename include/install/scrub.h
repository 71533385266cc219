/*
 * Is the slot what its seal says? Reads every byte; follows no link.
 *
 * Compared are kind, owner (who unpacks), mode, size, mtime, content, capabilities, link texts, which
 * names are one file, and that nothing is missing and nothing is there that the seal does not know.
 */
#pragma once

#include "install/seal.h"
#include "release/pieces.h"

/* Called for each difference, in order of path; "." is the slot's own directory. */
typedef void (*scrub_finding)(void *data, const char *path, const char *what);

/*
 * *ret_differences: 0 is an intact slot. finding and progress may be NULL; progress counts bytes read
 * of bytes in all. > 0: SEAL_ABSENT.
 */
int scrub_slot(int dirfd, enum slot slot, scrub_finding finding, pieces_progress progress,
	       void *data, uint64_t *ret_differences, struct error *err);

/*
 * The same for a tree that was just made, without reading what is in its files: all but content and capabilities, and that
 * no file has a name outside of it. index is sorted.
 */
struct scrub_glance {
	int slot_fd;
	int other_fd; /* the other slot: a file may have the same name there; -1: it may not */
	uid_t owner;
	const struct index *index;
	scrub_finding finding;
	void *data;
};

int scrub_tree(const struct scrub_glance *options, uint64_t *ret_differences, struct error *err);
