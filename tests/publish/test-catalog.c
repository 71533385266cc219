#include "publish/catalog.h"

#include "kit.h"

static const struct catalog_name name = { "gateway", "stable", "any" };

static struct offer *get(struct repo *repo)
{
	struct offer *offer = NULL;

	assert_int_equal(catalog_get(repo, &name, &offer, NULL), 0);
	return offer;
}

static void test_sequences(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_(offer_freep) struct offer *offer = NULL;
	_cleanup_(offer_freep) struct offer *first = NULL;

	assert_int_equal(catalog_get(repo, &name, &offer, NULL), CATALOG_ABSENT);
	assert_int_equal(kit_add(repo, "1.0", "a"), 0);
	free(kit_issue(repo));
	assert_int_equal(kit_add(repo, "1.0", "a"), CATALOG_SAME);
	assert_int_equal(kit_add(repo, "1.1", "b"), 0);
	assert_int_equal(kit_add(repo, "1.1", "b"), CATALOG_SAME); /* pending counts */
	assert_int_equal(kit_add(repo, "1.2", "a"), 0); /* old content, a new release */
	offer = get(repo);
	assert_int_equal(offer->sequence, 3);
	assert_string_equal(offer->version, "1.2");
	assert_int_equal(catalog_find(repo, &name, 1, &first, NULL), 0);
	assert_true(digest_equal(&offer->index, &first->index));
}

static void test_withdrawn_stays(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_(offer_freep) struct offer *offer = NULL;
	_cleanup_(offer_freep) struct offer *first = NULL;
	struct error err_ = {};

	(void)kit_add(repo, "1.0", "a");
	(void)kit_add(repo, "1.1", "b");
	check_error(catalog_withdraw(repo, &name, 3, CATALOG_KEEP, "x", &err_), &err_, FAULT_CONFIG,
		    "no sequence 3");
	kit_good(catalog_withdraw(repo, &name, 1, 2, "eats data", err));
	check_error(catalog_withdraw(repo, &name, 1, CATALOG_KEEP, "x", &err_), &err_, FAULT_CONFIG,
		    "already");
	(void)kit_add(repo, "1.2", "c");
	offer = get(repo);
	assert_int_equal(offer->min_sequence, 2);
	assert_int_equal(catalog_find(repo, &name, 1, &first, NULL), 0);
	assert_non_null(offer_find_withdrawn(offer, &first->index));
}

static int note(void *data, const char *path, const struct offer *offer, struct error *err)
{
	assert_string_equal(path, "gateway/stable/any.json");
	assert_string_equal(offer->version, "1.1");
	++*(int *)data;
	return 0;
}

static void test_list(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	int n = 0;

	kit_good(catalog_list(repo, note, &n, err));
	assert_int_equal(n, 0);
	(void)kit_add(repo, "1.0", "a");
	(void)kit_add(repo, "1.1", "b");
	kit_good(catalog_list(repo, note, &n, err));
	assert_int_equal(n, 1);
}

static void test_wrong_names(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	struct catalog_release release = { .name = { "gateway", "..", "any" }, .version = "1" };
	_cleanup_close_ int tree = dup(check_fd);
	struct error err = {};

	check_error(catalog_add(repo, tree, &release, NULL, &err), &err, FAULT_CONFIG, "channel");
	release.name.channel = "stable";
	release.version = "1 0";
	check_error(catalog_add(repo, tree, &release, NULL, &err), &err, FAULT_CONFIG, "version");
	assert_int_equal(check_count(repo->dirfd), 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_sequences),
		check_in_dir(test_withdrawn_stays),
		check_in_dir(test_list),
		check_in_dir(test_wrong_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
