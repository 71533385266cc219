/* LDFLAGS: -Wl,--wrap=pthread_create,--wrap=digester_update */
#include "install/hasher.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/check.h"
#include "../base/no-threads.h"

#define FILES 2000
#define BYTES (3 * 1024 * 1024)

static bool broken;

int __real_digester_update(struct digester *digester, const void *data, size_t size,
			   struct error *err);
int __wrap_digester_update(struct digester *digester, const void *data, size_t size,
			   struct error *err);
int __wrap_digester_update(struct digester *digester, const void *data, size_t size,
			   struct error *err)
{
	return broken ? error_set(err, FAULT_INTERNAL, "broken") :
			__real_digester_update(digester, data, size, err);
}

static int setup(void **state)
{
	no_threads = broken = false;
	return 0;
}

/* Of every size around that of a batch, mostly small ones. */
static size_t size_of(size_t i)
{
	return i % 97 == 0 ? check_random() % BYTES : check_random() % 3000;
}

static void check_files(void)
{
	_cleanup_(hasher_freep) struct hasher *hasher = NULL;
	_cleanup_free_ uint8_t *bytes = calloc(1, BYTES + BYTES);
	static struct index_entry is[FILES];
	static struct digest wanted[FILES];

	assert_int_equal(hasher_new(&hasher, NULL), 0);
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)check_random();
	for (size_t i = 0; i < FILES; i++) {
		size_t size = size_of(i);
		size_t hole = i % 31 == 0 ? size_of(i) : 0;
		const uint8_t *from = bytes + BYTES - size;

		assert_int_equal(digest_of(from, size + hole, &wanted[i], NULL), 0);
		hasher_begin(hasher, &is[i]);
		hasher_add(hasher, from, size / 3, -1, 0);
		hasher_add(hasher, from + size / 3, size - size / 3, -1, 0);
		hasher_add_zeroes(hasher, hole);
		hasher_end_consume(hasher, -1);
	}
	assert_int_equal(hasher_settle(hasher, NULL), 0);
	for (size_t i = 0; i < FILES; i++)
		assert_true(digest_equal(&is[i].digest, &wanted[i]));
	hasher_begin(hasher, &is[0]);
	hasher_end_consume(hasher, -1);
	assert_int_equal(hasher_settle(hasher, NULL), 0);
	assert_int_equal(digest_of("", 0, &wanted[0], NULL), 0);
	assert_true(digest_equal(&is[0].digest, &wanted[0]));
}

static void each_file_gets_its_digest(void **state)
{
	check_files();
}

static void each_file_gets_its_digest_without_a_thread(void **state)
{
	no_threads = true;
	check_files();
}

static int make_file(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_return_code(fd, errno);
	return fd;
}

/* What is written to it, beside what is only digested; it is longer than a batch. */
static void check_written(void)
{
	_cleanup_(hasher_freep) struct hasher *hasher = NULL;
	_cleanup_free_ uint8_t *bytes = malloc(BYTES);
	_cleanup_free_ uint8_t *found = calloc(1, BYTES + 8192);
	struct index_entry file = { .type = INDEX_FILE, .mode = 0640, .mtime = 1234567 };
	int fd = make_file();
	_cleanup_close_ int kept = dup(fd);
	struct stat st;

	assert_int_equal(hasher_new(&hasher, NULL), 0);
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)check_random();
	hasher_begin(hasher, &file);
	hasher_add(hasher, bytes, 5, fd, 0);
	hasher_add_zeroes(hasher, 4091);
	hasher_add(hasher, bytes, BYTES, fd, 4096);
	hasher_end_consume(hasher, fd);
	assert_int_equal(hasher_settle(hasher, NULL), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(pread(kept, found, BYTES + 8192, 0), BYTES + 4096);
	assert_memory_equal(found, bytes, 5);
	assert_memory_equal(found + 4096, bytes, BYTES);
	assert_int_equal(fstat(kept, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_mtim.tv_sec, 1234567);
}

static void a_file_is_written_and_completed(void **state)
{
	check_written();
}

static void a_file_is_written_without_a_thread(void **state)
{
	no_threads = true;
	check_written();
}

/* Once it has failed no more is written, and yet all is closed that it was given. */
static void what_cannot_be_written_is_said(void **state)
{
	_cleanup_(hasher_freep) struct hasher *hasher = NULL;
	struct index_entry files[300] = {};
	int fds[300];
	struct error err = {};

	assert_int_equal(hasher_new(&hasher, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		files[i].path = (char *)"a/file";
		hasher_begin(hasher, &files[i]);
		hasher_add(hasher, "x", 1, fds[i], 0);
		hasher_end_consume(hasher, fds[i]);
	}
	check_error(hasher_settle(hasher, &err), &err, FAULT_INTERNAL, "writing a/file");
	assert_int_equal(hasher_check(hasher, NULL), -EBADF);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), -1);
}

