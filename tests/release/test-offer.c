#include "release/offer.h"

#include "base/text.h"
#include "release/pieces.h"

#include "../base/check.h"

static void fill(struct digest *digest, int byte)
{
	memset(digest->bytes, byte, sizeof(digest->bytes));
}

/* Two pieces and a byte, two withdrawn. */
static struct offer *sample(void)
{
	struct offer *offer = calloc(1, sizeof(*offer));

	assert_non_null(offer);
	*offer = (struct offer){ .app = "gateway",
				 .channel = "stable",
				 .arch = "x86_64",
				 .version = "1.4-r\xc3\xa9",
				 .sequence = 7,
				 .min_sequence = 2,
				 .epoch = 1,
				 .requires = { 5, 512 << 20, "5.10", "" },
				 .bytes = INT64_MAX,
				 .files = 8402,
				 .full_length = 2 * PIECES_SIZE + 1,
				 .n_pieces = 3,
				 .n_withdrawn = 2,
				 .n_bundles = 2 };
	fill(&offer->index, 1);
	fill(&offer->full, 2);
	offer->pieces = calloc(3, sizeof(*offer->pieces));
	assert_non_null(offer->pieces);
	for (int i = 0; i < 3; i++)
		fill(&offer->pieces[i], 0x10 + i);
	for (int i = 0; i < 2; i++) {
		fill(&offer->withdrawn[i].index, 0x20 + i);
		offer->withdrawn[i].sequence = 3 + (uint64_t)i;
	}
	assert_true(command_add(&offer->check, "bin/selftest"));
	assert_true(command_add(&offer->check, "of all"));
	memcpy(offer->withdrawn[1].why, "eats the data", 14);
	for (int i = 0; i < 2; i++) {
		struct offer_bundle *bundle = &offer->bundles[i];

		if (i > 0)
			fill(&bundle->from, 0x30);
		fill(&bundle->blob, 0x40 + i);
		fill(&bundle->head_digest, 0x50 + i);
		bundle->head = 100;
		bundle->length = 100 + (uint64_t)i;
	}
	offer->near.n_from = 2;
	fill(&offer->near.from[0], 0x60);
	fill(&offer->near.from[1], 0x61);
	fill(&offer->near.bundle.blob, 0x62);
	fill(&offer->near.bundle.head_digest, 0x63);
	offer->near.bundle.head = 200;
	offer->near.bundle.length = 300;
	return offer;
}

static void test_comes_back(void **state)
{
	_cleanup_(offer_freep) struct offer *offer = sample();
	_cleanup_(offer_freep) struct offer *back = NULL;
	_cleanup_free_ char *json = NULL;
	struct offer a, b;
	size_t size;

	assert_int_equal(offer_encode(offer, &json, &size, NULL), 0);
	assert_int_equal(size, strlen(json));
	assert_int_equal(offer_decode(json, size, &back, NULL), 0);
	assert_memory_equal(offer->pieces, back->pieces, 3 * sizeof(*back->pieces));
	a = *offer;
	b = *back;
	a.pieces = b.pieces = NULL;
	assert_memory_equal(&a, &b, sizeof(a));
}

/* What is not known must not be passed over: it is kept for the device to refuse. */
static void test_unknown_requirement(void **state)
{
	_cleanup_(offer_freep) struct offer *offer = sample();
	_cleanup_(offer_freep) struct offer *back = NULL;
	_cleanup_free_ char *json = NULL;
	size_t size;

	assert_int_equal(offer_encode(offer, &json, &size, NULL), 0);
	strstr(json, "\"kernel\"")[1] = 'K';
	assert_int_equal(offer_decode(json, size, &back, NULL), 0);
	assert_string_equal(back->requires.unknown, "Kernel");
	assert_string_equal(back->requires.kernel, "");
}

#define H1 "0101010101010101010101010101010101010101010101010101010101010101"
#define H2 "0202020202020202020202020202020202020202020202020202020202020202"
#define H3 "0303030303030303030303030303030303030303030303030303030303030303"

