/*
 * New files of a slot: each is filled while it has no name there, and gets one when it is complete; what is short is verified
 * in memory first, and written under its name.
 *
 * O_TMPFILE where the file system can, else a file in staging/ that is linked from there. No name
 * is trusted: openat2 beneath, no symlinks, no mounts. Nothing that exists is opened for writing.
 */
#pragma once

#include "base/digest.h"
#include "release/index.h"

#define PLACE_TEMPORARY	    "new-" /* and the digest: a name in staging/ */
#define PLACE_TEMPORARY_MAX (sizeof(PLACE_TEMPORARY) + DIGEST_HEX_MAX)

struct place; /* for one thread */

/* Both descriptors are borrowed. */
int place_new(int slot_fd, int staging_fd, struct place **ret_place, struct error *err);
void place_free(struct place *place);
CLEANUP_DEFINE(struct place, place_free);

struct place_file {
	int fd; /* for reading and writing */
	int staging_fd;
	char temporary[PLACE_TEMPORARY_MAX]; /* its name in staging/; empty: none */
};

void place_file_done(const struct place_file *file);

/* A new file, that will lie where the entry says. One at a time of each content. */
int place_create(struct place *place, const struct index_entry *entry, struct place_file *ret_file,
		 struct error *err);

/* The name of the file in staging/, where one is needed. */
char *place_temporary_name(const struct digest *digest, char ret_name[static PLACE_TEMPORARY_MAX]);

/* Gives it its attributes and the name. What has that name already is FAULT_BUSY. */
int place_name(struct place *place, const struct place_file *file, const struct index_entry *entry,
	       struct error *err);

/*
 * The file of the entry, under its name at once: the caller has verified the bytes. If that fails, there is none; a crash may leave
 * one with less in it, as it may of any file that is not synced yet. What has that name already is FAULT_BUSY.
 */
int place_bytes(struct place *place, const struct index_entry *entry, const void *bytes,
		size_t size, struct error *err);

/* Gives the file `name` of staging/, open as fd, its attributes and the name, and takes it out of staging/. */
int place_move(struct place *place, int fd, const char *name, const struct index_entry *entry,
	       struct error *err);

/* The file fd of the other slot gets a second name here, as the entry. > 0: PLACE_NO_LINK, it can have no more. */
enum { PLACE_NO_LINK = 10 };
int place_second(struct place *place, int fd, const struct index_entry *entry, struct error *err);

/* The symbolic or hard link of that entry. > 0: PLACE_THERE, something has that name already. */
enum { PLACE_THERE = 1 };
int place_link(struct place *place, const struct index_entry *entry, struct error *err);
