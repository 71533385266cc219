/*
 * Contents in staging/, each under its digest: such as grow block by block, and such as wait for their place in the slot.
 */
#pragma once

#include <sys/stat.h>

#include "install/survey.h"

/* The directory staging/, made if there is none. */
int staged_make_dir(int dirfd, int *ret_fd, struct error *err);

/*
 * Removes what flipslot did not put there, whatever it is, and staging/ itself if it is no directory, whose name is "." then; what it leads to
 * is not touched. Before anything else is done in it.
 */
typedef void (*staged_removed)(void *data, const char *name);
int staged_sort_out(int dirfd, staged_removed removed, void *data, struct error *err);

/* > 0: STAGED_ABSENT. */
enum { STAGED_ABSENT = 1 };
int staged_open_dir(int dirfd, int *ret_fd, struct error *err);

/*
 * Removes temporary files, and contents for which the survey has no use (NULL: all). What is not ours, by its name, is left
 * alone.
 */
int staged_tidy(int staging_fd, const struct survey *survey, struct error *err);

/* Gives a stray a second name here. > 0: STAGED_ABSENT, it is not there any more, or not as it was. */
int staged_adopt(int staging_fd, int slot_fd, const struct survey_stray *stray, struct error *err);

/* Was it not written to since? */
bool staged_is_as_found(const struct stat *st, const struct survey_stray *stray);

/*
 * A content to grow: a new empty file. Or one to go on with, or to read: > 0: STAGED_ABSENT, there is none that is ours
 * alone.
 */
int staged_create(int staging_fd, const struct digest *digest, int *ret_fd, struct error *err);
int staged_open(int staging_fd, const struct digest *digest, int flags, int *ret_fd,
		struct error *err);

/* FAULT_BUSY: what lies there for the file of that path is not what flipslot put there. */
int staged_complain_of_others(const char *path, struct error *err);