static void test_text_is_what_is_drawn(void **state)
{
	static const char drawn[] =
		"{\"app\":\"a\",\"arch\":\"any\",\"blobs\":{\"full\":{\"length\":5,\"pieces\":[\"" H3
		"\"],\"sha256\":\"" H2 "\"}},\"bytes\":2,\"channel\":\"c\",\"epoch\":0,\"files\":1,"
		"\"format\":\"flipslot-offer 1\",\"index\":\"" H1 "\",\"min_sequence\":0,"
		"\"requires\":{},\"sequence\":1,\"version\":\"1\",\"withdrawn\":[]}\n";
	struct digest piece;
	struct offer offer = { .app = "a",
			       .arch = "any",
			       .channel = "c",
			       .version = "1",
			       .sequence = 1,
			       .bytes = 2,
			       .files = 1,
			       .full_length = 5,
			       .pieces = &piece,
			       .n_pieces = 1 };
	_cleanup_free_ char *json = NULL;
	size_t size;

	fill(&offer.index, 1);
	fill(&offer.full, 2);
	fill(&piece, 3);
	assert_int_equal(offer_encode(&offer, &json, &size, NULL), 0);
	assert_string_equal(json, drawn);
}

/* The sample with one piece of it replaced must be refused, for that reason. */
static void refuse_with(const char *from, const char *to, const char *word)
{
	_cleanup_(offer_freep) struct offer *offer = sample();
	_cleanup_free_ char *json = NULL;
	_cleanup_free_ char *changed = NULL;
	struct offer *back = NULL;
	struct error err = {};
	size_t size;
	char *at;

	assert_int_equal(offer_encode(offer, &json, &size, NULL), 0);
	at = strstr(json, from);
	if (!at)
		fail_msg("there is no %s in %s", from, json);
	assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - json), json, to, at + strlen(from)) >
		    0);
	check_error(offer_decode(changed, strlen(changed), &back, &err), &err, FAULT_CORRUPT, word);
	assert_null(back);
}

static void test_wrong_names(void **state)
{
	refuse_with("flipslot-offer 1", "flipslot-offer 2", "\"format\"");
	refuse_with("\"gateway\"", "\"../gateway\"", "\"app\"");
	refuse_with("\"gateway\"", "7", "\"app\"");
	refuse_with("\"stable\"", "\"..\"", "\"channel\"");
	refuse_with("\"stable\"", "\"\"", "\"channel\"");
	refuse_with("\"stable\"", "\"a/b\"", "\"channel\"");
	refuse_with("\"x86_64\"", "\"x86_64\\u0000\"", "not JSON");
	refuse_with("\"1.4", "\"1 4", "\"version\"");
	refuse_with("eats", "\\neats", "why");
}

static void test_wrong_numbers(void **state)
{
	refuse_with("\"sequence\":7", "\"sequence\":0", "\"sequence\"");
	refuse_with("\"sequence\":7", "\"sequence\":-1", "\"sequence\"");
	refuse_with("\"sequence\":7", "\"sequence\":7.0", "\"sequence\"");
	refuse_with("\"sequence\":7", "\"sequence\":\"7\"", "\"sequence\"");
	refuse_with("\"min_sequence\":2", "\"min_sequence\":8", "\"min_sequence\"");
	refuse_with("\"from\":5", "\"from\":\"5\"", "\"from\"");
	refuse_with("\"kernel\":\"5.10\"", "\"kernel\":5", "\"kernel\"");
	refuse_with("\"epoch\":1", "\"epoch\":null", "\"epoch\"");
	refuse_with("\"epoch\":1,", "", "\"epoch\"");
	refuse_with("\"sequence\":3", "\"sequence\":0", "withdrawn sequence");
}

static void test_wrong_blobs(void **state)
{
	refuse_with("\"length\":2097153", "\"length\":2097152", "\"pieces\"");
	refuse_with("\"length\":2097153", "\"length\":3145729", "\"pieces\"");
	refuse_with("\"length\":2097153", "\"length\":0", "\"pieces\"");
	refuse_with("\"length\":2097153", "\"length\":9223372036854775807", "\"length\"");
	refuse_with("\"1010", "\"101", "\"pieces\"");
	refuse_with("\"full\"", "\"half\"", "\"blobs\"");
	refuse_with("\"" H1 "\"",
		    "\"0000000000000000000000000000000000000000000000000000000000000"
		    "000\"",
		    "\"index\"");
	refuse_with("\"withdrawn\":[", "\"withdrawn\":[7,", "withdrawn");
}

