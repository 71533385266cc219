#include "trust/key.h"

#include "trust/hex.h"
#include "trust/jread.h"

#include "../base/check.h"
#include "key-vectors.h"

static int read_key(const char *keytype, const char *scheme, const char *public,
		    struct key **ret_key)
{
	_cleanup_(jread_freep) json_t *json = json_pack(
		"{ss ss s{ss}}", "keytype", keytype, "scheme", scheme, "keyval", "public", public);

	*ret_key = NULL;
	assert_non_null(json);
	return key_read(json, ret_key, NULL);
}

static bool verifies(const struct key *key, const char *message, const char *hex)
{
	unsigned char sig[512];
	size_t size = strlen(hex) / 2;

	assert_true(hex_read(hex, sig, size));
	return key_verify(key, message, strlen(message), sig, size);
}

static const struct {
	const char *keytype;
	const char *scheme;
	const char *public;
	const char *sig;
} good[] = {
	{ "ed25519", "ed25519", ED25519_PUBLIC, ED25519_SIG },
	{ "ecdsa", "ecdsa-sha2-nistp256", P256_PEM, P256_SIG },
	{ "ecdsa", "ecdsa-sha2-nistp256", P256_COMPRESSED_PEM, P256_SIG },
	{ "ecdsa", "ecdsa-sha2-nistp256", P256_POINT, P256_SIG },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", P256_PEM, P256_SIG },
	{ "rsa", "rsassa-pss-sha256", RSA_PEM, RSA_SIG_LONGEST_SALT },
	{ "rsa", "rsassa-pss-sha256", RSA_PEM, RSA_SIG_DIGEST_SALT },
	{ "rsa", "rsassa-pss-sha256", RSA_PEM, RSA_SIG_NO_SALT },
	{ "rsa", "rsassa-pss-sha256", RSA_PKCS1_PEM, RSA_SIG_DIGEST_SALT },
};

static void signatures_by_others_verify(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_(key_freep) struct key *key = NULL;

		assert_int_equal(read_key(good[i].keytype, good[i].scheme, good[i].public, &key),
				 0);
		assert_true(verifies(key, KEY_MESSAGE, good[i].sig));
		assert_false(verifies(key, KEY_MESSAGE " ", good[i].sig));
		assert_false(verifies(key, "", good[i].sig));
		assert_false(verifies(key, KEY_MESSAGE, ""));
	}
}

static void any_changed_bit_is_no_signature(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_(key_freep) struct key *key = NULL;
		unsigned char sig[512];
		size_t size = strlen(good[i].sig) / 2;

		assert_int_equal(read_key(good[i].keytype, good[i].scheme, good[i].public, &key),
				 0);
		assert_true(hex_read(good[i].sig, sig, size));
		for (size_t at = 0; at < size; at++) {
			sig[at] ^= (unsigned char)(1U << at % 8);
			assert_false(key_verify(key, KEY_MESSAGE, strlen(KEY_MESSAGE), sig, size));
			sig[at] ^= (unsigned char)(1U << at % 8);
		}
		for (size_t less = 0; less < size; less++)
			assert_false(key_verify(key, KEY_MESSAGE, strlen(KEY_MESSAGE), sig, less));
	}
}

