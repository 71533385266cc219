/* LDFLAGS: @tests/store/calls.flags */
#include "store/durable.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "calls.h"

static const int errors[] = { EIO, ENOSPC };

static void check_content(int dirfd, const char *name, const char *wanted)
{
	_cleanup_free_ char *data = NULL;

	assert_int_equal(fd_read_file(dirfd, name, 100, &data, NULL, NULL), 0);
	assert_string_equal(data, wanted);
}

static mode_t mode_of(int dirfd, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static ino_t inode_of(int dirfd, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_ino;
}

/*
 * What an operation must hold to in all three loops: where it starts from, how it is run, and that
 * what is found is what was before or what shall be after (and only that, when it said 0).
 */
struct operation {
	const char *order; /* its calls */
	void (*prepare)(int dirfd);
	int (*run)(int dirfd, struct error *err);
	bool (*is_after)(int dirfd); /* fails the test if it is neither before nor after */
};

static const struct operation *operation;

static int run_in_child(void *data)
{
	return operation->run(*(int *)data, NULL);
}

/* There is nothing to tidy. */
static void check_no_temporary(int dirfd)
{
	size_t before = check_count(dirfd);

	assert_int_equal(durable_tidy(dirfd, NULL), 0);
	assert_int_equal(check_count(dirfd), before);
}

static void fail_each_call(int dirfd, int error)
{
	for (int n = 1;; n++) {
		struct error err = {};
		int made;
		int r;

		operation->prepare(dirfd);
		calls_begin(n, error, 0);
		r = operation->run(dirfd, &err);
		made = calls_end();
		check_no_temporary(dirfd);
		if (made < n) {
			assert_int_equal(r, 0);
			assert_true(operation->is_after(dirfd));
			return;
		}
		check_error(r, &err, error == ENOSPC ? FAULT_NO_SPACE : FAULT_INTERNAL, "");
		(void)operation->is_after(dirfd);
		assert_int_equal(operation->run(dirfd, NULL), 0);
		assert_true(operation->is_after(dirfd));
	}
}

static void kill_before_each_call(int dirfd)
{
	for (int n = 1;; n++) {
		size_t before;
		bool killed;

		operation->prepare(dirfd);
		before = check_count(dirfd);
		calls.torn = check_below(3);
		killed = calls_killed(n, run_in_child, &dirfd);
		assert_true(operation->is_after(dirfd) || killed);
		assert_int_equal(durable_tidy(dirfd, NULL), 0);
		assert_true(check_count(dirfd) <= before + 1);
		assert_int_equal(operation->run(dirfd, NULL), 0);
		assert_true(operation->is_after(dirfd));
		if (!killed)
			return;
	}
}

static void check_operation(void **state, const struct operation *what)
{
	int dirfd = check_dirfd(state);

	operation = what;
	what->prepare(dirfd);
	calls_begin(0, 0, 0);
	assert_int_equal(what->run(dirfd, NULL), 0);
	(void)calls_end();
	assert_string_equal(calls.log, what->order);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		fail_each_call(dirfd, errors[i]);
	kill_before_each_call(dirfd);
}

static void old_file(int dirfd)
{
	check_write(dirfd, "f", "old", 3);
}

static int replace_file(int dirfd, struct error *err)
{
	return durable_replace(dirfd, "f", "newer", 5, 0640, err);
}

static bool is_new_file(int dirfd)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd, "f", &st, 0), 0);
	check_content(dirfd, "f", st.st_size == 3 ? "old" : "newer");
	return st.st_size == 5;
}

static void a_file_is_replaced_whole(void **state)
{
	static const struct operation replace = { "openat write fchmod fsync renameat fsync ",
						  old_file, replace_file, is_new_file };

	check_operation(state, &replace);
}

static int publish_file(int dirfd, struct error *err)
{
	return durable_publish(dirfd, "f", "newer", 5, 0640, err);
}

static void a_file_is_published_whole_and_not_synced(void **state)
{
	static const struct operation publish = { "openat write fchmod renameat ", old_file,
						  publish_file, is_new_file };

	check_operation(state, &publish);
}

static void no_link(int dirfd)
{
	(void)unlinkat(dirfd, "link", 0);
}

