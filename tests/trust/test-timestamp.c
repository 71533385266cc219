#include "trust/timestamp.h"

#include "trust/jread.h"

#include "sign.h"

static struct root *make_root(void)
{
	_cleanup_free_ char *text = sign_consume(sign_root_body(1), "1");
	struct root *root;

	assert_int_equal(root_load(text, strlen(text), &root, NULL), 0);
	return root;
}

static int read_consume(json_t *body, const char *signing, struct timestamp **ret_timestamp,
			struct error *err)
{
	_cleanup_(root_freep) struct root *root = make_root();
	_cleanup_free_ char *text = sign_consume(body, signing);

	return timestamp_read(root, text, strlen(text), ret_timestamp, err);
}

static void it_names_the_snapshot(void **state)
{
	_cleanup_(timestamp_freep) struct timestamp *timestamp = NULL;

	assert_int_equal(read_consume(sign_timestamp_body(5, 7), "2", &timestamp, NULL), 0);
	assert_int_equal(timestamp->metadata.version, 5);
	assert_int_equal(timestamp->snapshot.version, 7);
	timestamp_free(NULL);
}

static void only_its_own_keys_count(void **state)
{
	struct timestamp *timestamp = NULL;
	struct error err = {};

	check_error(read_consume(sign_timestamp_body(5, 7), "1345", &timestamp, &err), &err,
		    FAULT_UNTRUSTED, "0 of the 1");
	assert_null(timestamp);
}

static void it_must_be_of_its_form(void **state)
{
	json_t *bodies[] = { sign_body("timestamp", 1), sign_body("snapshot", 1),
			     sign_timestamp_body(0, 1), sign_timestamp_body(1, 0) };

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct timestamp *timestamp = NULL;
		struct error err = {};

		check_error(read_consume(bodies[i], "2", &timestamp, &err), &err, FAULT_CORRUPT,
			    "");
	}
}

static void versions_only_rise(void **state)
{
	struct timestamp old = { .metadata.version = 5, .snapshot.version = 7 };
	struct timestamp next = old;
	struct error err = {};

	assert_int_equal(timestamp_check_version(&old, &next, NULL), TIMESTAMP_SAME);
	next.metadata.version = 6;
	assert_int_equal(timestamp_check_version(&old, &next, NULL), 0);
	next.metadata.version = 4;
	check_error(timestamp_check_version(&old, &next, &err), &err, FAULT_STALE,
		    "version 4, 5 is known");
	assert_int_equal(timestamp_check_snapshot(&old, &next, NULL), 0);
	next.snapshot.version = 8;
	assert_int_equal(timestamp_check_snapshot(&old, &next, NULL), 0);
	next.snapshot.version = 6;
	check_error(timestamp_check_snapshot(&old, &next, &err), &err, FAULT_STALE,
		    "snapshot.json back to version 6, 7 is known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_names_the_snapshot),
		cmocka_unit_test(only_its_own_keys_count),
		cmocka_unit_test(it_must_be_of_its_form),
		cmocka_unit_test(versions_only_rise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
