/*
 * A folder for what is needed while something is made: DIR/.flipslot-work, with files, and folders of files. It is emptied when it
 * is opened and removed when it is closed; what an interrupted publisher left goes with the next one (workroom_clear).
 */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"

struct workroom {
	int parent; /* borrowed */
	int dirfd; /* owned */
};

#define WORKROOM_NONE ((struct workroom){ .parent = -1, .dirfd = -1 })

int workroom_open(int dirfd, struct workroom *ret_workroom, struct error *err);
void workroom_close(struct workroom *workroom);
#define _cleanup_workroom_ _cleanup_(workroom_close)

/* What is there of an earlier one; nothing is fine. */
int workroom_clear(int dirfd, struct error *err);

/* A new file, without a name: gone when its last descriptor is. */
int workroom_file(const struct workroom *workroom, int *ret_fd, struct error *err);

/* A new folder of that name, in the place of one of that name. */
int workroom_folder(const struct workroom *workroom, const char *name, int *ret_fd,
		    struct error *err);
void workroom_remove(const struct workroom *workroom, const char *name);