static void old_link(int dirfd)
{
	no_link(dirfd);
	assert_int_equal(symlinkat("old", dirfd, "link"), 0);
}

static int replace_link(int dirfd, struct error *err)
{
	return durable_symlink(dirfd, "new", "link", err);
}

static bool is_new_link(int dirfd)
{
	char target[16] = {};

	if (readlinkat(dirfd, "link", target, sizeof(target) - 1) < 0)
		assert_true(errno == ENOENT && operation->prepare == no_link);
	else if (strcmp(target, "new") != 0)
		assert_string_equal(target, "old");
	return strcmp(target, "new") == 0;
}

static void a_link_is_made_or_replaced_in_one_step(void **state)
{
	static const struct operation make = { "symlinkat renameat fsync ", no_link, replace_link,
					       is_new_link };
	static const struct operation replace = { "symlinkat renameat fsync ", old_link,
						  replace_link, is_new_link };

	check_operation(state, &make);
	check_operation(state, &replace);
}

static void two_files(int dirfd)
{
	check_write(dirfd, "a", "A", 1);
	check_write(dirfd, "b", "B", 1);
}

/* Running it a second time would exchange them back: it is made absolute as layout does it. */
static bool is_exchanged(int dirfd)
{
	_cleanup_free_ char *data = NULL;
	bool after;

	assert_int_equal(fd_read_file(dirfd, "a", 10, &data, NULL, NULL), 0);
	after = strcmp(data, "B") == 0;
	check_content(dirfd, "a", after ? "B" : "A");
	check_content(dirfd, "b", after ? "A" : "B");
	return after;
}

static int exchange_unless(int dirfd, struct error *err)
{
	bool counted = calls.on;
	bool done;

	calls.on = false;
	done = is_exchanged(dirfd);
	calls.on = counted;
	return done ? 0 : durable_exchange(dirfd, "a", "b", err);
}

static void names_are_exchanged_in_one_step(void **state)
{
	static const struct operation exchange = { "renameat2 fsync ", two_files, exchange_unless,
						   is_exchanged };

	check_operation(state, &exchange);
}

static void a_file_system_without_exchange_is_told(void **state)
{
	static const int answers[] = { EINVAL, ENOSYS };
	int dirfd = check_dirfd(state);

	two_files(dirfd);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		calls_begin(1, answers[i], 0);
		assert_int_equal(durable_exchange(dirfd, "a", "b", NULL), DURABLE_NO_EXCHANGE);
		assert_int_equal(calls_end(), 1);
		assert_false(is_exchanged(dirfd));
	}
	assert_true(durable_exchange(dirfd, "a", "none", NULL) < 0);
}

static void no_file(int dirfd)
{
	(void)unlinkat(dirfd, "p", 0);
}

static int preallocate(int dirfd, struct error *err)
{
	return durable_preallocate(dirfd, "p", 10000, 0600, err);
}

static bool is_preallocated(int dirfd)
{
	static const char zeroes[10000];
	_cleanup_free_ char *data = NULL;
	size_t size = 0;

	if (fd_read_file(dirfd, "p", 20000, &data, &size, NULL) == FD_ABSENT)
		return false;
	assert_int_equal(size, sizeof(zeroes));
	assert_memory_equal(data, zeroes, sizeof(zeroes));
	assert_int_equal(mode_of(dirfd, "p"), 0600);
	return true;
}

static void a_file_is_preallocated_whole(void **state)
{
	static const struct operation make = {
		"openat write write write fchmod fsync renameat fsync ", no_file, preallocate,
		is_preallocated
	};
	struct stat st;

	check_operation(state, &make);
	assert_int_equal(fstatat(check_dirfd(state), "p", &st, 0), 0);
	assert_true(st.st_blocks * 512 >= 10000);
}

