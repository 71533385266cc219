#include "trust/metadata.h"

#include "base/clock.h"
#include "trust/jread.h"

#include "sign.h"

/* The body of a snapshot with one member replaced (by JSON), or removed (NULL). */
static int read_with(const char *key, const char *value, struct metadata *ret_metadata,
		     struct error *err)
{
	_cleanup_(jread_freep) json_t *body = sign_body("snapshot", 3);

	if (key && value)
		json_object_set_new(body, key, json_loads(value, JSON_DECODE_ANY, NULL));
	else if (key)
		json_object_del(body, key);
	return metadata_read(body, "snapshot", ret_metadata, err);
}

static void what_is_common_is_read(void **state)
{
	struct metadata metadata;

	assert_int_equal(read_with(NULL, NULL, &metadata, NULL), 0);
	assert_int_equal(metadata.version, 3);
	assert_int_equal(metadata.expires, 1801440000 * USEC_PER_SEC);
	assert_int_equal(read_with("x-more", "[1.5]", &metadata, NULL), 0);
	assert_int_equal(read_with("spec_version", "\"1.0\"", &metadata, NULL), 0);
	assert_int_equal(read_with("spec_version", "\"1.20.3\"", &metadata, NULL), 0);
	assert_int_equal(read_with("version", "9223372036854775807", &metadata, NULL), 0);
}

static void all_of_it_must_be_there_and_right(void **state)
{
	static const char *const wrong[][2] = {
		{ "_type", NULL },
		{ "_type", "\"Snapshot\"" },
		{ "_type", "\"snapshot \"" },
		{ "_type", "5" },
		{ "spec_version", NULL },
		{ "spec_version", "\"2.0.0\"" },
		{ "spec_version", "\"1\"" },
		{ "spec_version", "\"1.\"" },
		{ "spec_version", "\"10.0\"" },
		{ "spec_version", "\"1.0a\"" },
		{ "spec_version", "1" },
		{ "version", NULL },
		{ "version", "0" },
		{ "version", "-1" },
		{ "version", "1.0" },
		{ "version", "\"1\"" },
		{ "expires", NULL },
		{ "expires", "\"never\"" },
		{ "expires", "1801440000" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct metadata metadata;
		struct error err = {};

		check_error(read_with(wrong[i][0], wrong[i][1], &metadata, &err), &err,
			    FAULT_CORRUPT, "");
	}
}

static void another_version_is_not_the_promised_one(void **state)
{
	const struct metadata metadata = { .version = 5 };
	struct error err = {};

	assert_int_equal(metadata_check_version(&metadata, 5, NULL), 0);
	check_error(metadata_check_version(&metadata, 6, &err), &err, FAULT_STALE, "is 5 where 6");
	check_error(metadata_check_version(&metadata, 4, &err), &err, FAULT_UNTRUSTED,
		    "is 5 where 4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_common_is_read),
		cmocka_unit_test(all_of_it_must_be_there_and_right),
		cmocka_unit_test(another_version_is_not_the_promised_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