#define HEX_30 "3030303030303030303030303030303030303030303030303030303030303030"

static void test_wrong_bundles(void **state)
{
	refuse_with("\"bundles\":[", "\"bundles\":[7,", "bundles");
	refuse_with("\"bundles\":[", "\"bundles\":7,\"b\":[", "bundles");
	refuse_with("\"from\":\"\"", "\"from\":\"ab\"", "\"from\"");
	refuse_with("\"from\":\"\"", "\"from\":null", "\"from\"");
	refuse_with("\"from\":\"\"", "\"from\":\"" HEX_30 "\"", "\"from\""); /* twice */
	refuse_with("\"from\":\"\"", "\"from\":\"" H1 "\"", "\"from\""); /* itself */
	refuse_with("\"head\":100", "\"head\":0", "\"head\"");
	refuse_with("\"head\":100", "\"head\":67108865", "\"head\"");
	refuse_with("\"head\":100", "\"head\":101", "\"length\"");
	refuse_with("\"length\":101", "\"length\":17179869185", "\"length\"");
	refuse_with("\"head_sha256\":\"50", "\"head_sha256\":\"5", "\"head_sha256\"");
	refuse_with("\"sha256\":\"40", "\"sha256\":\"4", "\"sha256\"");
}

static void test_wrong_near(void **state)
{
	refuse_with("\"near\":{", "\"near\":7,\"n\":{", "near");
	refuse_with("\"from\":[", "\"from\":[7,", "near");
	refuse_with("\"from\":[", "\"from\":[],\"f\":[", "near");
	refuse_with("\"from\":[", "\"from\":7,\"f\":[", "near");
	refuse_with("\"head\":200", "\"head\":0", "\"head\"");
	refuse_with("\"head\":200", "\"head\":301", "\"length\"");
	refuse_with("\"head_sha256\":\"63", "\"head_sha256\":\"6", "\"head_sha256\"");
	refuse_with("\"sha256\":\"62", "\"sha256\":\"6", "\"sha256\"");
}

static void test_check_is_a_list_of_words(void **state)
{
	_cleanup_(offer_freep) struct offer *offer = sample();
	_cleanup_free_ char *json = NULL;
	size_t size;

	assert_int_equal(offer_encode(offer, &json, &size, NULL), 0);
	assert_non_null(strstr(json, "\"check\":[\"bin/selftest\",\"of all\"]"));
	refuse_with("[\"bin/selftest\"", "[\"../selftest\"", "\"check\"");
	refuse_with("[\"bin/selftest\"", "[7", "\"check\"");
	refuse_with("[\"bin/selftest\",\"of all\"]", "[]", "\"check\"");
	refuse_with("[\"bin/selftest\",\"of all\"]", "\"bin/selftest\"", "\"check\"");
	refuse_with("\"of all\"", "\"of\\nall\"", "\"check\"");
	refuse_with("\"of all\"", "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0",
		    "\"check\"");
}

static void test_bundle_is_found(void **state)
{
	_cleanup_(offer_freep) struct offer *offer = sample();
	struct digest digest = {};

	assert_ptr_equal(offer_find_bundle(offer, &digest), &offer->bundles[0]);
	fill(&digest, 0x30);
	assert_ptr_equal(offer_find_bundle(offer, &digest), &offer->bundles[1]);
	fill(&digest, 0x31);
	assert_null(offer_find_bundle(offer, &digest));
}

/* The one from that release alone goes before that from any of several. */
static void test_update_is_found(void **state)
{
	_cleanup_(offer_freep) struct offer *offer = sample();
	struct digest digest = {};

	fill(&digest, 0x61);
	assert_ptr_equal(offer_find_update(offer, &digest), &offer->near.bundle);
	fill(&digest, 0x30);
	assert_ptr_equal(offer_find_update(offer, &digest), &offer->bundles[1]);
	fill(&offer->near.from[1], 0x30);
	assert_ptr_equal(offer_find_update(offer, &digest), &offer->bundles[1]);
	fill(&digest, 0x62);
	assert_null(offer_find_update(offer, &digest));
}

