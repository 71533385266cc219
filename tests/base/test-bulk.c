#include "base/bulk.h"

#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <sys/statvfs.h>

#define MIB ((size_t)1024 * 1024)

static void fill(uint8_t *bytes, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 4096);
}

static bool is_filled(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != (uint8_t)(i * 7 + i / 4096))
			return false;
	return true;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* From a few bytes to many, and back: what is in it stays. */
static void check_life(void)
{
	static const size_t sizes[] = { 100, 60000, 70000, 3 * MIB, 9 * MIB, 20 * MIB, MIB, 50 };
	uint8_t *bytes = bulk_alloc(1, 10);
	size_t had = 10;

	assert_true(is_zero(bytes, 10));
	fill(bytes, 0, 10);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t *other = bulk_alloc(sizes[i], 1);

		assert_true(is_zero(other, sizes[i]));
		assert_int_equal((uintptr_t)other % _Alignof(max_align_t), 0);
		bytes = bulk_resize(bytes, sizes[i], 1);
		assert_true(is_filled(bytes, had < sizes[i] ? had : sizes[i]));
		assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
		fill(bytes, 0, sizes[i]);
		fill(other, 0, sizes[i]);
		assert_true(is_filled(bytes, sizes[i]));
		bulk_free(other);
		had = sizes[i];
	}
	bulk_free(bytes);
	bulk_free(NULL);
}

static void test_memory(void **state)
{
	bulk_settle(-1);
	check_life();
}

static void test_files(void **state)
{
	bulk_settle(check_dirfd(state));
	check_life();
	assert_int_equal(check_count(check_dirfd(state)), 0);
	bulk_settle(-1);
}

/* However much it is, no more of the process's own than what it may have. In pieces of any size, and also when they grow. */
static void test_own_is_bounded(void **state)
{
	size_t before = check_own_bytes();
	uint8_t *pieces[64];
	uint8_t *grown = NULL;

	bulk_settle(check_dirfd(state));
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		pieces[i] = bulk_alloc((i + 1) * 10000, 1);
		fill(pieces[i], 0, (i + 1) * 10000);
	}
	for (size_t size = MIB; size <= 32 * MIB; size *= 2) {
		grown = bulk_resize(grown, size, 1);
		fill(grown, 0, size);
	}
	assert_true(check_own_bytes() < before + BULK_OWN + MIB);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		assert_true(is_filled(pieces[i], (i + 1) * 10000));
		bulk_free(pieces[i]);
	}
	assert_true(is_filled(grown, 32 * MIB));
	bulk_free(grown);
	bulk_settle(-1);
}

static void test_where_files_can_be(void **state)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_false(bulk_has_files());
	bulk_settle(proc);
	assert_false(bulk_has_files());
	bulk_settle(check_dirfd(state));
	assert_true(bulk_has_files());
	bulk_settle(-1);
	(void)close(proc);
}

/* What was given back counts no more. */
static void test_own_comes_back(void **state)
{
	bulk_settle(check_dirfd(state));
	for (int i = 0; i < 20; i++) {
		size_t before = check_own_bytes();
		uint8_t *bytes = bulk_alloc(BULK_OWN / 2, 1);

		fill(bytes, 0, BULK_OWN / 2);
		assert_true(check_own_bytes() >= before + BULK_OWN / 4);
		bulk_free(bytes);
	}
	bulk_settle(-1);
}

/* What can be done without is had from what the pieces leave, and they get less of it. */
static void test_what_is_claimed(void **state)
{
	size_t before;
	uint8_t *pieces[2];

	bulk_settle(check_dirfd(state));
	assert_false(bulk_claim(BULK_ALL + 1));
	assert_true(bulk_claim(BULK_ALL - MIB));
	assert_false(bulk_claim(2 * MIB));
	before = check_own_bytes();
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		pieces[i] = bulk_alloc(BULK_OWN / 2, 1);
		fill(pieces[i], 0, BULK_OWN / 2);
	}
	assert_true(check_own_bytes() < before + MIB);
	bulk_return(BULK_ALL - MIB);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		bulk_free(pieces[i]);
	pieces[0] = bulk_alloc(BULK_OWN - MIB, 1);
	assert_false(bulk_claim(BULK_ALL - BULK_OWN + 2 * MIB));
	assert_true(bulk_claim(BULK_ALL - BULK_OWN));
	bulk_free(pieces[0]);
	bulk_return(BULK_ALL - BULK_OWN);
	bulk_settle(-1);
}

/* A disk that has it, but no more to spare, is left alone. */
static void test_disk_without_room(void **state)
{
	struct statvfs st;
	uint8_t *bytes;
	size_t free_bytes;

	assert_int_equal(fstatvfs(check_dirfd(state), &st), 0);
	bulk_settle(check_dirfd(state));
	free_bytes = st.f_bavail * st.f_frsize;
	bytes = bulk_alloc(free_bytes / 2, 1); /* which memory may not have */
	assert_int_equal(fstatvfs(check_dirfd(state), &st), 0);
	assert_true(st.f_bavail * st.f_frsize > free_bytes / 4 * 3);
	bulk_free(bytes);
	bulk_settle(-1);
}

static void test_too_much(void **state)
{
	uint8_t *bytes = bulk_alloc(5, 1);

	assert_null(bulk_alloc(SIZE_MAX / 2, 4));
	assert_int_equal(errno, ENOMEM);
	assert_null(bulk_alloc(SIZE_MAX, 1));
	fill(bytes, 0, 5);
	assert_null(bulk_resize(bytes, SIZE_MAX / 2, 1));
	assert_true(is_filled(bytes, 5));
	bulk_free(bytes);
}

static void *live(void *data)
{
	for (int i = 0; i < 5; i++)
		check_life();
	return data;
}

static void test_threads(void **state)
{
	pthread_t threads[3];

	bulk_settle(check_dirfd(state));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, live, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	bulk_settle(-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),	      check_in_dir(test_files),
		check_in_dir(test_own_is_bounded),    check_in_dir(test_where_files_can_be),
		check_in_dir(test_what_is_claimed),   check_in_dir(test_own_comes_back),
		check_in_dir(test_disk_without_room), cmocka_unit_test(test_too_much),
		check_in_dir(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
