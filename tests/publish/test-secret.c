#include "publish/secret.h"

#include "kit.h"

static int give(void *data, const char *name, bool confirm,
		char ret_passphrase[static SECRET_PASSPHRASE_MAX], struct error *err)
{
	const char *passphrase = data;

	assert_false(confirm);
	if (!passphrase)
		return error_set(err, FAULT_CONFIG, "nobody to ask");
	(void)snprintf(ret_passphrase, SECRET_PASSPHRASE_MAX, "%s", passphrase);
	return 0;
}

static void load(const char *passphrase, EVP_PKEY **ret_pkey)
{
	kit_good(secret_load(check_fd, "k.key", give, (void *)passphrase, ret_pkey, err));
}

static void test_all_types_come_back(void **state)
{
	for (enum secret_type type = 0; type < SECRET_TYPE_MAX; type++)
		for (int encrypted = 0; encrypted < 2; encrypted++) {
			const char *passphrase = encrypted ? "correct horse" : NULL;
			EVP_PKEY *pkey, *back;
			struct stat st;

			kit_good(secret_new(type, &pkey, err));
			kit_good(secret_save(pkey, check_fd, "k.key", passphrase, err));
			assert_int_equal(fstatat(check_fd, "k.key", &st, 0), 0);
			assert_int_equal(st.st_mode & 07777, 0600);
			load(passphrase, &back);
			assert_int_equal(EVP_PKEY_eq(pkey, back), 1);
			EVP_PKEY_free(pkey);
			EVP_PKEY_free(back);
			assert_int_equal(unlinkat(check_fd, "k.key", 0), 0);
		}
}

static void test_never_overwritten(void **state)
{
	struct error why = {};
	EVP_PKEY *one, *two, *back;

	kit_key("k", SECRET_ED25519, NULL);
	load(NULL, &one);
	kit_good(secret_new(SECRET_ED25519, &two, err));
	check_error(secret_save(two, check_fd, "k.key", NULL, &why), &why, FAULT_CONFIG,
		    "overwritten");
	load(NULL, &back);
	assert_int_equal(EVP_PKEY_eq(one, back), 1);
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
	EVP_PKEY_free(back);
}

static void refuse(const char *passphrase, secret_ask ask, const char *word)
{
	struct error err = {};
	EVP_PKEY *pkey;

	check_error(secret_load(check_fd, "k.key", ask, (void *)passphrase, &pkey, &err), &err,
		    FAULT_CONFIG, word);
}

static void test_what_is_refused(void **state)
{
	refuse(NULL, NULL, "no key file");
	kit_key("k", SECRET_ED25519, "good");
	refuse("bad", give, "wrong passphrase");
	refuse(NULL, give, "nobody to ask");
	refuse(NULL, NULL, "encrypted");
	assert_int_equal(fchmodat(check_fd, "k.key", 0640, 0), 0);
	refuse("good", give, "others may read");
	assert_int_equal(fchmodat(check_fd, "k.key", 0600, 0), 0);
	assert_int_equal(unlinkat(check_fd, "k.key", 0), 0);
	assert_int_equal(mkdirat(check_fd, "k.key", 0700), 0);
	refuse("good", give, "no file");
}

static void test_names(void **state)
{
	enum secret_type type;
	struct error err = {};

	assert_true(secret_is_uri("pkcs11:token=a;object=b"));
	assert_false(secret_is_uri("keys/pkcs11:x"));
	assert_int_equal(secret_type_parse("rsa", &type, NULL), 0);
	assert_int_equal(type, SECRET_RSA);
	check_error(secret_type_parse("dsa", &type, &err), &err, FAULT_CONFIG, "dsa");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_all_types_come_back),
		check_in_dir(test_never_overwritten),
		check_in_dir(test_what_is_refused),
		check_in_dir(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
