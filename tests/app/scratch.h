/*
 * A scratch directory laid out like a machine: etc, vendor and state below `top`, which is what
 * config_places wants.
 */
#pragma once

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include "app/config.h"
#include "base/cleanup.h"

struct scratch {
	char *top;
	char *etc;
	char *vendor;
	char *state;
	struct config_places places;
};

/* Below top; the caller's. */
__attribute__((format(printf, 2, 3))) static inline char *
scratch_path(const struct scratch *scratch, const char *format, ...)
{
	_cleanup_free_ char *tail = NULL;
	char *path = NULL;
	va_list ap;

	va_start(ap, format);
	assert_true(vasprintf(&tail, format, ap) >= 0);
	va_end(ap);
	assert_true(asprintf(&path, "%s/%s", scratch->top, tail) >= 0);
	return path;
}

/* Makes the directories of a path below top. */
static inline void scratch_mkdir(const struct scratch *scratch, const char *name)
{
	_cleanup_free_ char *path = scratch_path(scratch, "%s/", name);

	for (char *at = path + strlen(scratch->top) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*at = '/';
	}
}

static inline void scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
	_cleanup_free_ char *path = scratch_path(scratch, "%s", name);
	_cleanup_free_ char *dir = strdup(name);
	_cleanup_fclose_ FILE *f = NULL;

	assert_non_null(dir);
	if (strrchr(dir, '/')) {
		*strrchr(dir, '/') = '\0';
		scratch_mkdir(scratch, dir);
	}
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fchmod(fileno(f), 0644), 0);
}

/* The content of a file; the caller's; NULL: it is not there. */
static inline char *scratch_read(const struct scratch *scratch, const char *name)
{
	_cleanup_free_ char *path = scratch_path(scratch, "%s", name);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (!f)
		return NULL;
	text = malloc(1 << 17);
	assert_non_null(text);
	n = fread(text, 1, (1 << 17) - 1, f);
	text[n] = '\0';
	return text;
}

static inline bool scratch_exists(const struct scratch *scratch, const char *name)
{
	_cleanup_free_ char *path = scratch_path(scratch, "%s", name);
	struct stat st;

	return lstat(path, &st) == 0;
}

static inline int scratch_setup(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	assert_non_null(scratch);
	scratch->top = strdup("/tmp/test-app.XXXXXX");
	assert_non_null(scratch->top);
	assert_non_null(mkdtemp(scratch->top));
	scratch->etc = scratch_path(scratch, "etc/flipslot");
	scratch->vendor = scratch_path(scratch, "lib/flipslot");
	scratch->state = scratch_path(scratch, "var/lib/flipslot");
	scratch_mkdir(scratch, "etc/flipslot");
	scratch_mkdir(scratch, "lib/flipslot");
	scratch_mkdir(scratch, "var/lib/flipslot");
	scratch->places = (struct config_places){ .etc = scratch->etc,
						  .vendor = scratch->vendor,
						  .state = scratch->state,
						  .top = scratch->top };
	*state = scratch;
	return 0;
}

static inline int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline int scratch_teardown(void **state)
{
	struct scratch *scratch = *state;

	assert_int_equal(nftw(scratch->top, scratch_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(scratch->top);
	free(scratch->etc);
	free(scratch->vendor);
	free(scratch->state);
	free(scratch);
	return 0;
}

#define scratch_test(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