static void what_is_there_is_not_preallocated_over(void **state)
{
	int dirfd = check_dirfd(state);
	struct error err = {};

	check_write(dirfd, "f", "data", 4);
	calls_begin(0, 0, 0);
	assert_int_equal(durable_preallocate(dirfd, "f", 4, 0600, NULL), 0);
	(void)calls_end();
	assert_string_equal(calls.log, "fsync "); /* whoever made it may not have come so far */
	check_content(dirfd, "f", "data");
	check_error(durable_preallocate(dirfd, "f", 5, 0600, &err), &err, FAULT_CORRUPT, "5 bytes");
	check_content(dirfd, "f", "data");
	assert_int_equal(symlinkat("f", dirfd, "link"), 0);
	check_error(durable_preallocate(dirfd, "link", 4, 0600, &err), &err, FAULT_CORRUPT,
		    "regular");
}

static void old_bytes(int dirfd)
{
	check_write(dirfd, "f", "0123456789", 10);
}

static int overwrite(int dirfd, struct error *err)
{
	_cleanup_close_ int fd = openat(dirfd, "f", O_RDWR | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "f") : durable_overwrite(fd, "xyz", 3, 7, err);
}

/* A torn one is the business of the records: only the three bytes may change. */
static bool is_overwritten(int dirfd)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0;

	assert_int_equal(fd_read_file(dirfd, "f", 20, &data, &size, NULL), 0);
	assert_int_equal(size, 10);
	assert_memory_equal(data, "0123456", 7);
	return strcmp(data + 7, "xyz") == 0;
}

static void bytes_are_overwritten_in_place(void **state)
{
	static const struct operation what = { "openat pwrite fdatasync ", old_bytes, overwrite,
					       is_overwritten };

	check_operation(state, &what);
}

static void nothing_is_written_beyond_the_end(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_close_ int fd = -1;
	struct error err = {};

	old_bytes(dirfd);
	fd = openat(dirfd, "f", O_RDWR | O_CLOEXEC);
	check_error(durable_overwrite(fd, "xyz", 3, 8, &err), &err, FAULT_INTERNAL, "beyond");
	check_error(durable_overwrite(fd, "xyz", 3, 11, &err), &err, FAULT_INTERNAL, "beyond");
	check_error(durable_overwrite(fd, "xyz", 3, -1, &err), &err, FAULT_INTERNAL, "beyond");
	check_content(dirfd, "f", "0123456789");
}

static void no_dir(int dirfd)
{
	(void)unlinkat(dirfd, "d", AT_REMOVEDIR);
}

static int make_dir(int dirfd, struct error *err)
{
	return durable_mkdir(dirfd, "d", 0755, err);
}

