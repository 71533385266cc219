#include "trust/metafile.h"

#include "trust/jread.h"

#include "../base/check.h"

#define ABC_256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static int read_text(const char *text, struct metafile *ret_metafile, struct error *err)
{
	_cleanup_(jread_freep) json_t *json = NULL;

	assert_int_equal(jread_parse(text, strlen(text), &json, NULL), 0);
	return metafile_read(json, "f.json", ret_metafile, err);
}

static void only_the_version_must_be_there(void **state)
{
	struct metafile metafile;

	assert_int_equal(read_text("{\"f.json\":{\"version\":7,\"x\":1}}", &metafile, NULL), 0);
	assert_int_equal(metafile.version, 7);
	assert_false(metafile.has_length || metafile.has_hashes);
	assert_int_equal(metafile_check(&metafile, "anything", 8, NULL), 0);
}

static void what_is_listed_must_fit(void **state)
{
	struct metafile metafile;
	struct error err = {};

	assert_int_equal(
		read_text("{\"f.json\":{\"version\":1,\"length\":3,\"hashes\":{\"sha256\":\"" ABC_256
			  "\"}}}",
			  &metafile, NULL),
		0);
	assert_int_equal(metafile_check(&metafile, "abc", 3, NULL), 0);
	check_error(metafile_check(&metafile, "abcd", 4, &err), &err, FAULT_UNTRUSTED,
		    "4 bytes where 3");
	check_error(metafile_check(&metafile, "ab", 2, &err), &err, FAULT_UNTRUSTED,
		    "2 bytes where 3");
	check_error(metafile_check(&metafile, "abd", 3, &err), &err, FAULT_UNTRUSTED, "SHA-256");
	assert_int_equal(read_text("{\"f.json\":{\"version\":1,\"length\":0}}", &metafile, NULL),
			 0);
	assert_int_equal(metafile_check(&metafile, "", 0, NULL), 0);
	assert_true(metafile_check(&metafile, "a", 1, NULL) < 0);
	assert_int_equal(read_text("{\"f.json\":{\"version\":1,\"hashes\":{\"md5\":\"00\"}}}",
				   &metafile, NULL),
			 0);
	check_error(metafile_check(&metafile, "abc", 3, &err), &err, FAULT_UNTRUSTED, "neither");
}

static void wrong_forms_are_corrupt(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"{\"f.json\":1}",
		"{\"f.json\":{}}",
		"{\"f.json\":{\"version\":0}}",
		"{\"f.json\":{\"version\":1.0}}",
		"{\"f.json\":{\"version\":1,\"length\":-1}}",
		"{\"f.json\":{\"version\":1,\"length\":null}}",
		"{\"f.json\":{\"version\":1,\"hashes\":{}}}",
		"{\"f.json\":{\"version\":1,\"hashes\":\"sha256\"}}",
		"{\"f.json\":{\"version\":1,\"hashes\":{\"sha256\":\"x\"}}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct metafile metafile;
		struct error err = {};

		check_error(read_text(wrong[i], &metafile, &err), &err, FAULT_CORRUPT, "\"");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_version_must_be_there),
		cmocka_unit_test(what_is_listed_must_fit),
		cmocka_unit_test(wrong_forms_are_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
