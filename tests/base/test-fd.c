/* LDFLAGS: -Wl,--wrap=syscall,--wrap=read,--wrap=write,--wrap=pread,--wrap=pwrite */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "check.h"

/* Short and interrupted transfers, as signals and pipes make them; off outside of the tests below. */
static bool difficult;

static bool interrupt(size_t *size)
{
	if (!difficult)
		return false;
	if (check_below(3) == 0) {
		errno = EINTR;
		return true;
	}
	*size = 1 + check_below(*size);
	return false;
}

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __real_pread(int fd, void *buf, size_t size, off_t offset);
ssize_t __real_pwrite(int fd, const void *buf, size_t size, off_t offset);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t size, off_t offset);

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	return interrupt(&size) ? -1 : __real_read(fd, buf, size);
}

ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	return interrupt(&size) ? -1 : __real_write(fd, buf, size);
}

ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t offset)
{
	return interrupt(&size) ? -1 : __real_pread(fd, buf, size, offset);
}

ssize_t __wrap_pwrite(int fd, const void *buf, size_t size, off_t offset)
{
	return interrupt(&size) ? -1 : __real_pwrite(fd, buf, size, offset);
}

static void transfers_are_whole_in_spite_of_signals(void **state)
{
	_cleanup_close_ int fd = openat(check_dirfd(state), "f", O_RDWR | O_CREAT, 0600);
	static char data[5000];
	static char back[sizeof(data) + 100];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)check_random();
	difficult = true;
	assert_int_equal(fd_write_full(fd, data, sizeof(data)), 0);
	assert_int_equal(fd_pwrite_full(fd, data, 100, sizeof(data)), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(fd_read_full(fd, back, sizeof(data)), sizeof(data));
	assert_memory_equal(data, back, sizeof(data));
	assert_int_equal(fd_pread_full(fd, back, sizeof(back) + 50, 0), sizeof(back));
	assert_memory_equal(data, back + sizeof(data), 100);
	assert_int_equal(fd_pread_full(fd, back, 10, sizeof(back)), 0);
	difficult = false;
}

static void errors_of_transfers_are_told(void **state)
{
	_cleanup_close_ int full = open("/dev/full", O_RDWR);
	char c = 'x';

	errno = 0;
	assert_int_equal(fd_write_full(full, &c, 1), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(fd_read_full(check_dirfd(state), &c, 1), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(fd_pwrite_full(-1, &c, 1, 0), -1);
	assert_int_equal(fd_pread_full(-1, &c, 1, 0), -1);
}

/* Written in two calls, with zeroes at either one's beginning and end. */
static void zeroes_become_holes(void **state)
{
	enum { PIECE = 64 * 1024, HALF = 4 * PIECE };
	_cleanup_close_ int fd = openat(check_dirfd(state), "f", O_RDWR | O_CREAT, 0600);
	static char data[2 * HALF];
	static char back[sizeof(data) + 1];
	struct stat st;

	data[PIECE] = data[2 * PIECE - 1] = 'x';
	data[HALF + PIECE + 1] = 'y';
	assert_int_equal(fd_pwrite_sparse(fd, data, HALF, 0), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, HALF);
	assert_int_equal(fd_pwrite_sparse(fd, data + HALF, HALF, HALF), 0);
	assert_int_equal(fd_pread_full(fd, back, sizeof(back), 0), sizeof(data));
	assert_memory_equal(back, data, sizeof(data));
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_in_range(st.st_blocks, 1, (2 * PIECE + 16 * 1024) / 512);
}

static void a_file_is_read_whole_or_not_at_all(void **state)
{
	int dirfd = check_dirfd(state);
	static char data[100000];
	static const size_t sizes[] = { 0, 1, 4094, 4095, 4096, 4097, 8191, sizeof(data) };

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)check_random();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *back = NULL;
		struct error err = {};
		size_t size = 1;
		char *none = NULL;

		check_write(dirfd, "f", data, sizes[i]);
		assert_int_equal(fd_read_file(dirfd, "f", sizes[i], &back, &size, NULL), 0);
		assert_int_equal(size, sizes[i]);
		assert_memory_equal(back, data, size);
		assert_int_equal(back[size], 0);
		if (sizes[i] > 0)
			check_error(fd_read_file(dirfd, "f", sizes[i] - 1, &none, NULL, &err), &err,
				    FAULT_CORRUPT, "more than");
		assert_null(none);
	}
}

