#include "trust/envelope.h"

#include "trust/jread.h"

#include "sign.h"

static struct signers *signers_of(const char *digits, int threshold)
{
	_cleanup_(jread_freep) json_t *keys = sign_keys(9);
	_cleanup_(jread_freep) json_t *role = sign_role(digits, threshold);
	struct signers *signers;

	assert_int_equal(signers_read(keys, role, &signers, NULL), 0);
	return signers;
}

/* A body signed by these keys, verified by those. */
static int verify(const char *signing, const char *listed, int threshold, struct error *err)
{
	_cleanup_free_ char *text = sign_consume(sign_body("x", 1), signing);
	_cleanup_(signers_freep) struct signers *signers = signers_of(listed, threshold);
	_cleanup_(jread_freep) json_t *body = NULL;

	return envelope_read(text, strlen(text), signers, &body, err);
}

static void enough_of_the_listed_keys(void **state)
{
	assert_int_equal(verify("1", "1", 1, NULL), 0);
	assert_int_equal(verify("21", "12", 2, NULL), 0);
	assert_int_equal(verify("513", "12345", 3, NULL), 0);
	assert_int_equal(verify("9182", "12", 2, NULL), 0);
}

static void too_few_of_them(void **state)
{
	static const struct {
		const char *signing;
		const char *listed;
		int threshold;
		const char *says;
	} cases[] = {
		{ "", "1", 1, "0 of the 1 different keys that it takes" },
		{ "2", "1", 1, "0 of the 1" },
		{ "1", "12", 2, "1 of the 2 different keys that it takes" },
		{ "123", "12", 3, "2 of the 3" },
		{ "1", "11111", 2, "1 of the 2" },
		{ "34", "12345", 3, "2 of the 3" },
		{ "1", "", 1, "0 of the 1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {};

		check_error(verify(cases[i].signing, cases[i].listed, cases[i].threshold, &err),
			    &err, FAULT_UNTRUSTED, cases[i].says);
	}
}

/* One key, listed and signing under two ids. */
static void one_key_is_one_signer_under_any_name(void **state)
{
	_cleanup_(jread_freep) json_t *body = sign_body("x", 1);
	_cleanup_free_ char *sig = sign_over(1, body);
	_cleanup_(jread_freep)
		json_t *keys = json_pack("{soso}", "a", sign_public(1), "b", sign_public(1));
	_cleanup_(jread_freep)
		json_t *role = json_pack("{s[ss]si}", "keyids", "a", "b", "threshold", 2);
	_cleanup_(jread_freep)
		json_t *whole = json_pack("{sOs[{ssss}{ssss}]}", "signed", body, "signatures",
					  "keyid", "a", "sig", sig, "keyid", "b", "sig", sig);
	_cleanup_free_ char *text = json_dumps(whole, 0);
	_cleanup_(signers_freep) struct signers *signers = NULL;
	json_t *read = NULL;
	struct error err = {};

	assert_int_equal(signers_read(keys, role, &signers, NULL), 0);
	check_error(envelope_read(text, strlen(text), signers, &read, &err), &err, FAULT_UNTRUSTED,
		    "1 of the 2");
	assert_null(read);
	signers->threshold = 1;
	assert_int_equal(envelope_read(text, strlen(text), signers, &read, NULL), 0);
	json_decref(read);
}

static void a_key_id_signs_once(void **state)
{
	struct error err = {};

	check_error(verify("11", "1", 1, &err), &err, FAULT_UNTRUSTED,
		    "two signatures have the key id k1");
	check_error(verify("929", "2", 1, &err), &err, FAULT_UNTRUSTED, "key id k9");
}

static void signatures_that_are_none_only_do_not_count(void **state)
{
	static const char *const wrong[] = { "", "0", "zz", "00", "\xc3\xa9" };
	_cleanup_(signers_freep) struct signers *signers = signers_of("12", 1);

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(jread_freep) json_t *body = sign_body("x", 1);
		_cleanup_free_ char *sig = sign_over(2, body);
		_cleanup_(jread_freep) json_t *whole =
			json_pack("{sOs[{ssss}{ssss}]}", "signed", body, "signatures", "keyid",
				  "k1", "sig", wrong[i], "keyid", "k2", "sig", sig);
		_cleanup_free_ char *text = json_dumps(whole, 0);
		_cleanup_(jread_freep) json_t *read = NULL;

		assert_int_equal(envelope_read(text, strlen(text), signers, &read, NULL), 0);
	}
}

