/* LDFLAGS: @tests/store/calls.flags */
#include "store/layout.h"

#include <sched.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "store/durable.h"
#include "store/history.h"
#include "store/outbox.h"
#include "store/record.h"
#include "store/state.h"
#include "calls.h"

static int setup(void **state)
{
	int r = check_setup(state);

	calls.no_exchange = false;
	return r < 0 ? r : layout_create(check_dirfd(state), NULL);
}

#define check_with_layout(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

static void check_entry(int dirfd, const char *name, mode_t mode, off_t size)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, mode);
	if (S_ISREG(mode))
		assert_int_equal(st.st_size, size);
}

/* There is nothing to tidy. */
static void check_tidy(int dirfd)
{
	size_t before = check_count(dirfd);

	assert_int_equal(layout_tidy(dirfd, NULL), 0);
	assert_int_equal(check_count(dirfd), before);
}

/* Everything that slots-layout/README.md says of a new directory. */
static void check_created(int dirfd)
{
	enum slot slot;

	check_tidy(dirfd);
	check_entry(dirfd, "slots", S_IFDIR | 0755, 0);
	check_entry(dirfd, "slots/a", S_IFDIR | 0755, 0);
	check_entry(dirfd, "slots/b", S_IFDIR | 0755, 0);
	check_entry(dirfd, "state", S_IFREG | 0644, RECORD_FILE_SIZE);
	check_entry(dirfd, "request", S_IFREG | 0600, RECORD_FILE_SIZE);
	check_entry(dirfd, "history", S_IFREG | 0644, HISTORY_FILE_SIZE);
	check_entry(dirfd, "outbox", S_IFREG | 0644, OUTBOX_FILE_SIZE);
	check_entry(dirfd, "scrub", S_IFREG | 0644, RECORD_FILE_SIZE);
	check_entry(dirfd, "scrub.lock", S_IFREG | 0600, 0);
	check_entry(dirfd, "outbox.lock", S_IFREG | 0600, 0);
	check_entry(dirfd, "lock", S_IFREG | 0600, 0);
	assert_int_equal(layout_current(dirfd, &slot, NULL), LAYOUT_ABSENT);
	assert_int_equal(slot, SLOT_NONE);
}

static void a_layout_is_made_whatever_the_umask(void **state)
{
	mode_t before = umask(077);

	assert_int_equal(layout_create(check_dirfd(state), NULL), 0);
	check_created(check_dirfd(state));
	(void)umask(before);
}

static int create(void *data)
{
	return layout_create(*(int *)data, NULL);
}

static void making_it_can_be_cut_off_anywhere(void **state)
{
	bool killed = true;

	for (int n = 1; killed; n++) {
		int dirfd = -1;

		assert_int_equal(check_setup((void **)&state), 0);
		dirfd = check_fd;
		killed = calls_killed(n, create, &dirfd);
		assert_int_equal(layout_create(dirfd, NULL), 0);
		assert_int_equal(layout_tidy(dirfd, NULL), 0);
		check_created(dirfd);
		(void)check_teardown((void **)&state);
	}
}

static void making_it_can_fail_anywhere(void **state)
{
	int n_calls = 1;

	for (int n = 1; n <= n_calls; n++) {
		struct error err = {};
		int dirfd = -1;
		int r;

		assert_int_equal(check_setup((void **)&state), 0);
		dirfd = check_fd;
		calls_begin(n, ENOSPC, 0);
		r = layout_create(dirfd, &err);
		n_calls = calls_end();
		if (faccessat(dirfd, "slots", F_OK, 0) == 0)
			check_tidy(dirfd);
		check_error(r, &err, FAULT_NO_SPACE, "");
		assert_int_equal(layout_create(dirfd, NULL), 0);
		check_created(dirfd);
		(void)check_teardown((void **)&state);
	}
}

static void making_it_again_changes_nothing_but_modes(void **state)
{
	int dirfd = check_dirfd(state);
	struct state s = { .phase = PHASE_STAGED };

	assert_int_equal(state_store(dirfd, &s, NULL), 0);
	check_write(dirfd, "slots/a/file", "x", 1);
	assert_int_equal(layout_point_current(dirfd, SLOT_A, NULL), 0);
	assert_int_equal(fchmodat(dirfd, "lock", 0666, 0), 0);
	assert_int_equal(fchmodat(dirfd, "request", 0644, 0), 0);
	assert_int_equal(layout_create(dirfd, NULL), 0);
	check_entry(dirfd, "lock", S_IFREG | 0600, 0);
	check_entry(dirfd, "request", S_IFREG | 0600, RECORD_FILE_SIZE);
	assert_int_equal(state_load(dirfd, &s, NULL), 0);
	assert_int_equal(s.phase, PHASE_STAGED);
	assert_int_equal(faccessat(dirfd, "current/file", F_OK, 0), 0);
}