static void what_is_no_regular_file_is_not_read(void **state)
{
	int dirfd = check_dirfd(state);
	struct error err = {};
	char *data = NULL;

	assert_int_equal(fd_read_file(dirfd, "none", 10, &data, NULL, &err), FD_ABSENT);
	assert_int_equal(err.fault, FAULT_NONE);
	assert_int_equal(mkfifoat(dirfd, "fifo", 0600), 0);
	check_error(fd_read_file(dirfd, "fifo", 10, &data, NULL, &err), &err, FAULT_CORRUPT,
		    "regular");
	assert_int_equal(mkdirat(dirfd, "dir", 0700), 0);
	check_error(fd_read_file(dirfd, "dir", 10, &data, NULL, &err), &err, FAULT_CORRUPT,
		    "regular");
	check_write(dirfd, "f", "x", 1);
	assert_int_equal(symlinkat("f", dirfd, "link"), 0);
	check_error(fd_read_file(dirfd, "link", 10, &data, NULL, &err), &err, FAULT_INTERNAL,
		    "link");
	assert_null(data);
}

static void files_that_tell_no_size_are_read(void **state)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0;

	assert_int_equal(fd_read_file(AT_FDCWD, "/proc/self/status", 65536, &data, &size, NULL), 0);
	assert_true(size > 100);
	assert_memory_equal(data, "Name:", 5);
}

