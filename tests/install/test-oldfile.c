#include "install/oldfile.h"

#include <signal.h>

#include "../release/shell.h"

#define SIZE (1 << 20)

static struct index_entry make(int dirfd, const char *name, size_t size)
{
	struct index_entry entry = { .type = INDEX_FILE, .size = size, .path = (char *)name };
	_cleanup_free_ char *bytes = malloc(size + 1);

	assert_non_null(bytes);
	memset(bytes, 'x', size);
	check_write(dirfd, name, bytes, size);
	assert_int_equal(digest_of(bytes, size, &entry.digest, NULL), 0);
	return entry;
}

static void test_maps(void **state)
{
	struct index_entry entry = make(check_dirfd(state), "f", SIZE + 17);
	struct oldfile *file = NULL;
	const char *why = NULL;

	assert_int_equal(oldfile_new(check_dirfd(state), &entry, &file, &why, NULL), 0);
	assert_int_equal(oldfile_size(file), SIZE + 17);
	assert_int_equal(((const char *)oldfile_bytes(file))[SIZE + 16], 'x');
	assert_true(oldfile_is_whole(file));
	oldfile_free(file);
}

static void test_empty(void **state)
{
	struct index_entry entry = make(check_dirfd(state), "f", 0);
	_cleanup_(oldfile_freep) struct oldfile *file = NULL;
	const char *why = NULL;

	assert_int_equal(oldfile_new(check_dirfd(state), &entry, &file, &why, NULL), 0);
	assert_non_null(oldfile_bytes(file));
	assert_true(oldfile_is_whole(file));
}

static void check_differs(int dirfd, const struct index_entry *entry, const char *wanted)
{
	struct oldfile *file = NULL;
	const char *why = NULL;

	assert_int_equal(oldfile_new(dirfd, entry, &file, &why, NULL), OLDFILE_DIFFERS);
	assert_string_equal(why, wanted);
	assert_null(file);
}

static void check_content(int dirfd, const struct index_entry *entry, int wanted)
{
	_cleanup_(oldfile_freep) struct oldfile *file = NULL;
	const char *why = NULL;

	assert_int_equal(oldfile_new(dirfd, entry, &file, &why, NULL), 0);
	assert_int_equal(oldfile_verify(file, entry, &why, NULL), wanted);
	assert_string_equal(why, "content differs");
}

static void test_what_differs(void **state)
{
	int dirfd = check_dirfd(state);
	struct index_entry entry = make(dirfd, "f", SIZE);

	entry.size++;
	check_differs(dirfd, &entry, "size differs");
	entry.size--;
	check_content(dirfd, &entry, 0);
	entry.digest.bytes[0] ^= 1;
	check_content(dirfd, &entry, OLDFILE_DIFFERS);
	shell(dirfd, "ln -s f link; mkfifo fifo");
	entry.path = (char *)"link";
	check_differs(dirfd, &entry, "cannot be opened");
	entry.path = (char *)"fifo";
	check_differs(dirfd, &entry, "cannot be opened");
	entry.path = (char *)"absent";
	check_differs(dirfd, &entry, "cannot be opened");
}

/* The pages are gone: a read of them raises SIGBUS, which must kill nobody. */
static void test_cut_short_while_mapped(void **state)
{
	int dirfd = check_dirfd(state);
	struct index_entry entry = make(dirfd, "f", SIZE);
	_cleanup_(oldfile_freep) struct oldfile *file = NULL;
	const volatile char *bytes;
	const char *why = NULL;
	struct sigaction now;

	assert_int_equal(oldfile_new(dirfd, &entry, &file, &why, NULL), 0);
	shell(dirfd, "truncate -s 10000 f");
	bytes = oldfile_bytes(file);
	assert_int_equal(bytes[5000], 'x');
	assert_true(oldfile_is_whole(file));
	assert_int_equal(bytes[SIZE - 1], 0);
	assert_int_equal(bytes[20000], 0);
	assert_false(oldfile_is_whole(file));
	oldfile_free(TAKE_PTR(file));
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_false(now.sa_flags & SA_SIGINFO);
	check_differs(dirfd, &entry, "size differs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_maps),
		check_in_dir(test_empty),
		check_in_dir(test_what_differs),
		check_in_dir(test_cut_short_while_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
