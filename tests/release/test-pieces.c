#include "release/pieces.h"

#include <errno.h>
#include <pthread.h>

#include "base/fd.h"
#include "../base/check.h"

#define SIZE (2 * PIECES_SIZE + 17)

/* A file of SIZE bytes, different in each piece. */
static int make_file(int dirfd, uint8_t **ret_bytes)
{
	uint8_t *bytes = malloc(SIZE);

	assert_non_null(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 31 + i / PIECES_SIZE);
	check_write(dirfd, "file", bytes, SIZE);
	*ret_bytes = bytes;
	return openat(dirfd, "file", O_RDWR | O_CLOEXEC);
}

static void test_reads_what_it_verified(void **state)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_close_ int fd = make_file(check_dirfd(state), &bytes);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	static const uint64_t order[] = { 0, 1, 2, 2, 0, 1 };
	struct digest wanted;

	assert_int_equal(digest_of(bytes, SIZE, &wanted, NULL), 0);
	assert_int_equal(pieces_new(fd, &wanted, SIZE, NULL, NULL, &pieces, NULL), 0);
	assert_true(digest_equal(pieces_digest(pieces), &wanted));
	assert_int_equal(pieces_bytes(pieces), SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const void *data;
		size_t size;

		assert_int_equal(pieces_read(pieces, order[i], &data, &size, NULL), 0);
		assert_int_equal(size, order[i] == 2 ? 17 : PIECES_SIZE);
		assert_memory_equal(data, bytes + order[i] * PIECES_SIZE, size);
	}
}

static void test_refuses_another_digest(void **state)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_close_ int fd = make_file(check_dirfd(state), &bytes);
	struct pieces *pieces = NULL;
	struct digest wanted;
	struct error err = {};

	assert_int_equal(digest_of(bytes, SIZE - 1, &wanted, NULL), 0);
	check_error(pieces_new(fd, &wanted, SIZE, NULL, NULL, &pieces, &err), &err, FAULT_UNTRUSTED,
		    "instead of");
	assert_null(pieces);
}

static void test_refuses_what_is_too_large_or_no_file(void **state)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_close_ int fd = make_file(check_dirfd(state), &bytes);
	struct pieces *pieces = NULL;
	struct error err = {};

	check_error(pieces_new(fd, NULL, SIZE - 1, NULL, NULL, &pieces, &err), &err, FAULT_NO_SPACE,
		    "limit");
	check_error(pieces_new(check_dirfd(state), NULL, SIZE, NULL, NULL, &pieces, &err), &err,
		    FAULT_CONFIG, "regular");
}

/* One byte of one piece: that piece is never given out, the others are. */
static void test_a_changed_piece_is_not_given_out(void **state)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_close_ int fd = make_file(check_dirfd(state), &bytes);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	struct error err = {};
	const void *data = NULL;
	size_t size;

	assert_int_equal(pieces_new(fd, NULL, SIZE, NULL, NULL, &pieces, NULL), 0);
	assert_int_equal(pwrite(fd, "\xff\xfe", 2, PIECES_SIZE + 5), 2);
	check_error(pieces_read(pieces, 1, &data, &size, &err), &err, FAULT_CORRUPT,
		    "changed while it was being read");
	assert_null(data);
	assert_int_equal(pieces_read(pieces, 0, &data, &size, NULL), 0);
	data = NULL;
	check_error(pieces_read(pieces, 1, &data, &size, &err), &err, FAULT_CORRUPT, "changed");
	assert_null(data);
	assert_int_equal(pieces_read(pieces, 0, &data, &size, NULL), 0);
	assert_memory_equal(data, bytes, size);
}

/* What was verified is in our memory: later changes do not reach it. */
static void test_the_buffer_is_ours(void **state)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_close_ int fd = make_file(check_dirfd(state), &bytes);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	const void *data;
	size_t size;

	assert_int_equal(pieces_new(fd, NULL, SIZE, NULL, NULL, &pieces, NULL), 0);
	assert_int_equal(pieces_read(pieces, 0, &data, &size, NULL), 0);
	assert_int_equal(pwrite(fd, "\xff\xfe", 2, 0), 2);
	assert_memory_equal(data, bytes, size);
	assert_int_equal(pieces_read(pieces, 0, &data, &size, NULL), 0);
	assert_memory_equal(data, bytes, size);
}