static void signed_is_the_canonical_form(void **state)
{
	_cleanup_(signers_freep) struct signers *signers = signers_of("1", 1);
	_cleanup_(jread_freep) json_t *body = json_pack("{sisssn}", "z", 1, "a", "\n", "m");
	_cleanup_free_ char *sig = sign_over(1, body);
	_cleanup_(jread_freep) json_t *read = NULL;
	struct text text = {};

	text_add(&text,
		 " {\n\"signatures\" : [{\"x\":[1.5],\"sig\":\"%s\",\"keyid\":\"\\u006b1\"}],",
		 sig);
	text_add(&text,
		 "\t\"signed\": { \"m\" : null,\"a\":\"\\u000a\" , \"z\":1}, \"more\":1.5 }\r\n");
	assert_int_equal(envelope_read(text.data, text.size, signers, &read, NULL), 0);
	assert_true(json_equal(read, body));
	text_done(&text);
}

static void wrong_forms_are_corrupt(void **state)
{
	static const char *const wrong[] = {
		"",
		"{}",
		"{\"signed\":{}}",
		"{\"signatures\":[]}",
		"{\"signed\":[],\"signatures\":[]}",
		"{\"signed\":{},\"signatures\":{}}",
		"{\"signed\":{},\"signatures\":[1]}",
		"{\"signed\":{},\"signatures\":[{\"keyid\":\"a\"}]}",
		"{\"signed\":{},\"signatures\":[{\"sig\":\"a\"}]}",
		"{\"signed\":{},\"signatures\":[{\"keyid\":1,\"sig\":\"00\"}]}",
		"{\"signed\":{},\"signatures\":[{\"keyid\":\"a\",\"sig\":1}]}",
		"{\"signed\":{\"a\":1.5},\"signatures\":[]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct envelope *envelope = NULL;
		struct error err = {};

		check_error(envelope_open(wrong[i], strlen(wrong[i]), &envelope, &err), &err,
			    FAULT_CORRUPT, "");
		assert_null(envelope);
	}
	envelope_free(NULL);
}

static void there_may_not_be_too_many_signatures(void **state)
{
	for (int n = ENVELOPE_SIGNATURES_MAX; n <= ENVELOPE_SIGNATURES_MAX + 1; n++) {
		struct envelope *envelope = NULL;
		struct text text = {};

		text_add(&text, "{\"signed\":{},\"signatures\":[");
		for (int i = 0; i < n; i++)
			text_add(&text, "%s{\"keyid\":\"%d\",\"sig\":\"\"}", i ? "," : "", i);
		text_add(&text, "]}");
		assert_int_equal(envelope_open(text.data, text.size, &envelope, NULL) == 0,
				 n == ENVELOPE_SIGNATURES_MAX);
		envelope_free(envelope);
		text_done(&text);
	}
}

/* Whatever byte is changed: it is refused, or (in white space, say) the body is the same. */
static void no_changed_byte_gets_another_body_through(void **state)
{
	_cleanup_(signers_freep) struct signers *signers = signers_of("1", 1);
	_cleanup_(jread_freep) json_t *body = sign_body("x", 1);
	_cleanup_free_ char *text = sign_consume(json_incref(body), "1");

	for (size_t at = 0; at < strlen(text); at++) {
		for (int bit = 0; bit < 8; bit++) {
			json_t *read = NULL;

			text[at] = (char)(text[at] ^ (1 << bit));
			if (envelope_read(text, strlen(text), signers, &read, NULL) == 0)
				assert_true(json_equal(read, body));
			json_decref(read);
			text[at] = (char)(text[at] ^ (1 << bit));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enough_of_the_listed_keys),
		cmocka_unit_test(too_few_of_them),
		cmocka_unit_test(one_key_is_one_signer_under_any_name),
		cmocka_unit_test(a_key_id_signs_once),
		cmocka_unit_test(signatures_that_are_none_only_do_not_count),
		cmocka_unit_test(signed_is_the_canonical_form),
		cmocka_unit_test(wrong_forms_are_corrupt),
		cmocka_unit_test(there_may_not_be_too_many_signatures),
		cmocka_unit_test(no_changed_byte_gets_another_body_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
