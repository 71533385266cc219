/* LDFLAGS: -Wl,--wrap=posix_fallocate */
#include "base/scratch.h"

#include "check.h"

#include <errno.h>
#include <sys/resource.h>

#define MIB ((size_t)1024 * 1024)

static bool is_full; /* the disk; one that really is would be full for all others, too */

int __real_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
	return is_full ? ENOSPC : __real_posix_fallocate(fd, offset, size);
}

static void fill(struct scratch *scratch, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		scratch_bytes(scratch)[i] = (uint8_t)(i * 7 + i / 4096);
}

static bool is_filled(const struct scratch *scratch, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (scratch_bytes(scratch)[i] != (uint8_t)(i * 7 + i / 4096))
			return false;
	return true;
}

/* What is in it stays when it grows; what is spent goes, and nothing else. */
static void check_life(int dirfd)
{
	_cleanup_(scratch_freep) struct scratch *scratch = NULL;

	assert_int_equal(scratch_new(dirfd, 100, &scratch, NULL), 0);
	assert_int_equal(scratch_bytes(scratch)[99], 0);
	fill(scratch, 0, 100);
	assert_int_equal(scratch_grow(scratch, 3 * MIB + 5, NULL), 0);
	assert_true(is_filled(scratch, 0, 100));
	assert_int_equal(scratch_bytes(scratch)[3 * MIB + 4], 0);
	fill(scratch, 0, 3 * MIB + 5);
	scratch_spend(scratch, scratch_bytes(scratch) + MIB + 1);
	scratch_spend(scratch, scratch_bytes(scratch) + 1);
	scratch_spend(scratch, "elsewhere");
	assert_int_equal(scratch_size(scratch), 3 * MIB + 5);
	assert_true(is_filled(scratch, MIB, 3 * MIB + 5));
	assert_int_equal(scratch_bytes(scratch)[MIB - 1], 0);
}

static void test_file(void **state)
{
	check_life(check_dirfd(state));
	assert_int_equal(check_count(check_dirfd(state)), 0);
}

/* Without a directory, or with one that can have no such file. */
static void test_memory(void **state)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check_life(0);
	check_life(proc);
	(void)close(proc);
}

static int only_file(void)
{
	for (int fd = 3; fd < 64; fd++) {
		struct stat st;

		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0)
			return fd;
	}
	return -1;
}

/* It has its blocks from the beginning, and what is spent is given back. */
static void test_blocks(void **state)
{
	_cleanup_(scratch_freep) struct scratch *scratch = NULL;
	struct stat before, after;

	assert_int_equal(scratch_new(check_dirfd(state), 4 * MIB, &scratch, NULL), 0);
	assert_int_equal(fstat(only_file(), &before), 0);
	assert_true((size_t)before.st_blocks * 512 >= 4 * MIB);
	scratch_spend(scratch, scratch_bytes(scratch) + 3 * MIB);
	assert_int_equal(fstat(only_file(), &after), 0);
	assert_true((size_t)after.st_blocks * 512 <= (size_t)before.st_blocks * 512 - 3 * MIB);
}

/* Told when it is made, not by a signal when it is used. */
static void test_no_room(void **state)
{
	struct scratch *scratch = NULL;
	struct error err = {};

	is_full = true;
	check_error(scratch_new(check_dirfd(state), MIB, &scratch, &err), &err, FAULT_NO_SPACE,
		    "room to unpack");
	assert_int_equal(scratch_new(-1, MIB, &scratch, NULL), 0); /* memory needs none */
	is_full = false;
	scratch_free(scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_file),
		check_in_dir(test_memory),
		check_in_dir(test_blocks),
		check_in_dir(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
