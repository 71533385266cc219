#include "install/clearing.h"

#include <sched.h>
#include <sys/mount.h>
#undef BLOCK_SIZE /* of the kernel */

#include "release-kit.h"

struct fixture {
	int dirfd;
	int slot;
	struct index *index;
	struct survey *survey;
};

static void done(const struct fixture *fixture)
{
	(void)close(fixture->slot);
	survey_free(fixture->survey);
	index_free(fixture->index);
}

/* The tree `new`, to be made of the tree that the script makes in `slot`. */
static int clear(struct fixture *fixture, void **state, const char *script, struct error *err)
{
	struct survey_options options = { .staging_fd = -1, .other_fd = -1, .owner = geteuid() };
	int dirfd = check_dirfd(state);

	*fixture = (struct fixture){ .dirfd = dirfd };
	shell(dirfd, "mkdir -p new/d/e new/f; echo a >new/a; echo b >new/d/b; ln new/d/b new/d/h;"
		     "ln -s a new/l; ln -s b new/d/l; cp -a new slot");
	shell(dirfd, script);
	fixture->index = kit_index(dirfd, "new");
	fixture->slot = shell_open(dirfd, "slot");
	options.slot_fd = fixture->slot;
	options.index = fixture->index;
	assert_int_equal(survey_run(&options, &fixture->survey, NULL), 0);
	return clearing_run(fixture->slot, fixture->survey, err);
}

static void check_cleared(void **state, const char *script, const char *lack)
{
	__attribute__((cleanup(done))) struct fixture fixture;
	struct error err = {};

	if (clear(&fixture, state, script, &err) < 0)
		fail_msg("%s: %s", script, err.text);
	shell(fixture.dirfd, lack);
}

static void test_what_is_right_stays(void **state)
{
	check_cleared(state, "find slot -printf '%p %i %C@ %s\\n' | sort >before",
		      "find slot -printf '%p %i %C@ %s\\n' | sort | diff before -");
}

static void test_everything_else_goes(void **state)
{
	check_cleared(
		state,
		"mkfifo slot/fifo slot/d/e/fifo; mkdir -p slot/x/y/z slot/d/e/deep; touch slot/x/y/z/f;"
		"ln -s /etc slot/etc; ln -s / slot/x/root; mknod slot/null c 1 3; chmod 0 slot/x;"
		"touch \"slot/d/$(printf 'a\\nb\\001')\"; touch slot/d/e/.hidden",
		"diff -r --no-dereference new slot; test -e /etc/passwd; test \"$(ls -A slot | wc -l)\" = 4");
}

/* Each name of the release is there as something else. */
static void test_other_kinds_go(void **state)
{
	check_cleared(
		state,
		"mkdir outside; touch outside/f; rm slot/a slot/l; rm -r slot/d slot/f;"
		"mkdir -p slot/a/b; mkfifo slot/l; ln -s ../outside slot/d; touch slot/f",
		"test -f outside/f; test -d slot/d -a ! -L slot/d; test -d slot/d/e; test -d slot/f;"
		"test ! -e slot/a; test ! -e slot/l");
}

static void test_wrong_links_go(void **state)
{
	check_cleared(
		state,
		"rm slot/l slot/d/l slot/d/h; ln -s b slot/l; ln -s bb slot/d/l; cp -p slot/d/b slot/d/h",
		"test ! -L slot/l; test ! -L slot/d/l; test ! -e slot/d/h; test -f slot/d/b");
}

/* A name outside of the slot: content and metadata are shared with somebody. */
static void test_shared_files_go(void **state)
{
	check_cleared(state, "ln slot/a stranger; ln slot/d/b other",
		      "test ! -e slot/a; test ! -e slot/d/b; test ! -e slot/d/h; test -f stranger");
}

static void test_mends(void **state)
{
	check_cleared(
		state,
		"chmod 0600 slot/a; touch -d @5 slot/d/b; chmod 0711 slot/d slot/f; ls -i slot/a >before",
		"ls -i slot/a | diff before -; test $(stat -c %a slot/a) = $(stat -c %a new/a);"
		"test $(stat -c %Y slot/d/b) = $(stat -c %Y new/d/b);"
		"test $(stat -c %a slot/d) = 755; test $(stat -c %a slot/f) = 755");
}

static void test_others_property(void **state)
{
	if (geteuid() != 0)
		skip();
	check_cleared(
		state, "chown 12345 slot/a slot/d; chown -h 12345 slot/l; chmod 0666 slot/d/b",
		"test ! -e slot/a; test ! -L slot/l; test $(stat -c %u slot/d) = 0; test ! -e slot/d/b");
}

static void check_refused(void **state, const char *script, const char *undo, const char *word)
{
	struct fixture fixture;
	struct error err = {};
	int r = clear(&fixture, state, script, &err);

	done(&fixture);
	shell(check_dirfd(state), undo);
	assert_true(r < 0);
	if (!strstr(err.text, word))
		fail_msg("\"%s\" does not say \"%s\"", err.text, word);
}

static void test_immutable(void **state)
{
	if (geteuid() != 0 ||
	    shell_run(check_dirfd(state),
		      (const char *const[]){ "sh", "-c",
					     "touch i && chattr +i i 2>/dev/null && chattr -i i",
					     NULL }) != 0)
		skip();
	check_refused(state, "touch slot/x; chattr +i slot/x", "chattr -i slot/x", "immutable");
}

/* Mounts of our own from here on; the test's directory is opened anew, as an old descriptor is of the old ones. */
static bool unshare_mounts(void)
{
	int fd;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	fd = open(check_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(dup2(fd, check_fd), check_fd);
	return close(fd) == 0;
}

/* Nothing that is mounted in the slot is emptied, be it of the same file system. */
static void test_mounts(void **state)
{
	if (!unshare_mounts())
		skip();
	check_refused(state,
		      "mkdir precious slot/x; touch precious/f; mount --bind precious slot/x",
		      "umount slot/x; test -f precious/f", "unmount");
}

static void test_mounts_on_what_belongs(void **state)
{
	if (!unshare_mounts())
		skip();
	check_refused(state, "mkdir precious; touch precious/f; mount --bind precious slot/d",
		      "umount slot/d; test -f precious/f", "unmount");
}

static void test_mounted_files(void **state)
{
	if (!unshare_mounts())
		skip();
	check_refused(state, "cp -p slot/a precious; mount --bind precious slot/a",
		      "umount slot/a; test -f precious", "unmount");
}

static void test_deep(void **state)
{
	check_cleared(state, "cd slot; for i in $(seq 300); do mkdir x; cd x; done; touch bottom",
		      "diff -r --no-dereference new slot");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_what_is_right_stays),
		check_in_dir(test_everything_else_goes),
		check_in_dir(test_other_kinds_go),
		check_in_dir(test_wrong_links_go),
		check_in_dir(test_shared_files_go),
		check_in_dir(test_mends),
		check_in_dir(test_others_property),
		check_in_dir(test_immutable),
		check_in_dir(test_mounts),
		check_in_dir(test_mounts_on_what_belongs),
		check_in_dir(test_mounted_files),
		check_in_dir(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
