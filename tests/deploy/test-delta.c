/* LDFLAGS: -Wl,--wrap=syncfs */
/* Releases by bundles: made and fetched by the real program, out of a folder. */
#include "deploy/delta.h"

#include <errno.h>

#include <unistd.h>

#include "repo.h"

static bool sync_fails;

int __real_syncfs(int fd);
int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd)
{
	errno = EIO;
	return sync_fails ? -1 : __real_syncfs(fd);
}

static void an_update_is_one_small_request(void **state)
{
	repo_stage();
	assert_int_equal(repo_watcher.requests, 1);
	assert_true(repo_watcher.fetched < 5000);
	assert_int_equal(app_told(EVENT_NOTE, "in 1 request; "), 1);
}

static void from_an_unknown_release_the_blocks_that_lack(void **state)
{
	/* another repository, which knows nothing of what runs */
	shell(check_fd,
	      "rm -rf trust/* repo repo.keys; $FLIPSLOT repo init repo >out 2>&1\n"
	      "cp repo/metadata/1.root.json trust/root.json; echo odd >tree/d/9; truncate -s 2500000 tree/large");
	repo_add("4.0");
	repo_watcher = (struct watcher){ .session = &repo_session };
	if (update_stage(&repo_watcher, &repo_err) != 0)
		fail_msg("%s", repo_err.text);
	repo_check("4.0");
	assert_true(repo_watcher.fetched < 20000);
	assert_true(app_told(EVENT_NOTE, "files reused") >= 1);
}

static void a_changed_file_of_what_runs_comes_from_the_server(void **state)
{
	shell(check_fd,
	      "chmod u+w slots/b/d/9 slots/b/d/10; echo x >slots/b/d/9; echo y >slots/b/d/10");
	repo_stage();
	assert_true(app_told(EVENT_NOTE, "the rest comes as blocks") == 1);
	assert_true(app_told(EVENT_WARNING, "was changed: d/9") == 1);
	assert_true(app_told(EVENT_WARNING, "was changed: d/10") == 1);
}

/* What the head of the update was made against is read before anything is done, large or small. */
static void a_changed_file_that_the_update_starts_from_is_another_way(void **state)
{
	shell(check_fd, "chmod u+w slots/b/large; printf rots | dd of=slots/b/large bs=1 seek=1000 "
			"conv=notrunc 2>/dev/null");
	repo_stage();
	assert_true(app_told(EVENT_WARNING, "was changed: large") == 1);
	assert_true(app_told(EVENT_NOTE, "files reused") == 1);
}

static void as_is_a_changed_small_one(void **state)
{
	shell(check_fd, "chmod u+w slots/b/d/7; echo x >slots/b/d/7");
	repo_stage();
	assert_true(app_told(EVENT_WARNING, "was changed: d/7") == 1);
	assert_true(app_told(EVENT_NOTE, "files reused") == 1);
}

static void a_changed_file_is_found_on_the_way_by_blocks(void **state)
{
	shell(check_fd, "chmod u+w slots/b/d/9; echo x >slots/b/d/9\n"
			"find repo/blobs/sha256 -type f -size -100k -delete");
	repo_stage();
	assert_true(app_told(EVENT_WARNING, "was changed: d/9") == 1);
	assert_true(app_told(EVENT_NOTE, "files reused") == 1);
}

static void wrong_bytes_are_named(void **state)
{
	repo_spoil_bundles();
	check_error(update_stage(&repo_watcher, &repo_err), &repo_err, FAULT_UNTRUSTED, repo_url);
	assert_int_equal(seal_peek(check_fd, SLOT_A, &(struct descriptor){}, NULL),
			 0); /* too early */
}

static void what_there_is_is_not_fetched_again(void **state)
{
	repo_spoil_bundles();
	assert_true(update_stage(&repo_watcher, &repo_err) < 0);
	assert_true(repo_watcher.fetched > 0);
	shell(check_fd, "rm -rf repo/blobs; mv spoilt repo/blobs");
	repo_watcher = (struct watcher){ .session = &repo_session };
	repo_stage();
	assert_int_equal(repo_watcher.requests, 1);
	assert_int_equal(app_told(EVENT_NOTE, "in 2 requests; "), 1); /* with the one before */
}

/* Heads are given up before the sync, but not by who finds the torn slot of a worker that was killed in it. */
static void that_the_sync_does_not_end_costs_a_head_and_only_once(void **state)
{
	sync_fails = true;
	assert_true(update_stage(&repo_watcher, &repo_err) < 0);
	assert_int_equal(faccessat(check_fd, "staging/update.head", F_OK, 0), -1);
	repo_watcher = (struct watcher){ .session = &repo_session };
	assert_true(update_stage(&repo_watcher, &repo_err) < 0);
	assert_int_equal(repo_watcher.requests, 1);
	repo_watcher = (struct watcher){ .session = &repo_session };
	assert_true(update_stage(&repo_watcher, &repo_err) < 0);
	sync_fails = false;
	assert_int_equal(repo_watcher.requests, 0);
	repo_watcher = (struct watcher){ .session = &repo_session };
	repo_stage();
	assert_int_equal(repo_watcher.requests, 0);
}

