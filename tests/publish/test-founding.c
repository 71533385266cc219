#include "publish/founding.h"

#include "kit.h"

static char *role_id(struct repo *repo, enum root_role role)
{
	const json_t *root = document_body(repo->published[ROOT_ROLE_ROOT]);

	return strdup(json_string_value(json_array_get(bodies_keyids(root, role), 0)));
}

static void test_keys_are_made(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_free_ char *snapshot = role_id(repo, ROOT_ROLE_SNAPSHOT);
	_cleanup_free_ char *timestamp = role_id(repo, ROOT_ROLE_TIMESTAMP);
	_cleanup_free_ char *targets = role_id(repo, ROOT_ROLE_TARGETS);
	struct stat st;

	assert_int_equal(fstatat(check_fd, "repo.keys", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_string_equal(snapshot, timestamp);
	assert_string_not_equal(snapshot, targets);
	assert_string_equal(settings_find_key(&repo->settings, targets),
			    "../repo.keys/targets.key");
}

/* Interrupted before the settings were there: the keys that were made are taken. */
static void test_begun_again(void **state)
{
	_cleanup_free_ char *before = NULL;
	_cleanup_free_ char *after = NULL;
	struct repo *repo = kit_repo();

	before = role_id(repo, ROOT_ROLE_ROOT);
	repo_free(repo);
	assert_int_equal(unlinkat(check_fd, "repo/.flipslot-repo/config", 0), 0);
	assert_int_equal(unlinkat(check_fd, "repo/metadata/1.root.json", 0), 0);
	assert_int_equal(unlinkat(check_fd, "repo/metadata/timestamp.json", 0), 0);
	repo = kit_repo();
	after = role_id(repo, ROOT_ROLE_ROOT);
	assert_string_equal(before, after);
	repo_free(repo);
}

static void rotate(struct repo *repo, enum root_role role, const char *add, const char *remove)
{
	_cleanup_free_ char *file = kit_path(add);
	const struct founding_change change = { .role = role, .add = file, .remove = remove };

	kit_good(founding_rotate(repo, &change, err));
}

/* Each role in its turn; a device that has only seen the first root follows. */
static void test_rotation(void **state)
{
	struct repo *repo = kit_repo();
	struct audit_result result;

	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		_cleanup_free_ char *old = role_id(repo, role);
		char name[16], file[16];

		(void)snprintf(name, sizeof(name), "k%d", (int)role);
		(void)snprintf(file, sizeof(file), "k%d.key", (int)role);
		kit_key(name, (enum secret_type)(role % SECRET_TYPE_MAX), NULL);
		rotate(repo, role, file, old);
		free(kit_issue(repo));
		repo_free(repo);
		repo = kit_open(KIT_NOW);
		kit_good(kit_audit(KIT_NOW, &result, err));
		assert_int_equal(result.version[ROOT_ROLE_ROOT], role + 2);
	}
	repo_free(repo);
}

/* The old root goes on to vouch for what is there, as long as the old key is at hand. */
static void test_old_root_is_served_meanwhile(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_free_ char *old = role_id(repo, ROOT_ROLE_TIMESTAMP);
	struct audit_result result;

	kit_key("new", SECRET_ED25519, NULL);
	rotate(repo, ROOT_ROLE_TIMESTAMP, "new.key", old);
	free(kit_issue(repo));
	assert_int_equal(unlinkat(check_fd, "repo/metadata/2.root.json", 0), 0);
	kit_good(kit_audit(KIT_NOW, &result, err));
	assert_int_equal(result.version[ROOT_ROLE_TIMESTAMP], 2);
}

static void refuse(struct repo *repo, const struct founding_change *change, const char *word)
{
	struct error err = {};

	check_error(founding_rotate(repo, change, &err), &err, FAULT_CONFIG, word);
}

static void test_what_is_refused(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_free_ char *only = role_id(repo, ROOT_ROLE_ROOT);

	refuse(repo, &(struct founding_change){ .remove = only }, "nobody could sign");
	refuse(repo, &(struct founding_change){ .remove = "0000x" }, "no key");
	refuse(repo, &(struct founding_change){ .add = "" }, "empty name");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_keys_are_made),   check_in_dir(test_begun_again),
		check_in_dir(test_rotation),	    check_in_dir(test_old_root_is_served_meanwhile),
		check_in_dir(test_what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
