#include "install/outlay.h"

#include "survey-kit.h"

static struct outlay measure(void **state, const char *script, bool reflink)
{
	_cleanup_looked_ struct looked looked;
	struct outlay outlay = {};

	shell(check_dirfd(state), "rm -rf new slot source staging");
	look(&looked, state, script);
	assert_int_equal(outlay_measure(looked.dirfd, looked.slot, looked.survey, reflink, &outlay,
					NULL),
			 0);
	return outlay;
}

#define LITTLE (64 * 1024) /* seal, names, inodes */

static bool is_about(const struct outlay *outlay, uint64_t bytes)
{
	return outlay->write_bytes >= bytes && outlay->write_bytes < bytes + LITTLE;
}

#define LARGE "head -c 3000000 /dev/urandom >new/large;"

static void test_nothing_to_do(void **state)
{
	struct outlay outlay = measure(state, ":", false);

	assert_int_equal(outlay.kept_files, 2);
	assert_int_equal(outlay.kept_bytes, 7);
	assert_int_equal(outlay.wanted_files + outlay.local_files, 0);
	assert_true(outlay.write_bytes < LITTLE);
	assert_true(outlay_peak_bytes(&outlay) < 64 * 1024);
}

static void test_wanted(void **state)
{
	struct outlay outlay = measure(state, LARGE "cp new/large new/twice", false);

	assert_int_equal(outlay.wanted_files, 1);
	assert_int_equal(outlay.wanted_bytes, 3000000);
	assert_int_equal(outlay.local_files, 1);
	assert_true(is_about(&outlay, 6000000));
	assert_true(outlay_peak_bytes(&outlay) >= 6000000 && outlay_peak_bytes(&outlay) < 6100000);
	assert_true(outlay_peak_inodes(&outlay) >= 2);
	outlay = measure(state, LARGE "cp new/large new/twice", true);
	assert_true(is_about(&outlay, 3000000));
	assert_true(outlay_peak_bytes(&outlay) < 3100000);
}

static void test_local(void **state)
{
	struct outlay outlay = measure(state, LARGE "cp new/large source", false);

	assert_int_equal(outlay.local_bytes, 3000000);
	assert_true(is_about(&outlay, 3000000));
	outlay = measure(state, LARGE "cp new/large source", true);
	assert_int_equal(outlay.local_bytes, 3000000);
	assert_true(is_about(&outlay, 0));
	assert_true(outlay_peak_bytes(&outlay) < 100000);
}

/* What a disk writes of small files is whole blocks. */
static void test_small_files(void **state)
{
	struct outlay outlay = measure(
		state, "mkdir new/s; for i in $(seq 200); do echo $i >new/s/$i; done", false);
	uint64_t block = outlay.space.block_size;

	assert_int_equal(outlay.wanted_files, 200);
	assert_true(outlay.write_bytes >= 200 * (block + OUTLAY_INODE));
	assert_true(outlay.write_bytes < 200 * (block + OUTLAY_INODE) + 2 * LITTLE);
}

/* A file that was renamed costs nothing, and frees nothing. */
static void test_renamed(void **state)
{
	struct outlay outlay = measure(state, LARGE "cp new/large slot/before", false);

	assert_int_equal(outlay.local_bytes, 3000000);
	assert_true(is_about(&outlay, 0));
	assert_true(outlay_peak_bytes(&outlay) < 100000);
	assert_true(outlay.space.bytes_freed < 100000);
}

static void test_what_is_removed_makes_room(void **state)
{
	struct outlay outlay =
		measure(state, LARGE "head -c 2900000 /dev/urandom >slot/old", false);

	assert_true(outlay.space.bytes_freed >= 2900000);
	assert_true(outlay_peak_bytes(&outlay) < 250000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_nothing_to_do), check_in_dir(test_wanted),
		check_in_dir(test_local),	  check_in_dir(test_small_files),
		check_in_dir(test_renamed),	  check_in_dir(test_what_is_removed_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
