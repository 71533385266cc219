#include "publish/public.h"

#include "trust/hex.h"
#include "trust/key.h"

#include "kit.h"

/* What we sign, devices verify; what they do not verify was not signed. */
static void test_devices_verify(void **state)
{
	for (enum secret_type type = 0; type < SECRET_TYPE_MAX; type++) {
		_cleanup_(jread_freep) json_t *object = NULL;
		_cleanup_(key_freep) struct key *key = NULL;
		_cleanup_free_ char *hex = NULL;
		unsigned char sig[512];
		EVP_PKEY *pkey;

		kit_good(secret_new(type, &pkey, err));
		kit_good(public_of(pkey, &object, err));
		assert_int_equal(key_read(object, &key, NULL), 0);
		kit_good(public_sign(pkey, "text", 4, &hex, err));
		assert_true(strlen(hex) / 2 <= sizeof(sig));
		assert_true(hex_read(hex, sig, strlen(hex) / 2));
		assert_true(key_verify(key, "text", 4, sig, strlen(hex) / 2));
		assert_false(key_verify(key, "texu", 4, sig, strlen(hex) / 2));
		EVP_PKEY_free(pkey);
	}
}

/* As securesystemslib computes it: SHA-256 of its encode_canonical(). */
static void test_key_id(void **state)
{
	_cleanup_(jread_freep) json_t *key = json_pack(
		"{ss ss s{ss}}", "keytype", "ed25519", "scheme", "ed25519", "keyval", "public",
		"edcd0a32a07dce33f7c7873aaffbff36d20ea30787574ead335eefd337e4dacd");
	char id[DIGEST_HEX_MAX];

	kit_good(public_id(key, id, err));
	assert_string_equal(id, "2345a90ad8d76f3677f9ad6695b0ba0b5c7b7fbf27fb0ed35fbdf7b71264a679");
}

static void test_pem(void **state)
{
	_cleanup_(jread_freep) json_t *a = NULL;
	_cleanup_(jread_freep) json_t *b = NULL;
	_cleanup_free_ char *pem = NULL;
	struct error err_ = {};
	EVP_PKEY *pkey;
	size_t size;

	kit_good(secret_new(SECRET_ED25519, &pkey, err));
	kit_good(public_of(pkey, &a, err));
	kit_good(public_to_pem(pkey, &pem, &size, err));
	kit_good(public_from_pem("k.pub", pem, size, &b, err));
	assert_true(json_equal(a, b));
	EVP_PKEY_free(pkey);
	check_error(public_from_pem("k.pub", "nothing", 7, &b, &err_), &err_, FAULT_CONFIG,
		    "k.pub");
}

static void test_other_kinds(void **state)
{
	struct error err = {};
	json_t *key = NULL;
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");

	check_error(public_of(pkey, &key, &err), &err, FAULT_CONFIG, "P-256");
	EVP_PKEY_free(pkey);
	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	check_error(public_of(pkey, &key, &err), &err, FAULT_CONFIG, "2048");
	EVP_PKEY_free(pkey);
	assert_null(key);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_devices_verify),
		check_in_dir(test_key_id),
		check_in_dir(test_pem),
		check_in_dir(test_other_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
