/*
 * Contents in staging/, each under its digest: such as grow block by block, and such as wait for their place in the slot.
 */
#pragma once

#include "install/survey.h"

/* The directory staging/, made if there is none. */
int staged_make_dir(int dirfd, int *ret_fd, struct error *err);

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

/*
 * A content to grow: a new empty file. Or one to go on with, or to read: > 0: STAGED_ABSENT, there is none that is ours
 * alone.
 */
int staged_create(int staging_fd, const struct digest *digest, int *ret_fd, struct error *err);
int staged_open(int staging_fd, const struct digest *digest, int flags, int *ret_fd,
		struct error *err);