static bool is_dir(int dirfd)
{
	struct stat st;

	if (fstatat(dirfd, "d", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	return true;
}

static void a_directory_is_made(void **state)
{
	static const struct operation make = { "openat mkdirat openat fchmod fsync renameat fsync ",
					       no_dir, make_dir, is_dir };

	check_operation(state, &make);
}

static void modes_are_those_that_were_asked_for(void **state)
{
	int dirfd = check_dirfd(state);
	mode_t before = umask(077);

	assert_int_equal(durable_mkdir(dirfd, "d", 0755, NULL), 0);
	assert_int_equal(mode_of(dirfd, "d"), 0755);
	assert_int_equal(durable_replace(dirfd, "f", "x", 1, 0644, NULL), 0);
	assert_int_equal(mode_of(dirfd, "f"), 0644);
	assert_int_equal(durable_replace(dirfd, "f", NULL, 0, 0600, NULL), 0);
	assert_int_equal(mode_of(dirfd, "f"), 0600);
	check_content(dirfd, "f", "");
	(void)umask(before);
}

static void a_directory_that_is_there_is_left_alone(void **state)
{
	int dirfd = check_dirfd(state);
	struct error err = {};

	assert_int_equal(mkdirat(dirfd, "d", 0700), 0);
	calls_begin(0, 0, 0);
	assert_int_equal(durable_mkdir(dirfd, "d", 0755, NULL), 0);
	(void)calls_end();
	assert_string_equal(calls.log,
			    "openat fsync "); /* whoever made it may not have come so far */
	assert_int_equal(mode_of(dirfd, "d"), 0700);
	assert_int_equal(symlinkat("d", dirfd, "link"), 0);
	check_error(durable_mkdir(dirfd, "link", 0755, &err), &err, FAULT_INTERNAL, "link");
	check_write(dirfd, "f", "x", 1);
	check_error(durable_mkdir(dirfd, "f", 0755, &err), &err, FAULT_INTERNAL, "f");
}

static int remove_file(int dirfd, struct error *err)
{
	return durable_remove(dirfd, "f", err);
}

static bool is_removed(int dirfd)
{
	return faccessat(dirfd, "f", F_OK, 0) < 0;
}

static void a_file_is_removed(void **state)
{
	static const struct operation what = { "unlinkat fsync ", old_file, remove_file,
					       is_removed };

	check_operation(state, &what);
	assert_int_equal(durable_remove(check_dirfd(state), "none", NULL), 0);
}

/* The directory that is synced is the one in which a name changed. */
static void names_of_several_parts_sync_their_directory(void **state)
{
	int dirfd = check_dirfd(state);

	assert_int_equal(durable_mkdir(dirfd, "d", 0755, NULL), 0);
	assert_int_equal(durable_mkdir(dirfd, "d/e", 0755, NULL), 0);
	assert_int_equal(calls.synced, inode_of(dirfd, "d"));
	assert_int_equal(durable_replace(dirfd, "d/e/f", "x", 1, 0644, NULL), 0);
	assert_int_equal(calls.synced, inode_of(dirfd, "d/e"));
	check_content(dirfd, "d/e/f", "x");
	assert_int_equal(durable_symlink(dirfd, "f", "d/e/link", NULL), 0);
	assert_int_equal(calls.synced, inode_of(dirfd, "d/e"));
	assert_int_equal(durable_remove(dirfd, "d/e/f", NULL), 0);
	assert_int_equal(calls.synced, inode_of(dirfd, "d/e"));
	assert_true(faccessat(dirfd, "d/e/f", F_OK, 0) < 0);
	assert_int_equal(symlinkat("e", dirfd, "d/l"), 0);
	assert_true(durable_replace(dirfd, "d/l/f", "x", 1, 0644, NULL) < 0);
	assert_true(durable_replace(dirfd, "../f", "x", 1, 0644, NULL) < 0);
	assert_true(durable_remove(dirfd, "none/f", NULL) < 0);
}

static void a_whole_file_system_is_synced(void **state)
{
	struct error err = {};

	calls_begin(0, 0, 0);
	assert_int_equal(durable_sync_fs(check_dirfd(state), NULL), 0);
	(void)calls_end();
	assert_string_equal(calls.log, "syncfs ");
	calls_begin(1, EIO, 0);
	check_error(durable_sync_fs(check_dirfd(state), &err), &err, FAULT_INTERNAL, "syncing");
	(void)calls_end();
}

static void tidying_takes_temporary_files_only(void **state)
{
	int dirfd = check_dirfd(state);

	check_write(dirfd, ".flipslot-0123456789abcdef", "x", 1);
	check_write(dirfd, ".flipslot-2", "x", 1);
	check_write(dirfd, ".flipslot", "x", 1);
	assert_int_equal(mkdirat(dirfd, ".flipslot-3", 0700), 0);
	check_write(dirfd, "f", "x", 1);
	assert_int_equal(durable_tidy(dirfd, NULL), 0);
	assert_int_equal(check_count(dirfd), 2);
	assert_true(durable_tidy(-1, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(a_file_is_replaced_whole),
		check_in_dir(a_file_is_published_whole_and_not_synced),
		check_in_dir(a_link_is_made_or_replaced_in_one_step),
		check_in_dir(names_are_exchanged_in_one_step),
		check_in_dir(a_file_system_without_exchange_is_told),
		check_in_dir(a_file_is_preallocated_whole),
		check_in_dir(what_is_there_is_not_preallocated_over),
		check_in_dir(bytes_are_overwritten_in_place),
		check_in_dir(nothing_is_written_beyond_the_end),
		check_in_dir(a_directory_is_made),
		check_in_dir(modes_are_those_that_were_asked_for),
		check_in_dir(a_directory_that_is_there_is_left_alone),
		check_in_dir(a_file_is_removed),
		check_in_dir(names_of_several_parts_sync_their_directory),
		check_in_dir(a_whole_file_system_is_synced),
		check_in_dir(tidying_takes_temporary_files_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