static void other_schemes_of_the_same_key_are_no_signatures(void **state)
{
	static const char *const sigs[] = { RSA_SIG_PKCS1, RSA_SIG_SHA512, RSA_SIG_OTHER_MGF };
	_cleanup_(key_freep) struct key *key = NULL;

	assert_int_equal(read_key("rsa", "rsassa-pss-sha256", RSA_PEM, &key), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		assert_false(verifies(key, KEY_MESSAGE, sigs[i]));
}

static void what_is_not_in_the_table_is_unusable(void **state)
{
	static const char *const wrong[][3] = {
		{ "ed25519", "ed25519", "" },
		{ "ed25519", "ed25519", "00" },
		{ "ed25519", "ed25519", ED25519_PUBLIC "00" },
		{ "ed25519", "ed25519", P256_PEM },
		{ "ed25519", "ecdsa-sha2-nistp256", ED25519_PUBLIC },
		{ "ed448", "ed448", ED25519_PUBLIC },
		{ "ED25519", "ED25519", ED25519_PUBLIC },
		{ "ecdsa", "ecdsa-sha2-nistp384", P384_PEM },
		{ "ecdsa", "ecdsa-sha2-nistp256", P384_PEM },
		{ "ecdsa", "ecdsa-sha2-nistp256", RSA_PEM },
		{ "ecdsa", "ecdsa-sha2-nistp256",
		  "04" ED25519_PUBLIC ED25519_PUBLIC }, /* off the curve */
		{ "ecdsa", "ecdsa-sha2-nistp256", "02" ED25519_PUBLIC },
		{ "ecdsa", "ecdsa-sha2-nistp256", "" },
		{ "ecdsa", "ecdsa-sha2-nistp256", "-----BEGIN PUBLIC KEY-----\n" },
		{ "ecdsa", "ecdsa-sha2-nistp256",
		  "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" },
		{ "rsa", "rsassa-pss-sha256", RSA_1024_PEM },
		{ "rsa", "rsassa-pss-sha256", P256_PEM },
		{ "rsa", "rsassa-pss-sha512", RSA_PEM },
		{ "rsa", "rsa-pkcs1v15-sha256", RSA_PEM },
		{ "rsa", "rsassa-pss-sha256",
		  "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
		  "00000000000000000000000000000000\n\nAAAA\n-----END PUBLIC KEY-----\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct key *key;

		assert_int_equal(read_key(wrong[i][0], wrong[i][1], wrong[i][2], &key),
				 KEY_UNUSABLE);
		assert_null(key);
	}
}

static void the_same_key_is_known_however_it_is_written(void **state)
{
	static const char *const same[][3] = {
		{ "ecdsa", "ecdsa-sha2-nistp256", P256_PEM },
		{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", P256_PEM },
		{ "ecdsa", "ecdsa-sha2-nistp256", P256_COMPRESSED_PEM },
		{ "ecdsa", "ecdsa-sha2-nistp256", P256_POINT },
	};
	_cleanup_(key_freep) struct key *first = NULL;
	_cleanup_(key_freep) struct key *ed25519 = NULL;
	_cleanup_(key_freep) struct key *rsa = NULL;
	_cleanup_(key_freep) struct key *rsa_again = NULL;

	assert_int_equal(read_key(same[0][0], same[0][1], same[0][2], &first), 0);
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		_cleanup_(key_freep) struct key *key = NULL;

		assert_int_equal(read_key(same[i][0], same[i][1], same[i][2], &key), 0);
		assert_true(key_equal(first, key));
		assert_true(key_equal(key, first));
	}
	assert_int_equal(read_key("ed25519", "ed25519", ED25519_PUBLIC, &ed25519), 0);
	assert_int_equal(read_key("rsa", "rsassa-pss-sha256", RSA_PEM, &rsa), 0);
	assert_int_equal(read_key("rsa", "rsassa-pss-sha256", RSA_PKCS1_PEM, &rsa_again), 0);
	assert_true(key_equal(rsa, rsa_again));
	assert_false(key_equal(first, ed25519));
	assert_false(key_equal(rsa, ed25519));
}

static void an_object_that_is_no_key_is_corrupt(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\"}",
		"{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":\"x\"}",
		"{\"keytype\":\"ed25519\",\"scheme\":5,\"keyval\":{}}",
		"{\"scheme\":\"ed25519\",\"keyval\":{}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(jread_freep) json_t *json = NULL;
		struct key *key = NULL;
		struct error err = {};

		assert_int_equal(jread_parse(wrong[i], strlen(wrong[i]), &json, NULL), 0);
		check_error(key_read(json, &key, &err), &err, FAULT_CORRUPT, "\"");
		assert_null(key);
	}
	key_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_by_others_verify),
		cmocka_unit_test(any_changed_bit_is_no_signature),
		cmocka_unit_test(other_schemes_of_the_same_key_are_no_signatures),
		cmocka_unit_test(what_is_not_in_the_table_is_unusable),
		cmocka_unit_test(the_same_key_is_known_however_it_is_written),
		cmocka_unit_test(an_object_that_is_no_key_is_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
