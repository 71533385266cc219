/*
 * What the tests of install share: an app's directory inside a directory of the test's own, archives made
 * by other programs, and options that let ordinary things pass.
 */
#pragma once

#include "../release/shell.h"

#include "base/fd.h"
#include "install/scrub.h"
#include "install/stage.h"
#include "store/layout.h"

static const struct stage_options app_options = {
	.archive = {
		.max_bytes = 1ULL << 30,
		.max_files = 100000,
		.max_depth = 32,
		.max_ratio = 200,
	},
	.max_archive_bytes = 1ULL << 30,
};

/* The directory `name` in dirfd with the layout of an app. */
UNUSED static int app_make(int dirfd, const char *name)
{
	int fd;

	assert_true(mkdirat(dirfd, name, 0755) == 0 || errno == EEXIST);
	assert_int_equal(fd_open_dir(dirfd, name, &fd, NULL), 0);
	assert_int_equal(layout_create(fd, NULL), 0);
	return fd;
}

UNUSED static struct descriptor app_descriptor(void)
{
	return (struct descriptor){ .app = "app", .version = "1", .origin = ORIGIN_TRUST_ME };
}

/* Stages the archive of that name from the same directory. */
UNUSED static int app_stage(int appfd, int dirfd, const char *name,
			    const struct stage_options *options, struct error *err)
{
	_cleanup_close_ int fd = shell_open(dirfd, name);
	struct descriptor descriptor = app_descriptor();

	return stage_archive(appfd, SLOT_A, fd, options, NULL, &descriptor, err);
}

UNUSED static void app_print(void *data, const char *path, const char *what)
{
	print_error("%s: %s\n", path, what);
}

/* How the slot differs from its seal. */
UNUSED static uint64_t app_differences(int appfd, enum slot slot)
{
	uint64_t differences = 0;

	assert_int_equal(scrub_slot(appfd, slot, app_print, NULL, NULL, &differences, NULL), 0);
	return differences;
}

UNUSED static bool app_is_sealed(int appfd, enum slot slot)
{
	struct descriptor descriptor;
	int r = seal_peek(appfd, slot, &descriptor, NULL);

	assert_true(r == 0 || r == SEAL_ABSENT);
	return r == 0;
}
