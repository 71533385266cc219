/* LDFLAGS: -Wl,--wrap=fd_read_full */
#include "install/scrub.h"

#include <sys/xattr.h>

#include "app-dir.h"
#include "base/text.h"

#define NOBODY 65534

static unsigned int reads_until_rotten; /* 0: the disk is fine */

ssize_t __real_fd_read_full(int fd, void *buf, size_t size);
ssize_t __wrap_fd_read_full(int fd, void *buf, size_t size);
ssize_t __wrap_fd_read_full(int fd, void *buf, size_t size)
{
	if (reads_until_rotten > 0 && --reads_until_rotten == 0) {
		errno = EIO;
		return -1;
	}
	return __real_fd_read_full(fd, buf, size);
}

/* An app with a sealed slot a, in the test's directory. */
static int make_app(void **state)
{
	int dirfd = check_dirfd(state);
	int app = app_make(dirfd, "app");
	struct error err = {};

	shell(dirfd,
	      "mkdir -p t/d/e; printf hello >t/d/f; printf other >t/g; ln t/d/f t/h; ln -s g t/l;"
	      "chmod 755 t/g; find t -exec touch -h -d @1700000000 {} +; tar -cf t.tar -C t .");
	if (app_stage(app, dirfd, "t.tar", &app_options, &err) < 0)
		fail_msg("%s", err.text);
	return app;
}

static void hear(void *data, const char *path, const char *what)
{
	text_add(data, "%s: %s\n", path, what);
}