static void a_failure_is_said_at_the_end(void **state)
{
	_cleanup_(hasher_freep) struct hasher *hasher = NULL;
	struct error err = {};
	struct index_entry file = {};

	assert_int_equal(hasher_new(&hasher, NULL), 0);
	broken = true;
	hasher_begin(hasher, &file);
	hasher_add(hasher, "x", 1, -1, 0);
	hasher_end_consume(hasher, -1);
	check_error(hasher_settle(hasher, &err), &err, FAULT_INTERNAL, "broken");
	broken = false;
	check_error(hasher_settle(hasher, &err), &err, FAULT_INTERNAL, "broken");
}

static void it_ends_in_the_middle(void **state)
{
	for (int i = 0; i < 50; i++) {
		_cleanup_(hasher_freep) struct hasher *hasher = NULL;
		struct index_entry *file = calloc(1, sizeof(*file));
		int fd = make_file();

		assert_int_equal(hasher_new(&hasher, NULL), 0);
		hasher_begin(hasher, file);
		hasher_add_zeroes(hasher, 700000);
		hasher_add(hasher, "x", 1, fd, 0);
		hasher_end_consume(hasher, fd);
		hasher_free(TAKE_PTR(hasher));
		free(file); /* the sanitizers' build sees who writes to it still */
		assert_int_equal(fcntl(fd, F_GETFD), -1);
	}
}

#define FEW	64
#define FEW_FOR 300 /* files */

static void write_files(void)
{
	_cleanup_(hasher_freep) struct hasher *hasher = NULL;
	static struct index_entry files[FEW_FOR];

	assert_int_equal(hasher_new(&hasher, NULL), 0);
	for (size_t i = 0; i < FEW_FOR; i++) {
		int fd = make_file();

		files[i] = (struct index_entry){ .type = INDEX_FILE, .mode = 0640 };
		hasher_begin(hasher, &files[i]);
		hasher_add(hasher, "x", i % 2, fd, 0);
		hasher_end_consume(hasher, fd);
	}
	assert_int_equal(hasher_settle(hasher, NULL), 0);
}

static void check_few_descriptors(void)
{
	struct rlimit before, few;

	assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
	few = before;
	few.rlim_cur = FEW;
	assert_return_code(setrlimit(RLIMIT_NOFILE, &few), errno);
	write_files();
	assert_return_code(setrlimit(RLIMIT_NOFILE, &before), errno);
}

static void few_descriptors_are_enough(void **state)
{
	check_few_descriptors();
}

static void few_descriptors_are_enough_without_a_thread(void **state)
{
	no_threads = true;
	check_few_descriptors();
}

#define hasher_test(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		hasher_test(each_file_gets_its_digest),
		hasher_test(each_file_gets_its_digest_without_a_thread),
		hasher_test(a_failure_is_said_at_the_end),
		hasher_test(a_file_is_written_and_completed),
		hasher_test(a_file_is_written_without_a_thread),
		hasher_test(what_cannot_be_written_is_said),
		hasher_test(it_ends_in_the_middle),
		hasher_test(few_descriptors_are_enough),
		hasher_test(few_descriptors_are_enough_without_a_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
