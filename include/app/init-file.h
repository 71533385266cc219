/*
 * A file that init wants to be there with a certain text. Private to app/init*.
 */
#pragma once

#include <stdio.h>

#include "base/text.h"

enum init_file_found {
	INIT_FILE_ABSENT,
	INIT_FILE_SAME,
	INIT_FILE_OTHER, /* it says something else */
};

struct init_file {
	char *dir; /* absolute */
	char *name;
	char *path; /* both */
	char *old; /* what it says now; NULL: it is not there */
	struct text text; /* what it shall say */
	enum init_file_found found;
};

void init_file_done(struct init_file *file);
#define _cleanup_init_file_ _cleanup_(init_file_done)

/*
 * file is all zero. Sets the names, and reads what is there; init_file_read does both. FAULT_CONFIG: something that is no
 * regular file.
 */
int init_file_name(struct init_file *file, const char *dir, const char *name, struct error *err);
int init_file_load(struct init_file *file, struct error *err);
int init_file_read(struct init_file *file, const char *dir, const char *name, struct error *err);

/* Compares text with what is there. FAULT_CONFIG: it says something else, and force is not given. */
int init_file_compare(struct init_file *file, bool force, struct error *err);

/* Writes it, mode 0644, with the directories above it that are missing; does nothing if it is the same. */
int init_file_write(const struct init_file *file, struct error *err);

/* Makes it what it was when it was read: written back, or removed. */
int init_file_restore(const struct init_file *file, struct error *err);

/* Tells `out` what happened, with the text behind four blanks; without comments if `brief`. */
void init_file_show(const struct init_file *file, bool dry_run, bool brief, FILE *out);

/* Makes the directories of an absolute path that are missing, durably, with mode 0755; *ret_fd is the last one. */
int init_file_make_dir(const char *path, int *ret_fd, struct error *err);