/* After the script (run in the slot) these are the findings. */
static void check_findings(int app, const char *script, const char *wanted)
{
	_cleanup_text_ struct text text = {};
	_cleanup_close_ int slot = shell_open(app, "slots/a");
	struct error err = {};
	uint64_t n = 0;
	uint64_t lines = 0;

	assert_int_equal(shell_run(slot, (const char *const[]){ "sh", "-euc", script, NULL }), 0);
	if (scrub_slot(app, SLOT_A, hear, NULL, &text, &n, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(text.data ? text.data : "", wanted);
	for (const char *at = wanted; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(n, lines);
}

static void check_one(void **state, const char *script, const char *wanted)
{
	_cleanup_close_ int app = make_app(state);

	check_findings(app, ":", "");
	check_findings(app, script, wanted);
}

#define STAMP "touch -d @1700000000 "

#define FINDING(name, script, wanted)             \
	static void test_##name(void **state)     \
	{                                         \
		check_one(state, script, wanted); \
	}

FINDING(missing, "rm g; rmdir d/e", "d/e: missing\ng: missing\n")
FINDING(extra, ": >x; mkdir d/x; ln -s / d/x/y; mkfifo z",
	"d/x: not in the seal\nd/x/y: not in the seal\nx: not in the seal\nz: not in the seal\n")
FINDING(content, "printf OTHER >g; " STAMP "g", "g: content differs\n")
FINDING(size, "printf more >>g; " STAMP "g", "g: size differs\n")
FINDING(mtime, "touch -d @5 g", "g: time of change differs\n")
FINDING(mode, "chmod 4755 g; chmod 777 d; chmod 700 .",
	".: mode is 0700 instead of 0755\nd: mode is 0777 instead of 0755\n"
	"g: mode is 4755 instead of 0755\n")
FINDING(link_text, "ln -sfn d l", "l: link text differs\n")
FINDING(kind_link, "rm g; ln -s d/f g", "g: another kind of file\n")
FINDING(kind_fifo, "rm g; mkfifo g", "g: another kind of file\n")
FINDING(kind_directory, "rm g; mkdir g; : >g/x", "g: another kind of file\ng/x: not in the seal\n")
FINDING(directory_is_link, "mv d ../../elsewhere; ln -s ../../elsewhere d",
	"d: another kind of file\nd/e: missing\nd/f: missing\n"
	"h: no longer the same file as its other name\n")
FINDING(hard_link, "cp h x; mv x h", "h: no longer the same file as its other name\n")

/* The same content by another inode, and its time: the only finding is the link. */
FINDING(first_name_gone, "rm d/f", "d/f: missing\nh: no longer the same file as its other name\n")

/* A file may have more names outside: the other slot may share it. */
FINDING(further_names_are_fine, "ln g ../shared", "")

/* Nobody in particular looks at a slot of his own, whose modes somebody changed. */
static int scrub_as_nobody(int app)
{
	if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return 1;
	check_findings(app, ":", "g: mode is 0000 instead of 0755\ng: may not be read\n");
	return 0;
}

static void test_what_may_not_be_read(void **state)
{
	_cleanup_close_ int app = make_app(state);
	int status = -1;
	pid_t pid;

	if (geteuid() == 0)
		shell(app, "chown -hR 65534 ../app; chmod 711 ..");
	shell(app, "chmod 0 slots/a/g");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(scrub_as_nobody(app));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_owner(void **state)
{
	_cleanup_close_ int app = geteuid() == 0 ? make_app(state) : -1;

	if (app < 0)
		skip();
	check_findings(app, "chown -h 1:1 l g d",
		       "d: owner differs\ng: owner differs\nl: owner differs\n");
}

static void test_capability(void **state)
{
	static const unsigned char capability[20] = { 1, 0, 0, 2, 0, 4 };
	_cleanup_close_ int app = geteuid() == 0 ? make_app(state) : -1;
	char path[128];

	if (app < 0)
		skip();
	(void)snprintf(path, sizeof(path), "%s/app/slots/a/g", check_path);
	assert_int_equal(setxattr(path, "security.capability", capability, 20, 0), 0);
	check_findings(app, ":", "g: file capabilities differ\n");
}

static void test_many_findings_in_order(void **state)
{
	check_one(state, "printf x >a-b; printf HELLO >d/f; touch -d @1 d/f; chmod 600 d/f; rm l",
		  "a-b: not in the seal\nd/f: mode is 0600 instead of 0644\n"
		  "d/f: time of change differs\nd/f: content differs\nl: missing\n");
}

static void test_absent_or_damaged_seal(void **state)
{
	_cleanup_close_ int app = make_app(state);
	struct error err = {};
	uint64_t n = 77;

	assert_int_equal(scrub_slot(app, SLOT_B, NULL, NULL, NULL, &n, &err), SEAL_ABSENT);
	check_write(app, "slots/a.seal", "flipslot", 8);
	check_error(scrub_slot(app, SLOT_A, NULL, NULL, NULL, &n, &err), &err, FAULT_CORRUPT,
		    "seal is damaged");
	assert_int_equal(n, 77);
}

static int stop(void *data, uint64_t done, uint64_t total, struct error *err)
{
	assert_int_equal(total, 10);
	*(uint64_t *)data = done;
	return done > 5 ? error_set(err, FAULT_BUSY, "stopped") : 0;
}

static void test_progress_can_stop_it(void **state)
{
	_cleanup_close_ int app = make_app(state);
	struct error err = {};
	uint64_t done = 0;
	uint64_t n;

	check_error(scrub_slot(app, SLOT_A, NULL, stop, &done, &n, &err), &err, FAULT_BUSY,
		    "stopped");
	assert_int_equal(done, 10);
}

/* The second file that is read lies on a bad block: the others are compared all the same. */
static void test_what_the_disk_cannot_read(void **state)
{
	_cleanup_close_ int app = make_app(state);
	_cleanup_text_ struct text text = {};
	uint64_t n = 0;

	shell(app, "printf j >slots/a/d/f; touch -d @1700000000 slots/a/d/f");
	reads_until_rotten = 1;
	assert_int_equal(scrub_slot(app, SLOT_A, hear, NULL, &text, &n, NULL), 0);
	reads_until_rotten = 0;
	assert_int_equal(n, 2);
	assert_string_equal(text.data, "d/f: size differs\ng: the disk cannot read it\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_what_the_disk_cannot_read),
		check_in_dir(test_missing),
		check_in_dir(test_extra),
		check_in_dir(test_content),
		check_in_dir(test_size),
		check_in_dir(test_mtime),
		check_in_dir(test_mode),
		check_in_dir(test_link_text),
		check_in_dir(test_kind_link),
		check_in_dir(test_kind_fifo),
		check_in_dir(test_kind_directory),
		check_in_dir(test_directory_is_link),
		check_in_dir(test_hard_link),
		check_in_dir(test_first_name_gone),
		check_in_dir(test_further_names_are_fine),
		check_in_dir(test_what_may_not_be_read),
		check_in_dir(test_owner),
		check_in_dir(test_capability),
		check_in_dir(test_many_findings_in_order),
		check_in_dir(test_absent_or_damaged_seal),
		check_in_dir(test_progress_can_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
