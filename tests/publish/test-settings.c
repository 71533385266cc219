#include "publish/settings.h"

#include "kit.h"

#define ID "0123456789abcdef0123456789abcdef"

static void test_comes_back(void **state)
{
	_cleanup_(settings_done) struct settings settings;
	_cleanup_(settings_done) struct settings back = {};

	settings_init(&settings);
	settings.expires[ROOT_ROLE_ROOT] = 90 * KIT_SECOND;
	kit_good(settings_add_key(&settings, ID "more", "../a b.keys/root.key", err));
	kit_good(settings_add_key(&settings, "ffffffffffffffffffffffffffffffff",
				  "pkcs11:token=a;object=b", err));
	kit_good(settings_save(check_dirfd(state), &settings, err));
	kit_good(settings_load(check_dirfd(state), &back, err));
	assert_memory_equal(settings.expires, back.expires, sizeof(back.expires));
	assert_string_equal(settings_find_key(&back, ID "0000"), "../a b.keys/root.key");
	assert_string_equal(settings_find_key(&back, "ffffffffffffffffffffffffffffffff0"),
			    "pkcs11:token=a;object=b");
	assert_null(settings_find_key(&back, "0"));
}

static void test_the_last_name_counts(void **state)
{
	_cleanup_(settings_done) struct settings settings;

	settings_init(&settings);
	kit_good(settings_add_key(&settings, ID, "a", err));
	kit_good(settings_add_key(&settings, ID, "b", err));
	assert_int_equal(settings.n_keys, 1);
	assert_string_equal(settings_find_key(&settings, ID), "b");
}

static void refuse(const char *text, const char *word)
{
	struct settings settings;
	struct error err = {};

	check_write(check_fd, "config", text, strlen(text));
	check_error(settings_load(check_fd, &settings, &err), &err, FAULT_CONFIG, word);
}

static void test_mistakes(void **state)
{
	struct settings settings;
	struct error err = {};

	check_error(settings_load(check_fd, &settings, &err), &err, FAULT_CONFIG,
		    "no .flipslot-repo");
	refuse("[Expires]\nRoot=1s\n", "1min");
	refuse("[Expires]\nRoots=1d\n", "Roots=");
	refuse("[Keys]\nabc=x\n", "32 digits");
	refuse("[Key]\n" ID "=x\n", "[Key]");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_comes_back),
		check_in_dir(test_the_last_name_counts),
		check_in_dir(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
