#include "publish/issue.h"

#include "base/fd.h"

#include "kit.h"

static void check_whole(uint64_t timestamp)
{
	struct audit_result result;

	kit_good(kit_audit(KIT_NOW, &result, err));
	assert_int_equal(result.version[ROOT_ROLE_TIMESTAMP], timestamp);
}

static void test_only_what_changed(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_free_ char *nothing = kit_issue(repo);
	_cleanup_free_ char *something = NULL;

	assert_string_equal(nothing, "");
	(void)kit_add(repo, "1", "a");
	something = kit_issue(repo);
	assert_string_equal(something,
			    "published targets 2\npublished snapshot 2\npublished timestamp 2\n");
	check_whole(2);
	assert_false(kit_has("repo/.flipslot-repo/targets.json"));
}

/* Interrupted after each file that is written: the next run mends it, and a reader never notices. */
static void test_interrupted(void **state)
{
	static const char *const later[] = { "2.targets.json", "2.snapshot.json" };

	for (size_t n = 0; n <= ARRAY_SIZE(later); n++) {
		_cleanup_free_ char *old = NULL;
		struct repo *repo = kit_repo();
		char name[64];
		size_t size;

		(void)kit_add(repo, "1", "a");
		kit_good(repo_save_pending(repo, err));
		for (size_t i = 0; i < n; i++) { /* left by the one who was interrupted */
			(void)snprintf(name, sizeof(name), "repo/metadata/%s", later[i]);
			check_write(check_fd, name, "half", 4);
		}
		kit_good(fd_read_file(check_fd, "repo/metadata/timestamp.json", 10000, &old, &size,
				      err));
		check_whole(1);
		repo_free(repo);
		repo = kit_open(KIT_NOW);
		free(kit_issue(repo));
		check_whole(2);
		repo_free(repo);
		(void)check_teardown(state);
		(void)check_setup(state);
	}
}

static char *refresh(struct repo *repo, int wanted)
{
	struct text report = {};
	struct error err = {};
	int r = issue_refresh(repo, &report, &err);

	if (r != wanted)
		fail_msg("%d, not %d: %s", r, wanted, err.text);
	return text_take(&report);
}

/* Everything is renewed when half of its time has passed. */
static void test_refresh(void **state)
{
	static const struct {
		uint64_t days;
		const char *report;
	} steps[] = {
		{ 3, "" },
		{ 4, "published timestamp 2\n" },
		{ 16, "published snapshot 2\npublished timestamp 3\n" },
		{ 46, "published targets 2\npublished snapshot 3\npublished timestamp 4\n" },
		{ 183, "published targets 3\npublished snapshot 4\npublished timestamp 5\n"
		       "published root 2\n" },
	};

	repo_free(kit_repo());
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct repo *repo = kit_open(KIT_NOW + steps[i].days * KIT_DAY);
		_cleanup_free_ char *report = refresh(repo, 0);
		struct audit_result result;

		assert_string_equal(report, steps[i].report);
		kit_good(kit_audit(KIT_NOW + steps[i].days * KIT_DAY, &result, err));
		repo_free(repo);
	}
}

/* Without the keys of targets the timestamp goes on, and it is said that they expire. */
static void test_refresh_without_keys(void **state)
{
	_cleanup_free_ char *report = NULL;
	struct repo *repo;

	repo_free(kit_repo());
	assert_int_equal(unlinkat(check_fd, "repo.keys/targets.key", 0), 0);
	repo = kit_open(KIT_NOW + 46 * KIT_DAY);
	report = refresh(repo, 0);
	assert_non_null(strstr(report, "targets expires 2027-04-15"));
	assert_non_null(strstr(report, "published timestamp 2"));
	repo_free(repo);
}

static void test_waiting(void **state)
{
	_cleanup_free_ char *silent = NULL;
	struct text report = {};
	struct repo *repo;

	repo_free(kit_repo());
	assert_int_equal(renameat(check_fd, "repo.keys/targets.key", check_fd, "targets.key"), 0);
	repo = kit_open(KIT_NOW);
	(void)kit_add(repo, "1", "a");
	assert_int_equal(issue_run(repo, &report, NULL), ISSUE_WAITING);
	assert_string_equal(report.data, "targets 2 waits for signatures (it has 0)\n");
	text_done(&report);
	check_whole(1);
	silent = refresh(repo, ISSUE_WAITING);
	assert_string_equal(silent, "");
	repo_free(repo);
	assert_int_equal(renameat(check_fd, "targets.key", check_fd, "repo.keys/targets.key"), 0);
	repo = kit_open(KIT_NOW);
	free(kit_issue(repo));
	check_whole(2);
	repo_free(repo);
}

static void test_online_keys_are_needed(void **state)
{
	struct text report = {};
	struct error err = {};
	struct repo *repo;

	repo_free(kit_repo());
	assert_int_equal(unlinkat(check_fd, "repo.keys/online.key", 0), 0);
	repo = kit_open(KIT_NOW);
	(void)kit_add(repo, "1", "a");
	check_error(issue_run(repo, &report, &err), &err, FAULT_CONFIG, "keys of snapshot");
	check_whole(1);
	text_done(&report);
	repo_free(repo);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_only_what_changed), check_in_dir(test_interrupted),
		check_in_dir(test_refresh),	      check_in_dir(test_refresh_without_keys),
		check_in_dir(test_waiting),	      check_in_dir(test_online_keys_are_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
