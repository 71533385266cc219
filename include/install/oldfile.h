/*
 * A file of the running slot that patches refer to, mapped. What is made of it is verified, so that it is read once; whether
 * it is what it should be is only asked when that is not.
 *
 * Mapped and not copied: a copy would cost as many bytes of disk and of writing as the largest file has, each time. What
 * that leaves to fear, a file that is cut short while it is mapped, or that the disk cannot read, is a SIGBUS; it is
 * caught: zeroes take the place of what cannot be read, and the file is found to differ.
 */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "release/index.h"

struct oldfile; /* one at a time in a process */

/*
 * entry is what the file should be. > 0: OLDFILE_DIFFERS, already in its kind or size (*ret_why says how, static), or
 * OLDFILE_TOO_LARGE for the address space of this process.
 */
enum { OLDFILE_DIFFERS = 1, OLDFILE_TOO_LARGE = 2 };
int oldfile_new(int slot_fd, const struct index_entry *entry, struct oldfile **ret_file,
		const char **ret_why, struct error *err);
void oldfile_free(struct oldfile *file);
CLEANUP_DEFINE(struct oldfile, oldfile_free);

/* Reads all of it. > 0: OLDFILE_DIFFERS. */
int oldfile_verify(const struct oldfile *file, const struct index_entry *entry,
		   const char **ret_why, struct error *err);

/* Valid until oldfile_free; for reading only. An empty file has a pointer too. */
const void *oldfile_bytes(const struct oldfile *file);
size_t oldfile_size(const struct oldfile *file);

/* Was all of it there whenever it was read? If not, what was made of it is of no use. */
bool oldfile_is_whole(const struct oldfile *file);
