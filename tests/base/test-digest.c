#include "base/digest.h"

#include "check.h"

/* NIST's examples (FIPS 180-4). */
static const struct {
	const char *data;
	const char *hex;
} examples[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void digests_are_those_of_the_standard(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		struct digest digest;
		char hex[DIGEST_HEX_MAX];

		assert_int_equal(
			digest_of(examples[i].data, strlen(examples[i].data), &digest, NULL), 0);
		assert_string_equal(digest_to_hex(&digest, hex), examples[i].hex);
	}
}

static void hex_is_exactly_64_digits(void **state)
{
	static const char *const wrong[] = {
		"",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
		" 3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"0xb0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	};
	struct digest digest;
	char hex[DIGEST_HEX_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = {};

		check_error(digest_from_hex(wrong[i], &digest, &err), &err, FAULT_CONFIG, "64");
	}
	assert_int_equal(
		digest_from_hex("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
				&digest, NULL),
		0);
	assert_string_equal(digest_to_hex(&digest, hex), examples[0].hex);
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		assert_int_equal(digest_from_hex(examples[i].hex, &digest, NULL), 0);
		assert_string_equal(digest_to_hex(&digest, hex), examples[i].hex);
	}
}

static void null_is_all_zeroes_only(void **state)
{
	struct digest digest = {};

	assert_true(digest_is_null(&digest));
	digest.bytes[DIGEST_SIZE - 1] = 1;
	assert_false(digest_is_null(&digest));
	assert_false(digest_equal(&digest, &(struct digest){}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standard),
		cmocka_unit_test(hex_is_exactly_64_digits),
		cmocka_unit_test(null_is_all_zeroes_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
