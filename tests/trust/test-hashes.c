#include "trust/hashes.h"

#include "trust/jread.h"

#include "../base/check.h"

/* FIPS 180-4: "abc" */
#define ABC_256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_512                                                            \
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static int read_text(const char *text, struct hashes *ret_hashes, struct error *err)
{
	_cleanup_(jread_freep) json_t *json = NULL;

	assert_int_equal(jread_parse(text, strlen(text), &json, NULL), 0);
	return hashes_read(json, ret_hashes, err);
}

static void each_kind_alone_and_both(void **state)
{
	static const char *const right[] = {
		"{\"sha256\":\"" ABC_256 "\"}",
		"{\"sha512\":\"" ABC_512 "\"}",
		"{\"sha512\":\"" ABC_512 "\",\"sha256\":\"" ABC_256 "\",\"blake3\":5}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		struct hashes hashes;
		struct error err = {};

		assert_int_equal(read_text(right[i], &hashes, NULL), 0);
		assert_true(hashes_known(&hashes));
		assert_int_equal(hashes_check(&hashes, "abc", 3, NULL), 0);
		check_error(hashes_check(&hashes, "abd", 3, &err), &err, FAULT_UNTRUSTED, "SHA-");
		check_error(hashes_check(&hashes, "abc", 2, &err), &err, FAULT_UNTRUSTED, "SHA-");
	}
}

static void all_that_are_known_must_fit(void **state)
{
	struct hashes hashes;
	struct error err = {};

	assert_int_equal(read_text("{\"sha256\":\"" ABC_256 "\",\"sha512\":\"" ABC_512 "\"}",
				   &hashes, NULL),
			 0);
	hashes.sha512.bytes[63] ^= 1;
	check_error(hashes_check(&hashes, "abc", 3, &err), &err, FAULT_UNTRUSTED, "SHA-512");
	hashes.sha512.bytes[63] ^= 1;
	hashes.sha256.bytes[0] ^= 1;
	check_error(hashes_check(&hashes, "abc", 3, &err), &err, FAULT_UNTRUSTED, "SHA-256");
}

static void nothing_known_is_nothing_verified(void **state)
{
	struct hashes hashes;
	struct error err = {};
	char hex[HASHES_HEX_MAX];

	assert_int_equal(read_text("{\"md5\":\"900150983cd24fb0d6963f7d28e17f72\"}", &hashes, NULL),
			 0);
	assert_false(hashes_known(&hashes));
	assert_string_equal(hashes_to_hex(&hashes, hex), "");
	check_error(hashes_check(&hashes, "abc", 3, &err), &err, FAULT_UNTRUSTED, "neither");
}

static void form_is_exact(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"{\"sha256\":1}",
		"{\"sha256\":\"\"}",
		"{\"sha256\":\"BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}",
		"{\"sha256\":\"" ABC_256 "0\"}",
		"{\"sha512\":\"" ABC_256 "\"}",
		"{\"sha256\":\"" ABC_512 "\"}",
		"{\"sha256\":\"" ABC_256 "\",\"sha512\":null}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct hashes hashes;
		struct error err = {};

		check_error(read_text(wrong[i], &hashes, &err), &err, FAULT_CORRUPT, "");
	}
}

static void file_names_have_sha256_if_there_is_one(void **state)
{
	struct hashes hashes;
	char hex[HASHES_HEX_MAX];

	assert_int_equal(read_text("{\"sha512\":\"" ABC_512 "\"}", &hashes, NULL), 0);
	assert_string_equal(hashes_to_hex(&hashes, hex), ABC_512);
	assert_int_equal(read_text("{\"sha256\":\"" ABC_256 "\",\"sha512\":\"" ABC_512 "\"}",
				   &hashes, NULL),
			 0);
	assert_string_equal(hashes_to_hex(&hashes, hex), ABC_256);
}

static void parts_are_the_whole(void **state)
{
	_cleanup_(hashes_stream_freep) struct hashes_stream *stream = NULL;
	struct hashes hashes;

	assert_int_equal(read_text("{\"sha256\":\"" ABC_256 "\",\"sha512\":\"" ABC_512 "\"}",
				   &hashes, NULL),
			 0);
	assert_int_equal(hashes_stream_new(&hashes, &stream, NULL), 0);
	assert_int_equal(hashes_stream_update(stream, "a", 1, NULL), 0);
	assert_int_equal(hashes_stream_update(stream, "", 0, NULL), 0);
	assert_int_equal(hashes_stream_update(stream, "bc", 2, NULL), 0);
	assert_int_equal(hashes_stream_finish(stream, NULL), 0);
	hashes_stream_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_alone_and_both),
		cmocka_unit_test(all_that_are_known_must_fit),
		cmocka_unit_test(nothing_known_is_nothing_verified),
		cmocka_unit_test(form_is_exact),
		cmocka_unit_test(file_names_have_sha256_if_there_is_one),
		cmocka_unit_test(parts_are_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