/* ---- where no bundle was made for the release that runs ---- */

#define LARGE 2500000 /* bytes of a file that stays, and does not pack */

/* Many files that say their version in the middle. */
static void write_version(const char *version)
{
	assert_int_equal(setenv("VERSION", version, 1), 0);
	shell(check_fd,
	      "mkdir -p tree/p texts; for i in $(seq 60); do\n"
	      "\t[ -e texts/$i ] || head -c 9000 /dev/urandom | base64 >texts/$i\n"
	      "\t{ head -n 20 texts/$i; echo version $VERSION; tail -n +21 texts/$i; } >tree/p/$i\n"
	      "done");
}

static void publish_without_deltas(const char *version)
{
	write_version(version);
	shell(check_fd,
	      "$FLIPSLOT repo add repo tree --app gw --version $VERSION --level 3 --deltas 0 "
	      ">out 2>&1 || { cat out; exit 1; }\n"
	      "chmod -R a+rX repo");
}

/* 1.0 runs, 1.1 and 2.0 were published since. */
static int setup_without_deltas(void **state)
{
	int r = repo_setup(state);

	repo_err = (struct error){};
	publish_without_deltas("1.0");
	if (update_stage(&repo_watcher, &repo_err) != 0)
		fail_msg("%s", repo_err.text);
	repo_turn();
	publish_without_deltas("1.1");
	publish_without_deltas("2.0");
	app_n_heard = 0;
	return r;
}

static uint64_t size_of_full(void)
{
	struct stat st;

	shell(check_fd,
	      "ls -S repo/blobs/sha256 | head -1 | "
	      "xargs -I{} stat -c %s repo/blobs/sha256/{} >out; truncate -s $(cat out) size");
	assert_int_equal(fstatat(check_fd, "size", &st, 0), 0);
	return (uint64_t)st.st_size;
}

static void from_several_releases_before_comes_little(void **state)
{
	repo_stage();
	assert_int_equal(repo_watcher.requests, 1);
	assert_true(repo_watcher.fetched < (size_of_full() - LARGE) / 100 * 15);
	assert_int_equal(app_told(EVENT_NOTE, "in 1 request; "), 1);
}

/* The pieces that it would have come from are not there: another way, and it is told. */
static void what_its_pieces_are_of_was_changed(void **state)
{
	shell(check_fd, "chmod u+w slots/b/p/7; printf rots | dd of=slots/b/p/7 bs=1 seek=1000 "
			"conv=notrunc 2>/dev/null");
	repo_stage();
	assert_true(app_told(EVENT_WARNING, "was changed: p/7") == 1);
	assert_true(app_told(EVENT_NOTE, "files reused") == 1);
}

static void what_stays_was_changed(void **state)
{
	shell(check_fd, "chmod u+w slots/b/run; echo x >slots/b/run");
	repo_stage();
	assert_true(app_told(EVENT_WARNING, "was changed: run") == 1);
	assert_true(app_told(EVENT_NOTE, "the rest comes as blocks") == 1);
}

/* A worker that comes after one that was killed fetches neither again. */
static void its_head_and_that_of_the_blocks_are_both_kept(void **state)
{
	shell(check_fd, "chmod u+w slots/b/p/7; echo x >slots/b/p/7; chmod -R u+w repo/blobs\n"
			"for f in $(find repo/blobs/sha256 -size +2000k); do\n"
			"printf xxxx | dd of=$f bs=1 conv=notrunc seek=$(($(stat -c %s $f) - 4)) "
			"2>/dev/null; done");
	check_error(update_stage(&repo_watcher, &repo_err), &repo_err, FAULT_UNTRUSTED, repo_url);
	assert_int_equal(faccessat(check_fd, "staging/update.head", F_OK, 0), 0);
	assert_int_equal(faccessat(check_fd, "staging/blocks.head", F_OK, 0), 0);
}

#define near_test(test)	 cmocka_unit_test_setup_teardown(test, setup_without_deltas, repo_teardown)
#define delta_test(test) cmocka_unit_test_setup_teardown(test, repo_setup_update, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		delta_test(an_update_is_one_small_request),
		delta_test(from_an_unknown_release_the_blocks_that_lack),
		delta_test(a_changed_file_of_what_runs_comes_from_the_server),
		delta_test(a_changed_file_that_the_update_starts_from_is_another_way),
		delta_test(as_is_a_changed_small_one),
		delta_test(a_changed_file_is_found_on_the_way_by_blocks),
		delta_test(wrong_bytes_are_named),
		delta_test(what_there_is_is_not_fetched_again),
		delta_test(that_the_sync_does_not_end_costs_a_head_and_only_once),
		near_test(from_several_releases_before_comes_little),
		near_test(what_its_pieces_are_of_was_changed),
		near_test(what_stays_was_changed),
		near_test(its_head_and_that_of_the_blocks_are_both_kept),
	};

	return repo_find_program() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