static void test_a_file_that_shrank_or_grew(void **state)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_close_ int fd = make_file(check_dirfd(state), &bytes);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	struct error err = {};
	const void *data;
	size_t size;

	assert_int_equal(pieces_new(fd, NULL, SIZE, NULL, NULL, &pieces, NULL), 0);
	assert_int_equal(ftruncate(fd, SIZE + 100), 0);
	assert_int_equal(pieces_read(pieces, 2, &data, &size, NULL), 0);
	assert_int_equal(size, 17);
	assert_int_equal(ftruncate(fd, SIZE - 1), 0);
	assert_int_equal(pieces_read(pieces, 0, &data, &size, NULL), 0);
	check_error(pieces_read(pieces, 2, &data, &size, &err), &err, FAULT_CORRUPT, "changed");
}

static void test_an_empty_file(void **state)
{
	_cleanup_close_ int fd =
		openat(check_dirfd(state), "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	struct digest wanted;

	assert_int_equal(digest_of("", 0, &wanted, NULL), 0);
	assert_int_equal(pieces_new(fd, &wanted, 0, NULL, NULL, &pieces, NULL), 0);
	assert_int_equal(pieces_bytes(pieces), 0);
}

static int cut(void *data, uint64_t done, uint64_t total, struct error *err)
{
	return ftruncate(*(const int *)data, (off_t)done + 1);
}

static void test_a_file_that_shrinks_at_once(void **state)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_close_ int fd = make_file(check_dirfd(state), &bytes);
	struct pieces *pieces = NULL;
	struct error err = {};

	check_error(pieces_new(fd, NULL, SIZE, cut, &fd, &pieces, &err), &err, FAULT_CORRUPT,
		    "changed while it was being read");
	assert_null(pieces);
}

static int count_down(void *data, uint64_t done, uint64_t total, struct error *err)
{
	int *left = data;

	assert_int_equal(total, SIZE);
	assert_true(done > 0 && done <= SIZE);
	return --*left == 0 ? error_set(err, FAULT_BUSY, "cancelled at %d", (int)(done >> 20)) : 0;
}

static void test_progress_can_stop_it(void **state)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_close_ int fd = make_file(check_dirfd(state), &bytes);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	struct error err = {};
	int left = 2;

	check_error(pieces_new(fd, NULL, SIZE, count_down, &left, &pieces, &err), &err, FAULT_BUSY,
		    "cancelled at 2");
	assert_null(pieces);
	left = 100;
	assert_int_equal(pieces_new(fd, NULL, SIZE, count_down, &left, &pieces, NULL), 0);
	assert_int_equal(left, 97);
}

static void *give_slowly(void *data)
{
	struct pieces *pieces = data;

	for (uint64_t i = 1; i <= 3; i++) {
		(void)usleep(20000);
		pieces_arrived(pieces, i < 3 ? i * PIECES_SIZE : SIZE);
	}
	return NULL;
}

static void test_waits_for_what_arrives(void **state)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_close_ int fd = make_file(check_dirfd(state), &bytes);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	pthread_t thread;

	assert_int_equal(pieces_new_arriving(fd, SIZE, &pieces, NULL), 0);
	assert_int_equal(pieces_bytes(pieces), SIZE);
	assert_int_equal(pthread_create(&thread, NULL, give_slowly, pieces), 0);
	for (uint64_t i = 0; i < 3; i++) {
		const void *data;
		size_t size;

		assert_int_equal(pieces_read(pieces, i, &data, &size, NULL), 0);
		assert_int_equal(size, i == 2 ? 17 : PIECES_SIZE);
		assert_memory_equal(data, bytes + i * PIECES_SIZE, size);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_what_does_not_arrive_is_cancelled(void **state)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_close_ int fd = make_file(check_dirfd(state), &bytes);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	const void *data;
	size_t size;

	assert_int_equal(pieces_new_arriving(fd, SIZE, &pieces, NULL), 0);
	pieces_arrived(pieces, PIECES_SIZE);
	pieces_stop(pieces);
	assert_int_equal(pieces_read(pieces, 0, &data, &size, NULL), 0);
	assert_int_equal(pieces_read(pieces, 1, &data, &size, NULL), -ECANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_reads_what_it_verified),
		check_in_dir(test_refuses_another_digest),
		check_in_dir(test_refuses_what_is_too_large_or_no_file),
		check_in_dir(test_a_changed_piece_is_not_given_out),
		check_in_dir(test_the_buffer_is_ours),
		check_in_dir(test_a_file_that_shrank_or_grew),
		check_in_dir(test_a_file_that_shrinks_at_once),
		check_in_dir(test_an_empty_file),
		check_in_dir(test_progress_can_stop_it),
		check_in_dir(test_waits_for_what_arrives),
		check_in_dir(test_what_does_not_arrive_is_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
