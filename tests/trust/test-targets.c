#include "trust/targets.h"

#include "trust/jread.h"

#include "sign.h"

#define ABC_256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct signers *signers_of(const char *digits, int threshold)
{
	_cleanup_(jread_freep) json_t *keys = sign_keys(9);
	_cleanup_(jread_freep) json_t *role = sign_role(digits, threshold);
	struct signers *signers;

	assert_int_equal(signers_read(keys, role, &signers, NULL), 0);
	return signers;
}

static int read_consume(json_t *body, const struct metafile *promised, struct targets **ret_targets,
			struct error *err)
{
	_cleanup_free_ char *text = sign_consume(body, "4");
	_cleanup_(signers_freep) struct signers *signers = signers_of("4", 1);

	return targets_read(signers, promised, text, strlen(text), ret_targets, err);
}

static json_t *body_with(const char *files)
{
	return sign_targets_body(2, json_loads(files, JSON_DECODE_ANY, NULL), NULL);
}

static const struct metafile promised = { .version = 2 };

static void files_are_found_by_their_paths(void **state)
{
	_cleanup_(targets_freep) struct targets *targets = NULL;
	struct targets_file file = {};

	assert_int_equal(
		read_consume(body_with("{\"a/b\":{\"length\":3,\"hashes\":{\"sha256\":\"" ABC_256
				       "\"},\"custom\":{\"x\":[1, {}]}},\"c\":{\"length\":0,"
				       "\"hashes\":{\"md5\":\"00\"}}}"),
			     &promised, &targets, NULL),
		0);
	assert_null(targets->delegation);
	assert_int_equal(targets_find(targets, "a/b", &file, NULL), 0);
	assert_int_equal(file.length, 3);
	assert_int_equal(hashes_check(&file.hashes, "abc", 3, NULL), 0);
	assert_string_equal(file.custom, "{\"x\":[1,{}]}");
	targets_file_done(&file);
	assert_int_equal(targets_find(targets, "c", &file, NULL), 0);
	assert_null(file.custom);
	assert_false(hashes_known(&file.hashes));
	assert_int_equal(targets_find(targets, "a", &file, NULL), TARGETS_ABSENT);
	assert_int_equal(targets_find(targets, "", &file, NULL), TARGETS_ABSENT);
	targets_free(NULL);
}

static void entries_are_looked_at_when_asked_for(void **state)
{
	static const char *const wrong[] = {
		"1",
		"{}",
		"{\"length\":1}",
		"{\"hashes\":{\"sha256\":\"" ABC_256 "\"}}",
		"{\"length\":-1,\"hashes\":{\"sha256\":\"" ABC_256 "\"}}",
		"{\"length\":1.0,\"hashes\":{\"sha256\":\"" ABC_256 "\"}}",
		"{\"length\":1,\"hashes\":{}}",
		"{\"length\":1,\"hashes\":{\"sha256\":\"0\"}}",
		"{\"length\":1,\"hashes\":{\"sha256\":\"" ABC_256 "\"},\"custom\":1}",
	};
	_cleanup_(targets_freep) struct targets *targets = NULL;
	json_t *files = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		json_t *value = json_loads(wrong[i], JSON_DECODE_ANY, NULL);

		/* reals cannot be signed: that one stands in for itself as a string */
		if (strchr(wrong[i], '.'))
			json_object_set_new(value, "length", json_string("1.0"));
		json_object_set_new(files, wrong[i], value);
	}
	assert_int_equal(read_consume(sign_targets_body(2, files, NULL), &promised, &targets, NULL),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct targets_file file;
		struct error err = {};

		check_error(targets_find(targets, wrong[i], &file, &err), &err, FAULT_CORRUPT,
			    "\"");
	}
}

static void it_must_be_what_was_promised_and_signed(void **state)
{
	_cleanup_free_ char *text = sign_consume(body_with("{}"), "4");
	_cleanup_(signers_freep) struct signers *own = signers_of("4", 1);
	_cleanup_(signers_freep) struct signers *others = signers_of("5", 1);
	struct targets *targets = NULL;
	struct metafile other = promised;
	struct error err = {};

	check_error(targets_read(others, &promised, text, strlen(text), &targets, &err), &err,
		    FAULT_UNTRUSTED, "0 of the 1");
	other.version = 1;
	check_error(targets_read(own, &other, text, strlen(text), &targets, &err), &err,
		    FAULT_UNTRUSTED, "is 2 where 1");
	other.version = 3;
	check_error(targets_read(own, &other, text, strlen(text), &targets, &err), &err,
		    FAULT_STALE, "is 2 where 3");
	other = (struct metafile){ .version = 2, .has_length = true, .length = strlen(text) - 1 };
	check_error(targets_read(own, &other, text, strlen(text), &targets, &err), &err,
		    FAULT_UNTRUSTED, "bytes");
	other = (struct metafile){ .version = 2, .has_hashes = true, .hashes.has_sha256 = true };
	check_error(targets_read(own, &other, text, strlen(text), &targets, &err), &err,
		    FAULT_UNTRUSTED, "SHA-256");
	assert_null(targets);
}

static void it_must_be_of_its_form(void **state)
{
	json_t *bodies[] = { sign_body("targets", 2), sign_timestamp_body(2, 1),
			     sign_targets_body(2, json_array(), NULL),
			     sign_targets_body(2, json_object(), json_array()),
			     sign_targets_body(2, json_object(), json_object()) };

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct targets *targets = NULL;
		struct error err = {};

		check_error(read_consume(bodies[i], &promised, &targets, &err), &err, FAULT_CORRUPT,
			    "");
		assert_null(targets);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_found_by_their_paths),
		cmocka_unit_test(entries_are_looked_at_when_asked_for),
		cmocka_unit_test(it_must_be_what_was_promised_and_signed),
		cmocka_unit_test(it_must_be_of_its_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
