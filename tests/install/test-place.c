/* LDFLAGS: -Wl,--wrap=openat,--wrap=__openat_2,--wrap=linkat,--wrap=futimens */
#include "install/place.h"

#include <stdarg.h>

#include "../release/shell.h"
#include "base/fd.h"

static bool no_tmpfile;
static bool no_empty_path;
static bool no_times;
static unsigned int refused; /* links by an empty path */

int __real_openat(int dirfd, const char *name, int flags, ...);
int __wrap_openat(int dirfd, const char *name, int flags, ...);
int __wrap_openat(int dirfd, const char *name, int flags, ...)
{
	if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return __real_openat(dirfd, name, flags, 0600);
}

int __wrap___openat_2(int dirfd, const char *name, int flags);
int __wrap___openat_2(int dirfd, const char *name, int flags)
{
	return __wrap_openat(dirfd, name, flags);
}

int __real_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	if (no_empty_path && flags & AT_EMPTY_PATH) {
		refused++;
		errno = ENOENT;
		return -1;
	}
	return __real_linkat(from_fd, from, to_fd, to, flags);
}

int __real_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2])
{
	errno = EIO;
	return no_times ? -1 : __real_futimens(fd, times);
}

struct fixture {
	int slot;
	int staging;
	struct place *place;
};

static void done(const struct fixture *fixture)
{
	place_free(fixture->place);
	(void)close(fixture->slot);
	(void)close(fixture->staging);
}

static struct fixture make(void **state)
{
	struct fixture fixture = {};
	int dirfd = check_dirfd(state);

	shell(dirfd,
	      "rm -rf slot staging outside; mkdir -p slot/d/e staging outside; ln -s ../outside slot/l");
	fixture.slot = shell_open(dirfd, "slot");
	fixture.staging = shell_open(dirfd, "staging");
	assert_int_equal(place_new(fixture.slot, fixture.staging, &fixture.place, NULL), 0);
	return fixture;
}

static int put(struct fixture *fixture, const char *path, struct error *err)
{
	_cleanup_(place_file_done) struct place_file file = { .fd = -1 };
	struct index_entry entry = {
		.type = INDEX_FILE, .mode = 0751, .mtime = 99, .path = (char *)path
	};
	int r = place_create(fixture->place, &entry, &file, err);

	if (r < 0)
		return r;
	assert_int_equal(fd_write_full(file.fd, "hello\n", 6), 0);
	return place_name(fixture->place, &file, &entry, err);
}

static void check_puts(void **state)
{
	__attribute__((cleanup(done))) struct fixture fixture = make(state);
	struct error err = {};

	assert_int_equal(put(&fixture, "f", NULL), 0);
	assert_int_equal(put(&fixture, "d/e/f", NULL), 0);
	assert_int_equal(put(&fixture, "d/f", NULL), 0);
	shell(check_dirfd(state), "for f in f d/f d/e/f; do test \"$(cat slot/$f)\" = hello;"
				  "test \"$(stat -c '%a %Y %h' slot/$f)\" = '751 99 1'; done;"
				  "test -z \"$(ls -A staging)\"");
	check_error(put(&fixture, "d/f", &err), &err, FAULT_BUSY, "d/f");
	check_error(put(&fixture, "l/f", &err), &err, FAULT_INTERNAL, "l/f");
	check_error(put(&fixture, "absent/f", &err), &err, FAULT_INTERNAL, "absent/f");
	shell(check_dirfd(state), "test -z \"$(ls -A outside staging | grep -v :)\"");
}

static void test_puts(void **state)
{
	check_puts(state);
	no_tmpfile = true;
	check_puts(state);
	no_tmpfile = false;
}

/* Who lacks the right for it is asked once. */
static void test_puts_without_empty_paths(void **state)
{
	no_empty_path = true;
	check_puts(state);
	no_empty_path = false;
	assert_int_equal(refused, 1);
}

static void test_bytes(void **state)
{
	__attribute__((cleanup(done))) struct fixture fixture = make(state);
	struct index_entry entry = {
		.type = INDEX_FILE, .mode = 0775, .mtime = 99, .path = (char *)"d/e/f"
	};
	struct error err = {};

	assert_int_equal(place_bytes(fixture.place, &entry, "hello\n", 6, NULL), 0);
	shell(check_dirfd(state), "test \"$(cat slot/d/e/f)\" = hello;"
				  "test \"$(stat -c '%a %Y %h' slot/d/e/f)\" = '775 99 1'");
	check_error(place_bytes(fixture.place, &entry, "other\n", 6, &err), &err, FAULT_BUSY,
		    "d/e/f");
	shell(check_dirfd(state),
	      "test \"$(cat slot/d/e/f)\" = hello; test -z \"$(ls -A staging)\"");
	entry.path = (char *)"l/f";
	check_error(place_bytes(fixture.place, &entry, "", 0, &err), &err, FAULT_INTERNAL, "l/f");
	shell(check_dirfd(state), "test -z \"$(ls -A outside)\"");
}

static void test_bytes_that_fail_leave_nothing(void **state)
{
	__attribute__((cleanup(done))) struct fixture fixture = make(state);
	struct index_entry entry = { .type = INDEX_FILE, .mode = 0644, .path = (char *)"d/f" };
	struct error err = {};

	no_times = true;
	check_error(place_bytes(fixture.place, &entry, "hello\n", 6, &err), &err, FAULT_INTERNAL,
		    "writing d/f");
	no_times = false;
	shell(check_dirfd(state), "test ! -e slot/d/f");
}

static void test_moves(void **state)
{
	__attribute__((cleanup(done))) struct fixture fixture = make(state);
	struct index_entry entry = {
		.type = INDEX_FILE, .mode = 0640, .mtime = 5, .path = (char *)"d/m"
	};
	_cleanup_close_ int fd = -1;

	check_write(fixture.staging, "x", "moved", 5);
	fd = shell_open(fixture.staging, "x");
	assert_int_equal(place_move(fixture.place, fd, "x", &entry, NULL), 0);
	shell(check_dirfd(state), "test \"$(stat -c '%a %Y %h' slot/d/m)\" = '640 5 1';"
				  "test -z \"$(ls -A staging)\"");
}

static void test_links(void **state)
{
	__attribute__((cleanup(done))) struct fixture fixture = make(state);
	struct index_entry link = { .type = INDEX_SYMLINK,
				    .path = (char *)"d/s",
				    .target = (char *)"../f" };
	struct index_entry hard = { .type = INDEX_HARDLINK,
				    .path = (char *)"d/h",
				    .target = (char *)"d/e/f" };

	assert_int_equal(put(&fixture, "d/e/f", NULL), 0);
	assert_int_equal(place_link(fixture.place, &link, NULL), 0);
	assert_int_equal(place_link(fixture.place, &hard, NULL), 0);
	assert_int_equal(place_link(fixture.place, &hard, NULL), PLACE_THERE);
	shell(check_dirfd(state),
	      "test slot/d/h -ef slot/d/e/f; test \"$(readlink slot/d/s)\" = ../f");
	hard.path = (char *)"l/h";
	assert_true(place_link(fixture.place, &hard, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_puts),  check_in_dir(test_puts_without_empty_paths),
		check_in_dir(test_bytes), check_in_dir(test_bytes_that_fail_leave_nothing),
		check_in_dir(test_moves), check_in_dir(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
