/* A copy of a service's data beside it. */
#include "install/shadow.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "../base/check.h"
#include "base/cleanup.h"

static int from_fd, to_fd;

static int setup(void **state)
{
	int r = check_setup(state);

	assert_int_equal(mkdirat(check_dirfd(state), "from", 0750), 0);
	assert_int_equal(mkdirat(check_dirfd(state), "to", 0700), 0);
	from_fd = openat(check_dirfd(state), "from", O_RDONLY | O_DIRECTORY);
	to_fd = openat(check_dirfd(state), "to", O_RDONLY | O_DIRECTORY);
	return r;
}

static int teardown(void **state)
{
	(void)close(from_fd);
	(void)close(to_fd);
	return check_teardown_closed(state);
}

static const struct shadow_limits plenty = { .max_copied = 1 << 20 };

static void same(const char *name)
{
	char a[4096], b[4096];
	int fa = openat(from_fd, name, O_RDONLY), fb = openat(to_fd, name, O_RDONLY);
	ssize_t na = read(fa, a, sizeof(a)), nb = read(fb, b, sizeof(b));
	struct stat sa, sb;

	assert_int_equal(fstat(fa, &sa), 0);
	assert_int_equal(fstat(fb, &sb), 0);
	assert_int_equal(na, nb);
	if (na > 0)
		assert_memory_equal(a, b, (size_t)na);
	assert_int_equal(sa.st_mode, sb.st_mode);
	assert_int_equal(sa.st_size, sb.st_size);
	assert_int_equal(sa.st_mtim.tv_sec, sb.st_mtim.tv_sec);
	assert_int_equal(sa.st_mtim.tv_nsec, sb.st_mtim.tv_nsec);
	assert_int_not_equal(sa.st_ino, sb.st_ino);
	(void)close(fa);
	(void)close(fb);
}

static void all_of_it_is_there(void **state)
{
	const struct timespec times[] = { { .tv_sec = 5 }, { .tv_sec = 7, .tv_nsec = 9 } };
	struct shadow_figures figures;
	char text[64], value[8];
	struct stat st;

	(void)state;
	check_write(from_fd, "db", "hello", 5);
	assert_int_equal(fchmodat(from_fd, "db", 0640, 0), 0);
	assert_int_equal(mkdirat(from_fd, "sub", 0711), 0);
	check_write(from_fd, "sub/x", "", 0);
	assert_int_equal(utimensat(from_fd, "sub/x", times, 0), 0);
	assert_int_equal(utimensat(from_fd, "sub", times, 0), 0);
	assert_int_equal(symlinkat("/etc/shadow", from_fd, "link"), 0);
	assert_int_equal(mkfifoat(from_fd, "fifo", 0620), 0);
	(void)fsetxattr(from_fd, "user.a", "b", 1, 0);
	assert_int_equal(shadow_copy(from_fd, to_fd, &plenty, &figures, NULL), 0);
	same("db");
	same("sub/x");
	assert_int_equal(fstatat(to_fd, "sub", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(st.st_mtim.tv_nsec, 9);
	assert_int_equal(fstat(to_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(readlinkat(to_fd, "link", text, sizeof(text)), 11);
	assert_int_equal(fstatat(to_fd, "fifo", &st, 0), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(figures.entries, 5);
	assert_int_equal(figures.bytes, 5);
	if (fgetxattr(from_fd, "user.a", value, sizeof(value)) == 1)
		assert_int_equal(fgetxattr(to_fd, "user.a", value, sizeof(value)), 1);
}

static void holes_stay_holes(void **state)
{
	struct shadow_figures figures;
	struct stat a, b;
	int fd = openat(from_fd, "sparse", O_RDWR | O_CREAT, 0600);

	(void)state;
	assert_int_equal(pwrite(fd, "x", 1, 64 << 20), 1);
	(void)close(fd);
	assert_int_equal(shadow_copy(from_fd, to_fd, &plenty, &figures, NULL), 0);
	assert_int_equal(fstatat(from_fd, "sparse", &a, 0), 0);
	assert_int_equal(fstatat(to_fd, "sparse", &b, 0), 0);
	assert_int_equal(a.st_size, b.st_size);
	assert_true(b.st_blocks <= a.st_blocks + 256);
	assert_true(figures.bytes < 1 << 20);
}

static void no_more_than_allowed(void **state)
{
	static const struct shadow_limits little = { .max_copied = 8 };
	struct shadow_figures figures, measured;
	struct error err = {};
	int r;

	(void)state;
	check_write(from_fd, "a", "12345", 5);
	check_write(from_fd, "b", "12345", 5);
	assert_int_equal(shadow_measure(from_fd, &measured, NULL), 0);
	assert_int_equal(measured.bytes, 10);
	r = shadow_copy(from_fd, to_fd, &little, &figures, &err);
	if (measured.copied == 0) { /* shared: costs nothing */
		assert_int_equal(r, 0);
		return;
	}
	assert_true(r < 0);
	assert_int_equal(err.fault, FAULT_NO_SPACE);
	assert_int_equal(measured.copied, 10);
}

static void sharing_may_be_a_must(void **state)
{
	static const struct shadow_limits share = { .must_share = true };
	struct shadow_figures figures, measured;

	(void)state;
	check_write(from_fd, "a", "12345", 5);
	assert_int_equal(shadow_measure(from_fd, &measured, NULL), 0);
	assert_int_equal(shadow_copy(from_fd, to_fd, &share, &figures, NULL) == 0,
			 measured.copied == 0);
}

static void sockets_are_left_out(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct shadow_figures figures;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/from/sock", check_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(shadow_copy(from_fd, to_fd, &plenty, &figures, NULL), 0);
	assert_int_equal(faccessat(to_fd, "sock", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	(void)state;
}

static void what_cannot_be_put_back_is_refused(void **state)
{
	struct shadow_figures figures;
	struct error err = {};

	(void)state;
	if (geteuid() != 0)
		skip();
	check_write(from_fd, "alien", "x", 1);
	assert_int_equal(fchownat(from_fd, "alien", 4711, 0, 0), 0);
	assert_true(shadow_measure(from_fd, &figures, &err) < 0);
	assert_non_null(strstr(err.text, "alien in the data belongs to somebody else"));
	assert_int_equal(unlinkat(from_fd, "alien", 0), 0);
	if (mknodat(from_fd, "null", S_IFCHR | 0600, 0x103) < 0)
		return;
	assert_true(shadow_measure(from_fd, &figures, &err) < 0);
	assert_non_null(strstr(err.text, "is a device"));
}

static void it_has_an_end(void **state)
{
	struct shadow_figures figures;
	struct error err = {};
	char path[2 * SHADOW_DEPTH_MAX + 8] = "d";
	size_t at = 1;

	(void)state;
	for (unsigned int i = 0; i <= SHADOW_DEPTH_MAX; i++) {
		assert_int_equal(mkdirat(from_fd, path, 0700), 0);
		at += (size_t)snprintf(path + at, sizeof(path) - at, "/d");
	}
	assert_true(shadow_measure(from_fd, &figures, &err) < 0);
	assert_non_null(strstr(err.text, "too deep"));
}

int main(void)
{
#define shadow_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		shadow_test(all_of_it_is_there),   shadow_test(holes_stay_holes),
		shadow_test(no_more_than_allowed), shadow_test(sharing_may_be_a_must),
		shadow_test(sockets_are_left_out), shadow_test(what_cannot_be_put_back_is_refused),
		shadow_test(it_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
