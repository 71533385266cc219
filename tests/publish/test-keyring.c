#include "publish/keyring.h"

#include "kit.h"

static int count(void *data, const char *name, bool confirm,
		 char ret_passphrase[static SECRET_PASSPHRASE_MAX], struct error *err)
{
	++*(int *)data;
	(void)snprintf(ret_passphrase, SECRET_PASSPHRASE_MAX, "pass");
	return 0;
}

static void test_asked_once(void **state)
{
	_cleanup_(settings_done) struct settings settings;
	_cleanup_(keyring_done) struct keyring first = {};
	_cleanup_(keyring_done) struct keyring keyring = {};
	char id[DIGEST_HEX_MAX];
	EVP_PKEY *pkey = NULL;
	int asked = 0;

	settings_init(&settings);
	kit_key("k", SECRET_ECDSA, "pass");
	kit_good(keyring_load(&first, check_fd, "k.key", count, &asked, id, err));
	kit_good(settings_add_key(&settings, id, "k.key", err));
	for (int i = 0; i < 3; i++)
		assert_int_equal(keyring_get(&keyring, &settings, check_fd, id, count, &asked,
					     &pkey, NULL),
				 0);
	assert_int_equal(asked, 2);
	assert_non_null(pkey);
}

static void test_not_at_hand(void **state)
{
	_cleanup_(settings_done) struct settings settings;
	_cleanup_(keyring_done) struct keyring keyring = {};
	char id[DIGEST_HEX_MAX];
	EVP_PKEY *pkey = NULL;

	settings_init(&settings);
	memset(id, 'a', sizeof(id) - 1);
	id[DIGEST_HEX_MAX - 1] = '\0';
	assert_int_equal(keyring_get(&keyring, &settings, check_fd, id, NULL, NULL, &pkey, NULL),
			 KEYRING_ABSENT);
	kit_good(settings_add_key(&settings, id, "unplugged/k.key", err));
	assert_int_equal(keyring_get(&keyring, &settings, check_fd, id, NULL, NULL, &pkey, NULL),
			 KEYRING_ABSENT);
}

static void test_another_key_of_that_name(void **state)
{
	_cleanup_(settings_done) struct settings settings;
	_cleanup_(keyring_done) struct keyring keyring = {};
	char id[DIGEST_HEX_MAX];
	struct error err_ = {};
	EVP_PKEY *pkey = NULL;

	settings_init(&settings);
	memset(id, 'a', sizeof(id) - 1);
	id[DIGEST_HEX_MAX - 1] = '\0';
	kit_key("k", SECRET_ED25519, NULL);
	kit_good(settings_add_key(&settings, id, "k.key", err));
	check_error(keyring_get(&keyring, &settings, check_fd, id, NULL, NULL, &pkey, &err_), &err_,
		    FAULT_CONFIG, "another key");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_asked_once),
		check_in_dir(test_not_at_hand),
		check_in_dir(test_another_key_of_that_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
