#include "transfer/fetch-file.h"

#include "kit-stream.h"

static struct kit_line line;

static void run(const char *name, uint64_t first, uint64_t length, uint64_t cap)
{
	int root_fd, fd;
	char url[512];

	(void)snprintf(url, sizeof(url), "file://%s/root/%s", kit_path, name);
	assert_int_equal(fetch_file_open_root(kit_file("root"), &root_fd, NULL), 0);
	kit_line_begin(&line, url, first, length, cap);
	fd = fetch_file_begin(&line.stream, kit_file("root"), root_fd);
	assert_true((fd < 0) == line.stream.ended);
	while (!line.stream.ended) {
		fetch_file_step(&line.stream, fd, 0);
		kit_line_pump(&line);
	}
	if (fd >= 0)
		(void)close(fd);
	(void)close(root_fd);
}

static void check(const char *name, uint64_t first, uint64_t length, uint64_t cap,
		  enum fetch_class class, const char *word)
{
	run(name, first, length, cap);
	kit_line_check(&line, class, word);
	kit_line_done(&line);
}

static int setup(void **state)
{
	if (kit_setup(state) < 0 || mkdir(kit_file("root"), 0755) < 0)
		return -1;
	kit_write("outside", "secret", 6, 0644);
	kit_write("root/file", "0123456789", 10, 0644);
	kit_write("root/a b", "blank", 5, 0644);
	kit_write("root/empty", "", 0, 0644);
	return 0;
}

static void files_and_ranges(void **state)
{
	check("file", 0, 0, 100, FETCH_OK, "");
	assert_memory_equal(line.body, "0123456789", 10);
	check("file", 3, 4, 100, FETCH_OK, "");
	assert_memory_equal(line.body, "3456", 4);
	assert_int_equal(line.size, 4);
	check("empty", 0, 0, 100, FETCH_OK, "");
	check("a%20b", 0, 0, 100, FETCH_OK, "");
	check("file", 0, 0, 9, FETCH_TOO_LONG, "10 bytes, longer than 9 bytes");
	check("file", 8, 3, 100, FETCH_TRUNCATED, "ends before");
	check("file", UINT64_MAX - 1, 3, 100, FETCH_TRUNCATED, "ends before");
	check("none", 0, 0, 100, FETCH_ABSENT, "no such file");
	check("file/x", 0, 0, 100, FETCH_ABSENT, "");
}

static void a_large_file_comes_whole(void **state)
{
	static char big[600000];

	kit_fill(big, sizeof(big));
	kit_write("root/big", big, sizeof(big), 0644);
	check("big", 0, 0, sizeof(big), FETCH_OK, "");
	assert_int_equal(line.size, sizeof(big));
	assert_memory_equal(line.body, big, sizeof(big));
}

static void nothing_outside_the_folder_is_read(void **state)
{
	assert_int_equal(symlink("../outside", kit_file("root/up")), 0);
	assert_int_equal(symlink(kit_file("outside"), kit_file("root/absolute")), 0);
	assert_int_equal(symlink("file", kit_file("root/within")), 0);
	check("up", 0, 0, 100, FETCH_LOCAL, "leads out");
	check("absolute", 0, 0, 100, FETCH_LOCAL, "leads out");
	check("../outside", 0, 0, 100, FETCH_CONFIG, "no file of the folder");
	check("%2e%2e/outside", 0, 0, 100, FETCH_LOCAL, "leads out");
	check("..%2foutside", 0, 0, 100, FETCH_LOCAL, "leads out");
	check("within", 0, 0, 100, FETCH_OK, "");
}

static void what_is_no_file_is_refused_at_once(void **state)
{
	assert_int_equal(mkfifo(kit_file("root/fifo"), 0644), 0);
	assert_int_equal(mkdir(kit_file("root/dir"), 0755), 0);
	check("fifo", 0, 0, 100, FETCH_LOCAL, "not a regular file");
	check("dir", 0, 0, 100, FETCH_LOCAL, "not a regular file");
	check("", 0, 0, 100, FETCH_CONFIG, "no file of the folder");
}

static void without_a_folder_nothing_is_read(void **state)
{
	struct error err;
	int fd;

	kit_line_begin(&line, "file:///etc/hosts", 0, 0, 1000);
	assert_int_equal(fetch_file_begin(&line.stream, NULL, -1), -1);
	kit_line_check(&line, FETCH_CONFIG, "no file of the folder");
	kit_line_done(&line);
	kit_check_error(fetch_file_open_root(kit_file("none"), &fd, &err), &err, FAULT_CONFIG,
			"none: No such");
	kit_check_error(fetch_file_open_root(kit_file("root/file"), &fd, &err), &err, FAULT_CONFIG,
			"Not a directory");
}

/* The file is cut while it is read: fewer bytes than announced are not called good. */
static void a_file_that_shrinks_is_truncated(void **state)
{
	static char big[600000];
	int root_fd, fd;
	char url[512];

	kit_write("root/big", big, sizeof(big), 0644);
	(void)snprintf(url, sizeof(url), "file://%s/root/big", kit_path);
	assert_int_equal(fetch_file_open_root(kit_file("root"), &root_fd, NULL), 0);
	kit_line_begin(&line, url, 0, 0, sizeof(big));
	fd = fetch_file_begin(&line.stream, kit_file("root"), root_fd);
	fetch_file_step(&line.stream, fd, 0);
	assert_int_equal(truncate(kit_file("root/big"), 100000), 0);
	while (!line.stream.ended) {
		fetch_file_step(&line.stream, fd, 0);
		kit_line_pump(&line);
	}
	kit_line_check(&line, FETCH_TRUNCATED, "100000 of 600000");
	kit_line_done(&line);
	(void)close(fd);
	(void)close(root_fd);
}

#define in_root(test) cmocka_unit_test_setup_teardown(test, setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_root(files_and_ranges),
		in_root(a_large_file_comes_whole),
		in_root(nothing_outside_the_folder_is_read),
		in_root(what_is_no_file_is_refused_at_once),
		in_root(without_a_folder_nothing_is_read),
		in_root(a_file_that_shrinks_is_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