static void a_directory_is_opened_but_not_through_a_link(void **state)
{
	_cleanup_close_ int fd = -1;
	int none = -1;
	int dirfd = check_dirfd(state);
	struct error err = {};

	assert_int_equal(mkdirat(dirfd, "a", 0700), 0);
	assert_int_equal(mkdirat(dirfd, "a/b", 0700), 0);
	assert_int_equal(symlinkat("a", dirfd, "link"), 0);
	assert_int_equal(fd_open_dir(dirfd, "a/b", &fd, NULL), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	check_error(fd_open_dir(dirfd, "link", &none, &err), &err, FAULT_INTERNAL, "link");
	check_error(fd_open_dir(dirfd, "none", &none, &err), &err, FAULT_INTERNAL, "No such");
	assert_int_equal(none, -1);
}

/* How a path fails: 0 if it does not. */
static int beneath(int dirfd, const char *path)
{
	_cleanup_close_ int fd = fd_open_beneath(dirfd, path, O_RDONLY, 0);

	return fd < 0 ? errno : 0;
}

static int resolved(int dirfd, const char *path)
{
	_cleanup_close_ int fd = fd_open_resolved(dirfd, path, O_RDONLY);

	return fd < 0 ? errno : 0;
}

static void nothing_leads_out(void **state)
{
	int dirfd = check_dirfd(state);

	assert_int_equal(mkdirat(dirfd, "a", 0700), 0);
	check_write(dirfd, "a/f", "x", 1);
	assert_int_equal(symlinkat("f", dirfd, "a/link"), 0);
	assert_int_equal(symlinkat("a", dirfd, "dirlink"), 0);
	assert_int_equal(symlinkat("/etc", dirfd, "out"), 0);
	assert_int_equal(symlinkat("../../etc", dirfd, "up"), 0);
	assert_int_equal(beneath(dirfd, "a/f"), 0);
	assert_int_equal(beneath(dirfd, "a/../a/f"), 0);
	assert_int_equal(beneath(dirfd, "a/link"), ELOOP);
	assert_int_equal(beneath(dirfd, "dirlink/f"), ELOOP);
	assert_int_equal(beneath(dirfd, "../x"), EXDEV);
	assert_int_equal(beneath(dirfd, "a/../../x"), EXDEV);
	assert_int_equal(beneath(dirfd, "/etc/passwd"), EXDEV);
	assert_int_equal(resolved(dirfd, "a/link"), 0);
	assert_int_equal(resolved(dirfd, "dirlink/f"), 0);
	assert_int_equal(resolved(dirfd, "out/passwd"), EXDEV);
	assert_int_equal(resolved(dirfd, "up/passwd"), EXDEV);
	assert_int_equal(resolved(dirfd, "none"), ENOENT);
}

static int inside(int dirfd, const char *path)
{
	_cleanup_close_ int fd = fd_open_inside(dirfd, path, O_RDONLY);

	return fd < 0 ? errno : 0;
}

/* /proc is a mount wherever there are processes. */
static void no_mount_is_crossed(void **state)
{
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(beneath(root, "proc/version"), 0);
	assert_int_equal(inside(root, "proc/version"), EXDEV);
	assert_int_equal(inside(root, "proc"), EXDEV);
	assert_int_equal(inside(proc, "version"), 0);
	assert_int_equal(inside(proc, "../etc/passwd"), EXDEV);
	assert_int_equal(inside(proc, "mounts"), ELOOP);
}

/* How often the kernel says that somebody renames on the way. */
static int busy;
/* A file of somebody else: whoever reads it leaves a trace. */
static bool not_ours;

long __real_syscall(long number, int dirfd, const char *path, const void *how, size_t size);
long __wrap_syscall(long number, int dirfd, const char *path, const void *how, size_t size);
long __wrap_syscall(long number, int dirfd, const char *path, const void *how, size_t size)
{
	const struct open_how *asked = how;

	if (not_ours && asked->flags & O_NOATIME) {
		errno = EPERM;
		return -1;
	}
	if (busy > 0) {
		busy--;
		errno = EAGAIN;
		return -1;
	}
	return __real_syscall(number, dirfd, path, how, size);
}

static void what_is_renamed_on_the_way_is_tried_again(void **state)
{
	busy = 100;
	assert_int_equal(beneath(check_dirfd(state), "."), 0);
	assert_int_equal(busy, 0);
	busy = 10000;
	assert_int_equal(beneath(check_dirfd(state), "."), EAGAIN);
	assert_in_range(busy, 1, 9999);
	busy = 0;
}

static void what_is_not_ours_is_read_all_the_same(void **state)
{
	int dirfd = check_dirfd(state);

	for (int i = 0; i < 2; i++) {
		_cleanup_close_ int fd = fd_open_unseen(dirfd, ".", O_RDONLY);

		assert_true(fd >= 0);
		assert_int_equal(!(fcntl(fd, F_GETFL) & O_NOATIME), not_ours);
		assert_int_equal(fd_open_unseen(dirfd, "absent", O_RDONLY), -1);
		not_ours = !not_ours;
	}
}

static void a_file_can_be_made_beneath(void **state)
{
	int dirfd = check_dirfd(state);
	struct stat st;
	int fd = fd_open_beneath(dirfd, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	(void)close(fd);
}

/* In a child, as it takes the descriptors of the test's own. */
static void all_but_the_listed_are_closed(void **state)
{
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0) {
		const int keep[] = { 40, -1, 20, 40 };
		int wrong = 0;

		for (int fd = 3; fd < 50; fd++)
			wrong += dup2(2, fd) != fd;
		fd_close_all_but(keep, ARRAY_SIZE(keep));
		for (int fd = 0; fd < 60; fd++) {
			bool open = fcntl(fd, F_GETFD) >= 0;

			wrong += open != (fd <= 2 || fd == 20 || fd == 40);
		}
		fd_close_all_but(NULL, 0);
		wrong += fcntl(20, F_GETFD) >= 0;
		_exit(wrong);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_name_is_given_once(void **state)
{
	_cleanup_close_ int fd = fd_open_nameless(check_dirfd(state), 0644);
	_cleanup_close_ int other = fd_open_nameless(check_dirfd(state), 0644);

	if (fd < 0)
		skip(); /* the file system cannot */
	assert_int_equal(check_count(check_dirfd(state)), 0);
	assert_int_equal(fd_give_name(fd, check_dirfd(state), "a"), 0);
	assert_int_equal(check_count(check_dirfd(state)), 1);
	assert_true(fd_give_name(other, check_dirfd(state), "a") < 0 && errno == EEXIST);
	assert_int_equal(unlinkat(check_dirfd(state), "a", 0), 0);
}

/* "FDSize:\t64" */
static int table_size(void)
{
	_cleanup_free_ char *status = NULL;
	const char *line;

	assert_int_equal(fd_read_file(AT_FDCWD, "/proc/self/status", 65536, &status, NULL, NULL),
			 0);
	line = strstr(status, "FDSize:");
	assert_non_null(line);
	return (int)strtol(line + strlen("FDSize:"), NULL, 10);
}

static void room_is_made_for_descriptors(void **state)
{
	int count = 2 * table_size() + 1;
	int next = dup(0);
	struct rlimit limit;

	(void)state;
	assert_true(next >= 0 && close(next) == 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	fd_make_room(INT_MAX); /* more than there may be */
	assert_true(table_size() < count);
	if (limit.rlim_cur < (rlim_t)count)
		skip();
	fd_make_room(count);
	assert_true(table_size() >= count);
	assert_int_equal(dup(0), next); /* nothing is left open */
	assert_int_equal(close(next), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(transfers_are_whole_in_spite_of_signals),
		check_in_dir(errors_of_transfers_are_told),
		check_in_dir(a_name_is_given_once),
		check_in_dir(zeroes_become_holes),
		check_in_dir(a_file_is_read_whole_or_not_at_all),
		check_in_dir(what_is_no_regular_file_is_not_read),
		cmocka_unit_test(files_that_tell_no_size_are_read),
		check_in_dir(a_directory_is_opened_but_not_through_a_link),
		check_in_dir(nothing_leads_out),
		cmocka_unit_test(no_mount_is_crossed),
		check_in_dir(what_is_renamed_on_the_way_is_tried_again),
		check_in_dir(what_is_not_ours_is_read_all_the_same),
		check_in_dir(a_file_can_be_made_beneath),
		cmocka_unit_test(all_but_the_listed_are_closed),
		cmocka_unit_test(room_is_made_for_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