static void test_no_json(void **state)
{
	struct offer *offer = NULL;
	struct error err = {};

	check_error(offer_decode("[]", 2, &offer, &err), &err, FAULT_CORRUPT, "format");
	check_error(offer_decode("{", 1, &offer, &err), &err, FAULT_CORRUPT, "not JSON");
	check_error(offer_decode("{\"a\":1,\"a\":2}", 13, &offer, &err), &err, FAULT_CORRUPT,
		    "not JSON");
	assert_null(offer);
}

static void test_too_large(void **state)
{
	char *json = malloc(OFFER_MAX + 1);
	struct offer *offer = NULL;
	struct error err = {};

	assert_non_null(json);
	memset(json, ' ', OFFER_MAX + 1);
	check_error(offer_decode(json, OFFER_MAX + 1, &offer, &err), &err, FAULT_CORRUPT,
		    "more than");
	free(json);
}

static void test_too_many_withdrawn(void **state)
{
	static const char one[] = "{\"index\":\"" H1 "\",\"sequence\":1,\"why\":\"\"},";
	_cleanup_text_ struct text list = {};

	text_add(&list, "\"withdrawn\":[");
	for (int i = 0; i < OFFER_WITHDRAWN_MAX; i++)
		text_add(&list, "%s", one);
	refuse_with("\"withdrawn\":[", list.data, "\"withdrawn\"");
}

static void test_encoding_refuses(void **state)
{
	_cleanup_(offer_freep) struct offer *offer = sample();
	struct error err = {};
	char *json = NULL;
	size_t size;

	offer->version[0] = ' ';
	check_error(offer_encode(offer, &json, &size, &err), &err, FAULT_CONFIG, "\"version\"");
	offer->version[0] = '1';
	offer->bytes = UINT64_MAX;
	check_error(offer_encode(offer, &json, &size, &err), &err, FAULT_CONFIG, "\"bytes\"");
	assert_null(json);
}

static void test_paths(void **state)
{
	struct error err = {};
	char path[256] = "";

	assert_int_equal(offer_path("gw", "stable", "x86_64", path, sizeof(path), NULL), 0);
	assert_string_equal(path, "gw/stable/x86_64.json");
	check_error(offer_path("..", "stable", "any", path, sizeof(path), &err), &err, FAULT_CONFIG,
		    "app");
	check_error(offer_path("gw", ".", "any", path, sizeof(path), &err), &err, FAULT_CONFIG,
		    "channel");
	check_error(offer_path("gw", "beta", "a/b", path, sizeof(path), &err), &err, FAULT_CONFIG,
		    "machine");
	check_error(offer_path("gw", "beta", "any", path, 13, &err), &err, FAULT_INTERNAL, "long");
}

static void test_withdrawn_is_found(void **state)
{
	_cleanup_(offer_freep) struct offer *offer = sample();
	struct digest digest;

	fill(&digest, 0x21);
	assert_ptr_equal(offer_find_withdrawn(offer, &digest), &offer->withdrawn[1]);
	fill(&digest, 0x22);
	assert_null(offer_find_withdrawn(offer, &digest));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_unknown_requirement),
		cmocka_unit_test(test_text_is_what_is_drawn),
		cmocka_unit_test(test_wrong_names),
		cmocka_unit_test(test_wrong_numbers),
		cmocka_unit_test(test_wrong_blobs),
		cmocka_unit_test(test_wrong_bundles),
		cmocka_unit_test(test_wrong_near),
		cmocka_unit_test(test_update_is_found),
		cmocka_unit_test(test_check_is_a_list_of_words),
		cmocka_unit_test(test_bundle_is_found),
		cmocka_unit_test(test_no_json),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_too_many_withdrawn),
		cmocka_unit_test(test_encoding_refuses),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_withdrawn_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