static void what_a_killed_process_left_is_tidied(void **state)
{
	int dirfd = check_dirfd(state);

	check_write(dirfd, ".flipslot-1", "x", 1);
	check_write(dirfd, "slots/.flipslot-2", "x", 1);
	check_write(dirfd, "slots/a/.flipslot-3", "x", 1); /* may be a file of the release */
	assert_int_equal(mkdirat(dirfd, LAYOUT_TRUST, 0755), 0);
	check_write(dirfd, LAYOUT_TRUST "/.flipslot-4", "x", 1);
	assert_int_equal(layout_tidy(dirfd, NULL), 0);
	assert_int_equal(unlinkat(dirfd, LAYOUT_TRUST, AT_REMOVEDIR), 0); /* it is empty */
	check_created(dirfd);
	assert_true(faccessat(dirfd, "slots/.flipslot-2", F_OK, 0) < 0);
	assert_int_equal(faccessat(dirfd, "slots/a/.flipslot-3", F_OK, 0), 0);
}

static void link_to(int dirfd, const char *target)
{
	(void)unlinkat(dirfd, LAYOUT_CURRENT, 0);
	assert_int_equal(symlinkat(target, dirfd, LAYOUT_CURRENT), 0);
}

static void what_current_resolves_to_counts(void **state)
{
	static const struct {
		const char *target;
		enum slot slot;
	} right[] = {
		{ "slots/a", SLOT_A },	  { "slots/b", SLOT_B },    { "slots/../slots/b/", SLOT_B },
		{ "./slots//a", SLOT_A }, { "slots/link", SLOT_B },
	};
	int dirfd = check_dirfd(state);
	enum slot slot = SLOT_NONE;

	assert_int_equal(symlinkat("b", dirfd, "slots/link"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		link_to(dirfd, right[i].target);
		assert_int_equal(layout_current(dirfd, &slot, NULL), 0);
		assert_int_equal(slot, right[i].slot);
	}
	link_to(dirfd, "slots/none");
	assert_int_equal(layout_current(dirfd, &slot, NULL), LAYOUT_ABSENT);
	assert_int_equal(slot, SLOT_NONE);
}

static void check_links(int dirfd, enum slot wanted)
{
	enum slot current;
	enum slot previous;

	assert_int_equal(layout_current(dirfd, &current, NULL), 0);
	assert_int_equal(current, wanted);
	assert_int_equal(layout_previous(dirfd, &previous, NULL), 0);
	assert_int_equal(previous, slot_other(wanted));
}

static void what_leads_elsewhere_is_corrupt(void **state)
{
	static const char *const wrong[] = { "slots", "/etc",	       "../..", "current",
					     "state", "slots/a/below", ".",	"/proc/self/cwd" };
	int dirfd = check_dirfd(state);
	enum slot slot = SLOT_B;
	struct error err = {};

	assert_int_equal(mkdirat(dirfd, "slots/a/below", 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		link_to(dirfd, wrong[i]);
		check_error(layout_current(dirfd, &slot, &err), &err, FAULT_CORRUPT, "current");
		check_error(layout_clear_slot(dirfd, SLOT_A, &err), &err, FAULT_CORRUPT, "current");
		assert_int_equal(slot, SLOT_B);
		assert_int_equal(layout_point_current(dirfd, SLOT_A, NULL), 0);
		check_links(dirfd, SLOT_A);
	}
	assert_int_equal(unlinkat(dirfd, LAYOUT_CURRENT, 0), 0);
	assert_int_equal(mkdirat(dirfd, LAYOUT_CURRENT, 0755), 0);
	check_error(layout_current(dirfd, &slot, &err), &err, FAULT_CORRUPT, "current");
	check_error(layout_point_current(dirfd, SLOT_A, &err), &err, FAULT_CORRUPT, "move it away");
}

static void current_goes_where_it_is_pointed(void **state)
{
	static const enum slot way[] = { SLOT_A, SLOT_B, SLOT_B, SLOT_A, SLOT_A, SLOT_B };
	int dirfd = check_dirfd(state);

	for (size_t i = 0; i < 2 * ARRAY_SIZE(way); i++) {
		calls.no_exchange = i >= ARRAY_SIZE(way);
		calls_begin(0, 0, 0);
		assert_int_equal(layout_point_current(dirfd, way[i % ARRAY_SIZE(way)], NULL), 0);
		(void)calls_end();
		check_links(dirfd, way[i % ARRAY_SIZE(way)]);
	}
}

/* The links as the flip finds them: what they name, NULL: not there. */
static const struct start {
	const char *current;
	const char *previous;
} starts[] = {
	{ "slots/a", "slots/b" }, { "slots/a", "slots/a" }, { "slots/a", NULL },
	{ "slots/a", "/etc" },	  { "slots/b", "slots/a" }, { "slots/b", "slots/b" },
	{ "slots/b", NULL },	  { NULL, NULL },	    { NULL, "slots/b" },
	{ "slots/x", "slots/y" },
};

static void put_links(int dirfd, const struct start *start)
{
	(void)unlinkat(dirfd, LAYOUT_CURRENT, 0);
	(void)unlinkat(dirfd, LAYOUT_PREVIOUS, 0);
	if (start->current)
		assert_int_equal(symlinkat(start->current, dirfd, LAYOUT_CURRENT), 0);
	if (start->previous)
		assert_int_equal(symlinkat(start->previous, dirfd, LAYOUT_PREVIOUS), 0);
}

static int point_to_b(void *data)
{
	return layout_point_current(*(int *)data, SLOT_B, NULL);
}

/* P1: once it names a slot, it always does. And the next call mends whatever is left. */
static void check_mended(int dirfd, const struct start *start)
{
	enum slot slot = SLOT_NONE;
	int r = layout_current(dirfd, &slot, NULL);

	if (start->current && strcmp(start->current, "slots/x") != 0)
		assert_int_equal(r, 0);
	if (start->current && strcmp(start->current, "slots/b") == 0)
		assert_int_equal(slot, SLOT_B);
	assert_int_equal(layout_point_current(dirfd, SLOT_B, NULL), 0);
	check_links(dirfd, SLOT_B);
	assert_int_equal(layout_tidy(dirfd, NULL), 0);
}

static void p1_current_is_there_whenever_the_flip_is_cut_off(void **state)
{
	int dirfd = check_dirfd(state);

	for (size_t i = 0; i < 2 * ARRAY_SIZE(starts); i++) {
		const struct start *start = &starts[i % ARRAY_SIZE(starts)];
		bool killed = true;

		calls.no_exchange = i >= ARRAY_SIZE(starts);
		for (int n = 1; killed; n++) {
			put_links(dirfd, start);
			killed = calls_killed(n, point_to_b, &dirfd);
			check_mended(dirfd, start);
		}
	}
}

static void p1_current_is_there_whenever_the_flip_fails(void **state)
{
	int dirfd = check_dirfd(state);

	for (size_t i = 0; i < 2 * ARRAY_SIZE(starts); i++) {
		const struct start *start = &starts[i % ARRAY_SIZE(starts)];
		int n_calls = 1;

		calls.no_exchange = i >= ARRAY_SIZE(starts);
		for (int n = 1; n <= n_calls; n++) {
			struct error err = {};
			int r;

			put_links(dirfd, start);
			calls_begin(n, n % 2 ? EIO : ENOSPC, 0);
			r = layout_point_current(dirfd, SLOT_B, &err);
			n_calls = calls_end();
			check_tidy(dirfd);
			check_error(r, &err, n % 2 ? FAULT_INTERNAL : FAULT_NO_SPACE, "");
			check_mended(dirfd, start);
		}
	}
}

/* P4: the flip is one step that allocates nothing, and one sync. */
static void the_flip_is_one_exchange(void **state)
{
	int dirfd = check_dirfd(state);

	assert_int_equal(layout_point_current(dirfd, SLOT_A, NULL), 0);
	calls_begin(0, 0, 0);
	assert_int_equal(layout_point_current(dirfd, SLOT_B, NULL), 0);
	(void)calls_end();
	assert_string_equal(calls.log, "renameat2 fsync ");
	calls_begin(0, 0, 0);
	assert_int_equal(layout_point_current(dirfd, SLOT_B, NULL), 0); /* and again: only syncs */
	(void)calls_end();
	assert_string_equal(calls.log, "fsync ");
	calls.no_exchange = true;
	calls_begin(0, 0, 0);
	assert_int_equal(layout_point_current(dirfd, SLOT_A, NULL), 0);
	(void)calls_end();
	assert_string_equal(calls.log, "symlinkat renameat fsync symlinkat renameat fsync ");
}

static void a_slot_that_is_not_there_is_not_pointed_to(void **state)
{
	int dirfd = check_dirfd(state);

	assert_int_equal(layout_point_current(dirfd, SLOT_A, NULL), 0);
	assert_int_equal(unlinkat(dirfd, "slots/b", AT_REMOVEDIR), 0);
	assert_true(layout_point_current(dirfd, SLOT_B, NULL) < 0);
	assert_true(layout_point_current(dirfd, SLOT_NONE, NULL) < 0);
	assert_int_equal(faccessat(dirfd, "current/.", F_OK, 0), 0);
}

static void current_is_removed(void **state)
{
	int dirfd = check_dirfd(state);
	enum slot slot;

	assert_int_equal(layout_point_current(dirfd, SLOT_A, NULL), 0);
	calls_begin(0, 0, 0);
	assert_int_equal(layout_remove_current(dirfd, NULL), 0);
	(void)calls_end();
	assert_string_equal(calls.log, "unlinkat fsync ");
	assert_int_equal(layout_current(dirfd, &slot, NULL), LAYOUT_ABSENT);
	assert_int_equal(layout_remove_current(dirfd, NULL), 0);
}

/* Takes every block and every inode; returns whether there is one more all the same. */
static bool fill_up(int dirfd)
{
	char block[4096] = {};
	char name[] = "inode-a";
	int fd = openat(dirfd, "fill", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	while (write(fd, block, sizeof(block)) > 0)
		;
	(void)close(fd);
	for (; (fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) >= 0; name[6]++)
		(void)close(fd);
	return name[6] > 'z' || mkdirat(dirfd, "one-more", 0700) == 0;
}

static int flip_on_a_full_disk(const char *path)
{
	struct history_entry entry = { .id = "x" };
	struct outbox_entry alert = { .id = "x", .receiver = "ops" };
	struct state s = { .phase = PHASE_REVERTING };
	int dirfd;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", path, "tmpfs", 0, "size=1M,nr_inodes=24") < 0)
		return 77;
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layout_create(dirfd, NULL) != 0 || layout_point_current(dirfd, SLOT_A, NULL) != 0)
		return 1;
	if (fill_up(dirfd))
		return 2;
	if (state_store(dirfd, &s, NULL) != 0 || layout_point_current(dirfd, SLOT_B, NULL) != 0 ||
	    history_append(dirfd, &entry, NULL) != 0 || outbox_append(dirfd, &alert, NULL) != 0)
		return 3;
	check_links(dirfd, SLOT_B);
	return 0;
}

static void p4_a_flip_needs_no_free_block_and_no_inode(void **state)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(flip_on_a_full_disk(check_path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void clearing_empties_the_slot_and_takes_its_seal_first(void **state)
{
	int dirfd = check_dirfd(state);
	struct stat before;
	struct stat after;

	assert_int_equal(layout_point_current(dirfd, SLOT_A, NULL), 0);
	check_write(dirfd, "slots/b.seal", "x", 1);
	check_write(dirfd, "slots/a.seal", "x", 1);
	check_write(dirfd, "slots/b/file", "x", 1);
	assert_int_equal(mkdirat(dirfd, "slots/b/dir", 0755), 0);
	assert_int_equal(fchmodat(dirfd, "slots/b", 0700, 0), 0);
	assert_int_equal(fstatat(dirfd, "slots/b", &before, 0), 0);
	calls_begin(0, 0, 0);
	assert_int_equal(layout_clear_slot(dirfd, SLOT_B, NULL), 0);
	(void)calls_end();
	assert_memory_equal(calls.log, "unlinkat fsync ", 15);
	assert_int_equal(fstatat(dirfd, "slots/b", &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(after.st_mode, S_IFDIR | 0755);
	assert_true(unlinkat(dirfd, "slots/b/none", 0) < 0);
	assert_int_equal(unlinkat(dirfd, "slots/b", AT_REMOVEDIR), 0); /* it was empty */
	assert_int_equal(faccessat(dirfd, "slots/a.seal", F_OK, 0), 0);
	assert_true(faccessat(dirfd, "slots/b.seal", F_OK, 0) < 0);
}

static int clear_b(void *data)
{
	return layout_clear_slot(*(int *)data, SLOT_B, NULL);
}

/* Wherever it is cut off: a seal that is left is over a slot that nothing was taken from. */
static void a_seal_is_never_over_a_slot_that_is_being_cleared(void **state)
{
	int dirfd = check_dirfd(state);
	bool killed = true;

	assert_int_equal(layout_point_current(dirfd, SLOT_A, NULL), 0);
	for (int n = 1; killed; n++) {
		check_write(dirfd, "slots/b.seal", "x", 1);
		check_write(dirfd, "slots/b/one", "x", 1);
		check_write(dirfd, "slots/b/two", "x", 1);
		killed = calls_killed(n, clear_b, &dirfd);
		if (faccessat(dirfd, "slots/b.seal", F_OK, 0) < 0)
			continue;
		assert_int_equal(faccessat(dirfd, "slots/b/one", F_OK, 0), 0);
		assert_int_equal(faccessat(dirfd, "slots/b/two", F_OK, 0), 0);
	}
}

static void the_current_slot_is_never_cleared(void **state)
{
	int dirfd = check_dirfd(state);
	struct error err = {};

	check_write(dirfd, "slots/a/file", "x", 1);
	check_write(dirfd, "slots/a.seal", "x", 1);
	link_to(dirfd, "slots/../slots/a");
	check_error(layout_clear_slot(dirfd, SLOT_A, &err), &err, FAULT_INTERNAL, "current");
	assert_int_equal(faccessat(dirfd, "slots/a/file", F_OK, 0), 0);
	assert_int_equal(faccessat(dirfd, "slots/a.seal", F_OK, 0), 0);
	assert_true(layout_clear_slot(dirfd, SLOT_NONE, NULL) < 0);
}

static void a_slot_that_is_a_link_is_not_opened(void **state)
{
	int dirfd = check_dirfd(state);
	int fd = -1;

	assert_int_equal(layout_open_slot(dirfd, SLOT_B, &fd, NULL), 0);
	(void)close(fd);
	fd = -1;
	assert_int_equal(unlinkat(dirfd, "slots/b", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("a", dirfd, "slots/b"), 0);
	assert_true(layout_open_slot(dirfd, SLOT_B, &fd, NULL) < 0);
	assert_true(layout_clear_slot(dirfd, SLOT_B, NULL) < 0);
	assert_int_equal(fd, -1);
}

/* Somebody has removed the whole of it: what is there then is no release. */
static void a_slot_that_is_gone_is_made_anew(void **state)
{
	int dirfd = check_dirfd(state);
	struct stat st;

	assert_int_equal(layout_create(dirfd, NULL), 0);
	check_write(dirfd, "slots/a.seal", "x", 1);
	assert_int_equal(unlinkat(dirfd, "slots/a", AT_REMOVEDIR), 0);
	assert_int_equal(layout_tidy(dirfd, NULL), 0);
	check_entry(dirfd, "slots/a", S_IFDIR | 0755, 0);
	assert_int_equal(fstatat(dirfd, "slots/a.seal", &st, 0), -1);
	check_entry(dirfd, "slots/b", S_IFDIR | 0755, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(a_layout_is_made_whatever_the_umask),
		cmocka_unit_test(making_it_can_be_cut_off_anywhere),
		cmocka_unit_test(making_it_can_fail_anywhere),
		check_with_layout(making_it_again_changes_nothing_but_modes),
		check_with_layout(what_a_killed_process_left_is_tidied),
		check_with_layout(what_current_resolves_to_counts),
		check_with_layout(what_leads_elsewhere_is_corrupt),
		check_with_layout(current_goes_where_it_is_pointed),
		check_with_layout(p1_current_is_there_whenever_the_flip_is_cut_off),
		check_with_layout(p1_current_is_there_whenever_the_flip_fails),
		check_with_layout(the_flip_is_one_exchange),
		check_with_layout(a_slot_that_is_not_there_is_not_pointed_to),
		check_with_layout(current_is_removed),
		check_in_dir(p4_a_flip_needs_no_free_block_and_no_inode),
		check_in_dir(a_slot_that_is_gone_is_made_anew),
		check_with_layout(clearing_empties_the_slot_and_takes_its_seal_first),
		check_with_layout(a_seal_is_never_over_a_slot_that_is_being_cleared),
		check_with_layout(the_current_slot_is_never_cleared),
		check_with_layout(a_slot_that_is_a_link_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
