#include "install/local.h"

#include "../release/shell.h"
#include "base/fd.h"

#define SIZE (3U << 20)

static struct index_entry describe(int dirfd, const char *name)
{
	struct index_entry entry = { .type = INDEX_FILE, .path = (char *)name };
	_cleanup_free_ char *bytes = NULL;
	size_t size;

	assert_int_equal(fd_read_file(dirfd, name, 1 << 26, &bytes, &size, NULL), 0);
	entry.size = size;
	assert_int_equal(digest_of(bytes, size, &entry.digest, NULL), 0);
	return entry;
}

static int copy(int dirfd, const struct index_entry *entry, const char **why)
{
	_cleanup_(local_freep) struct local *local = NULL;
	_cleanup_close_ int fd =
		openat(dirfd, "copy", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(local_new(NULL, NULL, &local, NULL), 0);
	return local_copy(local, dirfd, entry->path, entry, fd, why, NULL);
}

static void test_copies(void **state)
{
	int dirfd = check_dirfd(state);
	const char *why = NULL;
	struct index_entry entry;

	shell(dirfd, "head -c 3000000 /dev/urandom >f; : >empty");
	entry = describe(dirfd, "f");
	assert_int_equal(copy(dirfd, &entry, &why), 0);
	shell(dirfd, "cmp f copy");
	entry = describe(dirfd, "empty");
	assert_int_equal(copy(dirfd, &entry, &why), 0);
	shell(dirfd, "cmp empty copy");
}

/* Where nothing has a time of access, there is nothing to see. */
static void test_what_is_read_is_not_written(void **state)
{
	int dirfd = check_dirfd(state);
	const char *why = NULL;
	struct index_entry entry;
	struct stat st;

	shell(dirfd, "echo hello >f; cp f g; touch -a -d @1000000000 f g; cat g");
	assert_int_equal(fstatat(dirfd, "g", &st, 0), 0);
	if (st.st_atime == 1000000000)
		skip();
	entry = describe(dirfd, "f");
	shell(dirfd, "touch -a -d @1000000000 f");
	assert_int_equal(copy(dirfd, &entry, &why), 0);
	assert_int_equal(fstatat(dirfd, "f", &st, 0), 0);
	assert_int_equal(st.st_atime, 1000000000);
}

static void test_holes_stay_holes(void **state)
{
	int dirfd = check_dirfd(state);
	const char *why = NULL;
	struct index_entry entry;

	shell(dirfd,
	      "truncate -s 1M f; echo data >>f; truncate -s 20M f; echo end >>f; truncate -s 25M f");
	entry = describe(dirfd, "f");
	assert_int_equal(copy(dirfd, &entry, &why), 0);
	shell(dirfd, "cmp f copy; test $(stat -c %b copy) -le 100");
	shell(dirfd, "truncate -s 3M all");
	entry = describe(dirfd, "all");
	assert_int_equal(copy(dirfd, &entry, &why), 0);
	shell(dirfd, "cmp all copy; test $(stat -c %b copy) -le 16");
}

static void check_differs(int dirfd, const struct index_entry *entry, int outcome,
			  const char *wanted)
{
	const char *why = NULL;

	assert_int_equal(copy(dirfd, entry, &why), outcome);
	assert_string_equal(why, wanted);
}

static void test_what_differs(void **state)
{
	int dirfd = check_dirfd(state);
	struct index_entry entry;

	shell(dirfd,
	      "echo hello >f; ln -s f link; mkfifo fifo; mkdir d; ln -s d dl; echo hello >d/f");
	entry = describe(dirfd, "f");
	entry.digest.bytes[31] ^= 1;
	check_differs(dirfd, &entry, LOCAL_DIFFERS, "content differs");
	entry.size++;
	check_differs(dirfd, &entry, LOCAL_DIFFERS, "size differs");
	entry.path = (char *)"absent";
	check_differs(dirfd, &entry, LOCAL_UNREADABLE, "missing");
	entry.path = (char *)"link";
	check_differs(dirfd, &entry, LOCAL_UNREADABLE, "another kind of file");
	entry.path = (char *)"fifo";
	check_differs(dirfd, &entry, LOCAL_UNREADABLE, "another kind of file");
	entry.path = (char *)"dl/f";
	check_differs(dirfd, &entry, LOCAL_UNREADABLE, "cannot be opened");
}

static int stop(void *data, uint64_t bytes, struct error *err)
{
	uint64_t *sum = data;

	*sum += bytes;
	return *sum > SIZE / 2 ? error_set(err, FAULT_BUSY, "enough") : 0;
}

static int read_short(int dirfd, const struct index_entry *entry, char ret_text[static 16],
		      const char **why)
{
	_cleanup_(local_freep) struct local *local = NULL;
	const void *bytes;
	int r;

	assert_int_equal(local_new(NULL, NULL, &local, NULL), 0);
	r = local_read(local, dirfd, entry->path, entry, &bytes, why, NULL);
	if (r == 0 && entry->size < 16) {
		memcpy(ret_text, bytes, entry->size);
		ret_text[entry->size] = '\0';
	}
	return r;
}

static void test_reads_what_is_short(void **state)
{
	int dirfd = check_dirfd(state);
	const char *why = NULL;
	struct index_entry entry;
	char text[16] = "";

	shell(dirfd, "echo hello >f; : >empty; truncate -s 100K holes; echo data >>holes");
	entry = describe(dirfd, "f");
	assert_int_equal(read_short(dirfd, &entry, text, &why), 0);
	assert_string_equal(text, "hello\n");
	shell(dirfd, "echo hallo >f");
	assert_int_equal(read_short(dirfd, &entry, text, &why), LOCAL_DIFFERS);
	assert_string_equal(why, "content differs");
	shell(dirfd, "echo longer >f");
	assert_int_equal(read_short(dirfd, &entry, text, &why), LOCAL_DIFFERS);
	assert_string_equal(why, "size differs");
	shell(dirfd, "rm f");
	assert_int_equal(read_short(dirfd, &entry, text, &why), LOCAL_UNREADABLE);
	assert_string_equal(why, "missing");
	entry = describe(dirfd, "empty");
	assert_int_equal(read_short(dirfd, &entry, text, &why), 0);
	assert_string_equal(text, "");
	entry = describe(dirfd, "holes");
	assert_int_equal(read_short(dirfd, &entry, text, &why), LOCAL_SPARSE);
}

static void test_can_be_stopped(void **state)
{
	_cleanup_(local_freep) struct local *local = NULL;
	int dirfd = check_dirfd(state);
	_cleanup_close_ int fd = -1;
	struct error err = {};
	struct digest digest;
	uint64_t sum = 0;
	uint64_t size;

	shell(dirfd, "truncate -s 3M f");
	fd = shell_open(dirfd, "f");
	assert_int_equal(local_new(stop, &sum, &local, NULL), 0);
	check_error(local_digest(local, fd, &digest, &size, &err), &err, FAULT_BUSY, "enough");
	assert_true(sum < SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_copies),
		check_in_dir(test_what_is_read_is_not_written),
		check_in_dir(test_holes_stay_holes),
		check_in_dir(test_what_differs),
		check_in_dir(test_reads_what_is_short),
		check_in_dir(test_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
