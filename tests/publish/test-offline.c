#include "publish/offline.h"

#include "kit.h"

/* Two of three for the root, all elsewhere. */
static struct repo *found(void)
{
	static const char *const names[] = { "a", "b", "c" };
	_cleanup_free_ char *keys = NULL;
	struct founding founding = { .threshold[ROOT_ROLE_ROOT] = 2 };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		kit_key(names[i], SECRET_ED25519, NULL);
	assert_true(asprintf(&keys, "%s/a.pub,%s/b.pub,%s/c.pub", check_path, check_path,
			     check_path) > 0);
	founding.keys[ROOT_ROLE_ROOT] = keys;
	return kit_found(&founding);
}

static void sign(int dirfd, const char *file, const char *key)
{
	_cleanup_(keyring_done) struct keyring keyring = {};
	_cleanup_text_ struct text report = {};
	char id[DIGEST_HEX_MAX];

	kit_good(keyring_load(&keyring, check_fd, key, NULL, NULL, id, err));
	kit_good(offline_sign(dirfd, file, &keyring, &report, err));
	assert_non_null(strstr(report.data, "root: 2 of"));
	assert_non_null(strstr(report.data, id));
}

static int issue(struct repo *repo)
{
	_cleanup_text_ struct text report = {};

	return issue_run(repo, &report, NULL);
}

static void test_two_of_three(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = found();
	_cleanup_free_ char *path = kit_path("1.root.json");
	_cleanup_text_ struct text names = {};
	struct audit_result result;

	assert_int_equal(issue(repo), ISSUE_WAITING);
	kit_good(offline_export(repo, check_fd, &names, err));
	assert_string_equal(names.data, "1.root.json\n1.targets.json\n");
	sign(check_fd, "1.root.json", "a.key");
	kit_good(offline_merge(repo, path, err));
	assert_int_equal(issue(repo), ISSUE_WAITING);
	assert_false(kit_has("repo/metadata/1.root.json"));
	sign(check_fd, "1.root.json", "a.key"); /* once more: it is one signature */
	kit_good(offline_merge(repo, path, err));
	assert_int_equal(issue(repo), ISSUE_WAITING);
	sign(check_fd, "1.root.json", "c.key");
	kit_good(offline_merge(repo, path, err));
	assert_int_equal(issue(repo), 0);
	kit_good(kit_audit(KIT_NOW, &result, err));
}

static void test_strangers_do_not_count(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = found();
	_cleanup_free_ char *path = kit_path("1.root.json");
	_cleanup_text_ struct text names = {};

	kit_key("d", SECRET_ED25519, NULL);
	kit_good(offline_export(repo, check_fd, &names, err));
	sign(check_fd, "1.root.json", "a.key");
	sign(check_fd, "1.root.json", "d.key");
	kit_good(offline_merge(repo, path, err));
	assert_int_equal(issue(repo), ISSUE_WAITING);
}

static void test_renew(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_free_ char *path = kit_path("nothing.json");
	_cleanup_free_ char *published = kit_path("repo/metadata/1.targets.json");
	struct error why = {};

	check_error(offline_merge(repo, path, &why), &why, FAULT_CONFIG, "no file");
	check_error(offline_merge(repo, published, &why), &why, FAULT_CONFIG, "waits");
	check_error(offline_renew(repo, ROOT_ROLE_SNAPSHOT, &why), &why, FAULT_CONFIG, "refresh");
	kit_good(offline_renew(repo, ROOT_ROLE_TARGETS, err));
	check_error(offline_renew(repo, ROOT_ROLE_TARGETS, &why), &why, FAULT_CONFIG, "already");
	assert_int_equal(issue(repo), 0);
	assert_int_equal(document_version(repo->published[ROOT_ROLE_TARGETS]), 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_two_of_three),
		check_in_dir(test_strangers_do_not_count),
		check_in_dir(test_renew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
