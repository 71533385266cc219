#include "publish/repo.h"

#include "kit.h"

static void test_locked(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();

	assert_true(repo->lockfd >= 0);
	assert_int_equal(document_version(repo->published[ROOT_ROLE_TIMESTAMP]), 1);
}

static void test_not_twice_and_not_nothing(void **state)
{
	const struct repo_options options = { .now = KIT_NOW };
	_cleanup_free_ char *path = kit_path("repo");
	struct repo *repo = kit_repo();
	struct error err = {};

	repo_free(repo);
	repo = NULL;
	check_error(repo_create(path, &options, &repo, &err), &err, FAULT_CONFIG, "already");
	check_error(repo_open(check_path, &options, &repo, &err), &err, FAULT_CONFIG,
		    "no repository");
	assert_null(repo);
}

/* Pending ones keep their version however often they are changed, over restarts too. */
static void test_pending_stays(void **state)
{
	struct repo *repo = kit_repo();
	json_t *body;

	kit_good(repo_edit(repo, ROOT_ROLE_TARGETS, &body, err));
	kit_good(repo_save_pending(repo, err));
	repo_free(repo);
	repo = kit_open(KIT_NOW);
	kit_good(repo_edit(repo, ROOT_ROLE_TARGETS, &body, err));
	assert_int_equal(document_version(repo_latest(repo, ROOT_ROLE_TARGETS)), 2);
	assert_int_equal(document_version(repo->published[ROOT_ROLE_TARGETS]), 1);
	repo_free(repo);
}

/* Interrupted after it was published, before it was dropped. */
static void test_published_is_not_pending(void **state)
{
	_cleanup_free_ char *data = NULL;
	struct repo *repo = kit_repo();
	size_t size;

	kit_good(document_encode(repo->published[ROOT_ROLE_TARGETS], &data, &size, err));
	check_write(repo->statefd, "targets.json", data, size);
	repo_free(repo);
	repo = kit_open(KIT_NOW);
	assert_null(repo->pending[ROOT_ROLE_TARGETS]);
	assert_false(kit_has("repo/.flipslot-repo/targets.json"));
	repo_free(repo);
}

static void test_damage_is_told(void **state)
{
	const struct repo_options options = { .now = KIT_NOW };
	_cleanup_free_ char *path = kit_path("repo");
	struct repo *repo = kit_repo();
	struct error err = {};

	repo_free(repo);
	repo = NULL;
	assert_int_equal(unlinkat(check_fd, "repo/metadata/1.snapshot.json", 0), 0);
	check_error(repo_open(path, &options, &repo, &err), &err, FAULT_CORRUPT, "snapshot");
	assert_null(repo);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_locked),	   check_in_dir(test_not_twice_and_not_nothing),
		check_in_dir(test_pending_stays),  check_in_dir(test_published_is_not_pending),
		check_in_dir(test_damage_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
