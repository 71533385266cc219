#include "publish/document.h"

#include "kit.h"

static json_t *new_document(void)
{
	json_t *document = NULL;

	kit_good(document_new_consume(bodies_targets(KIT_NOW), &document, err));
	return document;
}

static EVP_PKEY *new_key(void)
{
	EVP_PKEY *pkey = NULL;

	kit_good(secret_new(SECRET_ED25519, &pkey, err));
	return pkey;
}

static void test_parts(void **state)
{
	_cleanup_(jread_freep) json_t *document = new_document();

	assert_string_equal(document_type(document), "targets");
	assert_int_equal(document_version(document), 1);
	assert_int_equal(document_expires(document), KIT_NOW);
	assert_int_equal(document_count_signatures(document), 0);
}

/* Who signs first, or twice, or elsewhere, does not change a byte. */
static void test_order_does_not_matter(void **state)
{
	_cleanup_(jread_freep) json_t *a = new_document();
	_cleanup_(jread_freep) json_t *b = new_document();
	_cleanup_(jread_freep) json_t *c = new_document();
	_cleanup_free_ char *text_a = NULL;
	_cleanup_free_ char *text_b = NULL;
	EVP_PKEY *one = new_key();
	EVP_PKEY *two = new_key();
	char id[DIGEST_HEX_MAX];
	size_t size;

	kit_good(document_sign(a, one, id, err));
	kit_good(document_sign(a, two, id, err));
	kit_good(document_sign(b, two, id, err));
	kit_good(document_sign(b, two, id, err));
	kit_good(document_sign(c, one, id, err));
	kit_good(document_merge(b, c, err));
	assert_true(document_has_signature(b, id));
	kit_good(document_encode(a, &text_a, &size, err));
	kit_good(document_encode(b, &text_b, &size, err));
	assert_string_equal(text_a, text_b);
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
}

static void test_another_body_is_not_merged(void **state)
{
	_cleanup_(jread_freep) json_t *a = new_document();
	_cleanup_(jread_freep) json_t *b = new_document();
	struct error err = {};

	(void)json_object_set_new(document_body(b), "version", json_integer(2));
	check_error(document_merge(a, b, &err), &err, FAULT_UNTRUSTED, "handed out");
}

static void refuse(const char *text, const char *word)
{
	struct error err = {};
	json_t *document = NULL;

	check_error(document_parse(text, strlen(text), &document, &err), &err, FAULT_CORRUPT, word);
	assert_null(document);
}

static void test_no_document(void **state)
{
	refuse("{}", "signed");
	refuse("{\"signed\":{},\"signatures\":{}}", "signatures");
	refuse("{\"signed\":{},\"signatures\":[{\"keyid\":1,\"sig\":\"\"}]}", "keyid");
	refuse("{\"signed\":{},\"signed\":{},\"signatures\":[]}", "duplicate");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_parts),
		check_in_dir(test_order_does_not_matter),
		check_in_dir(test_another_body_is_not_merged),
		check_in_dir(test_no_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
