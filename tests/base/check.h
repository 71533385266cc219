/*
 * What the tests of base and store share: cmocka, random numbers that come again with CHECK_SEED=, and
 * a directory of the test's own.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#define UNUSED __attribute__((unused))

static uint64_t check_state;

/* xorshift64*, seeded once by the clock or CHECK_SEED=, which is printed. */
UNUSED static uint64_t check_random(void)
{
	if (check_state == 0) {
		const char *seed = getenv("CHECK_SEED");

		check_state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
		print_message("CHECK_SEED=%" PRIu64 "\n", check_state);
	}
	check_state ^= check_state >> 12;
	check_state ^= check_state << 25;
	check_state ^= check_state >> 27;
	return check_state * 0x2545f4914f6cdd1d;
}

UNUSED static size_t check_below(size_t n)
{
	return (size_t)(check_random() % n);
}

/* A random text of 0 to room - 1 bytes out of these characters. */
UNUSED static void check_text(char *ret_text, size_t room, const char *characters)
{
	size_t n = check_below(room);

	for (size_t i = 0; i < n; i++)
		ret_text[i] = characters[check_below(strlen(characters))];
	ret_text[n] = '\0';
}

/* Holds: it failed, with this fault, and the text says that word. */
#define check_error(r, err, wanted_fault, word)                                          \
	do {                                                                             \
		assert_true((r) < 0);                                                    \
		assert_string_equal(fault_name((err)->fault), fault_name(wanted_fault)); \
		if (!strstr((err)->text, (word)))                                        \
			fail_msg("\"%s\" does not say \"%s\"", (err)->text, (word));     \
	} while (0)

static char check_path[64];
static int check_fd;
static size_t check_descriptors; /* that are open */

/* Bytes of memory that are the process's own, as the kernel counts them. */
UNUSED static size_t check_own_bytes(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	size_t kib = 0;

	assert_non_null(status);
	while (fgets(line, sizeof(line), status))
		if (strncmp(line, "RssAnon:", strlen("RssAnon:")) == 0)
			kib = strtoul(line + strlen("RssAnon:"), NULL, 10);
	(void)fclose(status);
	return kib * 1024;
}

/* How many names are in the directory. */
UNUSED static size_t check_count(int dirfd)
{
	DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n - 2; /* . and .. */
}

static size_t check_count_descriptors(void)
{
	int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n = check_count(fd);

	(void)close(fd);
	return n;
}

/* cmocka setup: a new directory, whose descriptor is check_dirfd(state); teardown removes it. */
UNUSED static int check_setup(void **state)
{
	(void)snprintf(check_path, sizeof(check_path), "/tmp/flipslot-check-XXXXXX");
	if (!mkdtemp(check_path))
		return -1;
	check_fd = open(check_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &check_fd;
	check_descriptors = check_count_descriptors();
	return check_fd < 0 ? -1 : 0;
}

static int check_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

UNUSED static int check_teardown(void **state)
{
	(void)close(check_fd);
	(void)nftw(check_path, check_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* The same, and it fails if a descriptor was left open. */
UNUSED static int check_teardown_closed(void **state)
{
	size_t open = check_count_descriptors();

	if (open != check_descriptors)
		print_error("%zu descriptors, %zu before\n", open, check_descriptors);
	return check_teardown(state) < 0 || open != check_descriptors ? -1 : 0;
}

#define check_dirfd(state) (*(int *)*(state))
#define check_in_dir(test) cmocka_unit_test_setup_teardown(test, check_setup, check_teardown_closed)

UNUSED static void check_write(int dirfd, const char *name, const void *data, size_t size)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	assert_int_equal(close(fd), 0);
}
