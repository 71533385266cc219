#include "release/descriptor.h"

#include "base/text.h"

#include "../base/check.h"

static struct descriptor sample(void)
{
	struct descriptor d = {
		.app = "gateway",
		.version = "1.4-r\xc3\xa9",
		.sequence = 7,
		.origin = ORIGIN_TRUST_ME,
		.bytes = INT64_MAX,
		.files = 8402,
		.installed = 1764000000000000,
	};

	assert_int_equal(digest_of("source", 6, &d.source, NULL), 0);
	assert_int_equal(digest_of("index", 5, &d.index, NULL), 0);
	return d;
}

static void check_same(const struct descriptor *a, const struct descriptor *b)
{
	assert_string_equal(a->app, b->app);
	assert_string_equal(a->version, b->version);
	assert_int_equal(a->sequence, b->sequence);
	assert_int_equal(a->origin, b->origin);
	assert_string_equal(a->signer, b->signer);
	assert_true(digest_equal(&a->promised, &b->promised));
	assert_true(digest_equal(&a->source, &b->source));
	assert_true(digest_equal(&a->index, &b->index));
	assert_true(digest_equal(&a->blocks.blob, &b->blocks.blob));
	assert_true(digest_equal(&a->blocks.head_digest, &b->blocks.head_digest));
	assert_int_equal(a->blocks.length, b->blocks.length);
	assert_int_equal(a->blocks.head, b->blocks.head);
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->files, b->files);
	assert_int_equal(a->installed, b->installed);
	assert_true(command_equal(&a->check, &b->check));
}

static void test_comes_back(void **state)
{
	for (enum origin origin = 0; origin < ORIGIN_MAX; origin++) {
		struct descriptor d = sample();
		struct descriptor back = {};
		_cleanup_free_ char *json = NULL;

		d.origin = origin;
		d.epoch = (uint64_t)origin; /* 0 is left away */
		if (origin == ORIGIN_SIGNED)
			assert_int_equal(command_parse("bin/x --check 'a b'", &d.check, NULL), 0);
		if (origin == ORIGIN_SIGNED)
			d.blocks = (struct descriptor_blocks){
				.blob = d.source,
				.length = 5000,
				.head_digest = d.index,
				.head = 300,
			};
		if (origin == ORIGIN_ADOPTED)
			d.source = (struct digest){};
		if (origin == ORIGIN_TARGET)
			d.promised = d.source;
		if (origin == ORIGIN_MINISIGN)
			(void)text_copy("E7620F1842B4E81F", d.signer, sizeof(d.signer));
		assert_int_equal(descriptor_encode(&d, &json, NULL), 0);
		assert_int_equal(json[strlen(json) - 1], '\n');
		assert_ptr_equal(strchr(json, '\n'), json + strlen(json) - 1);
		assert_int_equal(descriptor_decode(json, strlen(json), &back, NULL), 0);
		check_same(&d, &back);
	}
}

static void test_text_is_what_is_drawn(void **state)
{
	struct descriptor d = { .app = "a", .version = "1", .origin = ORIGIN_ADOPTED, .bytes = 2 };
	_cleanup_free_ char *json = NULL;

	assert_int_equal(descriptor_encode(&d, &json, NULL), 0);
	assert_string_equal(json, "{\"app\":\"a\",\"version\":\"1\",\"sequence\":0,"
				  "\"origin\":\"adopted\",\"source\":\"\",\"index\":\"\","
				  "\"bytes\":2,\"files\":0,\"installed\":0}\n");
}

static void test_numbers_that_json_cannot_hold(void **state)
{
	struct descriptor d = sample();
	struct error err = {};
	char *json = NULL;

	d.bytes = UINT64_MAX;
	check_error(descriptor_encode(&d, &json, &err), &err, FAULT_INTERNAL, "too large");
	assert_null(json);
}

/* The sample with one piece of it replaced. */
static void decode_with(const char *from, const char *to, const char *word)
{
	struct descriptor d = sample();
	struct descriptor back;
	_cleanup_free_ char *json = NULL;
	_cleanup_free_ char *changed = NULL;
	struct error err = {};
	char *at;
	int r;

	assert_int_equal(descriptor_encode(&d, &json, NULL), 0);
	at = strstr(json, from);
	assert_non_null(at);
	assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - json), json, to, at + strlen(from)) >
		    0);
	r = descriptor_decode(changed, strlen(changed), &back, &err);
	if (!word)
		assert_int_equal(r, 0);
	else
		check_error(r, &err, FAULT_CORRUPT, word);
}

static void test_refuses(void **state)
{
	decode_with("gateway", "../x", "\"app\"");
	decode_with("gateway", "gate\\u0000way", "JSON");
	decode_with("\"gateway\"", "17", "\"app\"");
	decode_with("1.4", "1 4", "\"version\"");
	decode_with("1.4", "1\\u001b4", "\"version\"");
	decode_with(":7", ":-7", "\"sequence\"");
	decode_with(":7", ":7.0", "\"sequence\"");
	decode_with(":7", ":\"7\"", "\"sequence\"");
	decode_with(":7", ":18446744073709551616", "JSON");
	decode_with("trust-me", "trust-you", "\"origin\"");
	decode_with("\"source\":\"", "\"source\":\"0", "\"source\"");
	decode_with("\"files\":8402", "\"file\":8402", "\"files\"");
	decode_with("\"files\":8402", "\"files\":8402,\"files\":1", "JSON");
	decode_with("}", ",\"check\":[]}", "\"check\"");
	decode_with("}", ",\"check\":\"x\"}", "\"check\"");
	decode_with("}", ",\"check\":[\"../x\"]}", "\"check\"");
	decode_with("}", ",\"check\":[\"x\"]}", NULL);
	decode_with("}", "", "JSON");
	decode_with("}", "}}", "JSON");
	decode_with("{", "[{", "JSON");
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BLOCKS(head, head_sha256, length, sha256)                                 \
	"\"signed\",\"blocks\":{\"head\":" head ",\"head_sha256\":\"" head_sha256 \
	"\",\"length\":" length ",\"sha256\":\"" sha256 "\"}"

/* Of what a repository published, and whole or not at all. */
static void test_blocks(void **state)
{
	decode_with("\"trust-me\"", BLOCKS("7", HEX64, "7", HEX64), NULL);
	decode_with("\"trust-me\"", BLOCKS("0", HEX64, "7", HEX64), "\"blocks\"");
	decode_with("\"trust-me\"", BLOCKS("8", HEX64, "7", HEX64), "\"blocks\"");
	decode_with("\"trust-me\"", BLOCKS("7", "", "7", HEX64), "head_sha256");
	decode_with("\"trust-me\"", BLOCKS("7", HEX64, "7", ""), "sha256");
	decode_with("\"trust-me\"", BLOCKS("7", HEX64, "-7", HEX64), "length");
	decode_with("\"trust-me\"", "\"signed\",\"blocks\":17", "\"blocks\"");
	decode_with("}",
		    ",\"blocks\":{\"head\":7,\"head_sha256\":\"" HEX64
		    "\",\"length\":7,\"sha256\":\"" HEX64 "\"}}",
		    "\"blocks\"");
}

/* Who signed stands beside the origin for which it means something, and nowhere else. */
static void test_signer(void **state)
{
	struct descriptor d = { .app = "a", .version = "1", .origin = ORIGIN_MINISIGN };
	char text[DESCRIPTOR_ORIGIN_MAX];
	_cleanup_free_ char *json = NULL;

	decode_with("trust-me", "minisign", "\"signer\"");
	decode_with("\"trust-me\"", "\"minisign\",\"signer\":\"E7620F1842B4E81F\"", NULL);
	decode_with("\"trust-me\"", "\"minisign\",\"signer\":\"E7620F1842B4E81\"", "\"signer\"");
	decode_with("\"trust-me\"", "\"minisign\",\"signer\":\"E7620F1842B4E81f\"", "\"signer\"");
	decode_with("\"trust-me\"", "\"trust-me\",\"signer\":\"E7620F1842B4E81F\"", "\"signer\"");
	(void)text_copy("E7620F1842B4E81F", d.signer, sizeof(d.signer));
	assert_string_equal(descriptor_origin_text(&d, text), "minisign E7620F1842B4E81F");
	assert_int_equal(descriptor_encode(&d, &json, NULL), 0);
	assert_non_null(strstr(json, "\"signer\":\"E7620F1842B4E81F\""));
	d = (struct descriptor){ .origin = ORIGIN_ADOPTED };
	assert_string_equal(descriptor_origin_text(&d, text), "adopted");
}

static void test_promised(void **state)
{
	static const char hex[] =
		"\"target\",\"promised\":"
		"\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"";

	decode_with("\"trust-me\"", "\"target\"", "\"promised\"");
	decode_with("\"trust-me\"", "\"target\",\"promised\":\"\"", "\"promised\"");
	decode_with("\"trust-me\"", "\"target\",\"promised\":\"00\"", "\"promised\"");
	decode_with("\"trust-me\"", "\"signed\",\"promised\":\"\"", "\"promised\"");
	decode_with("\"trust-me\"", hex, NULL);
}

static void test_ignores_what_later_versions_say(void **state)
{
	decode_with("{", "{\"channel\":\"stable\",\"more\":{\"a\":[1]},", NULL);
}

static void test_bounded(void **state)
{
	_cleanup_free_ char *json = malloc(DESCRIPTOR_MAX + 1);
	struct descriptor back;
	struct error err = {};

	memset(json, ' ', DESCRIPTOR_MAX + 1);
	check_error(descriptor_decode(json, DESCRIPTOR_MAX + 1, &back, &err), &err, FAULT_CORRUPT,
		    "more than");
	memset(json, '[', DESCRIPTOR_MAX);
	check_error(descriptor_decode(json, DESCRIPTOR_MAX, &back, &err), &err, FAULT_CORRUPT,
		    "JSON");
	check_error(descriptor_decode("", 0, &back, &err), &err, FAULT_CORRUPT, "JSON");
}

static void test_versions(void **state)
{
	static const char *const good[] = { "1", "1.4", "v2024-05-01_a+b~rc:1", "\xc3\xa9" };
	static const char *const bad[] = { "",	    " ",    "1 4",  "a/b",	 "a\tb",
					   "a\x7f", "a\\b", "\xff", "a\302\205z" };
	char longest[DESCRIPTOR_VERSION_MAX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(descriptor_is_version(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(descriptor_is_version(bad[i]));
	memset(longest, '1', sizeof(longest));
	longest[DESCRIPTOR_VERSION_MAX] = '\0';
	assert_false(descriptor_is_version(longest));
	longest[DESCRIPTOR_VERSION_MAX - 1] = '\0';
	assert_true(descriptor_is_version(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_text_is_what_is_drawn),
		cmocka_unit_test(test_numbers_that_json_cannot_hold),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_signer),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_promised),
		cmocka_unit_test(test_ignores_what_later_versions_say),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
