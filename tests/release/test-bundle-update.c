/* The head of a bundle with a base, made here by hand. */
#include "bundle.h"

#define SOME  "some bytes of an old file\n"
#define OTHER "and other ones\n"
#define FRESH "bytes that are new\n"

/* a, b and c/d of the old tree; what is in them. */
static const char *const old_paths[] = { "a", "b", "c", "c/d" };
static const char *const old_texts[] = { SOME, OTHER, NULL, FRESH };

static bool is_spoilt; /* the old file that is read */
static size_t n_decoded;

static struct digest digest_of_text(const char *text, size_t size)
{
	struct digest digest = {};

	assert_int_equal(digest_of(text, size, &digest, NULL), 0);
	return digest;
}

static void add(struct index *index, const char *path, const char *text)
{
	struct index_entry entry = {
		.type = text ? INDEX_FILE : INDEX_DIRECTORY,
		.mode = 0755,
		.mtime = text ? 7 : 0,
		.size = text ? strlen(text) : 0,
		.path = (char *)path,
	};

	if (text)
		entry.digest = digest_of_text(text, strlen(text));
	assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
}

static struct index *make_old(void)
{
	struct index *index = NULL;

	assert_int_equal(index_new(&index, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(old_paths); i++)
		add(index, old_paths[i], old_texts[i]);
	assert_int_equal(index_sort(index, NULL), 0);
	return index;
}

static int read_old(void *data, uint32_t number, void *ret_bytes, struct error *err)
{
	if (is_spoilt)
		return BUNDLE_BASE_DIFFERS;
	memcpy(ret_bytes, old_texts[number], strlen(old_texts[number]));
	return 0;
}

/* Here a block in the tail is what it makes. */
static int decode_stored(void *data, const struct bundle_block *block, size_t raw_size,
			 const void **ret_bytes, struct error *err)
{
	n_decoded++;
	if (block->length != raw_size)
		return error_set(err, FAULT_CORRUPT, "a block of another size");
	*ret_bytes = block->bytes;
	return 0;
}

struct making {
	unsigned char form;
	const char *list; /* NUL-terminated, but for the number that is n */
	unsigned char n;
	const char *text;
	const char *more; /* behind the text; NULL: none */
	size_t more_size;
	const char *tail; /* NULL: none */
};

static void make_head(const struct making *making, struct text *head)
{
	unsigned char form = making->form | (making->tail ? UPDATE_TAIL : 0);

	text_add_bytes(head, &form, 1);
	if (making->tail)
		text_add(head, "%c", (char)strlen(making->tail));
	if (making->form == (UPDATE_VERSION | UPDATE_LONG)) {
		char size = (char)(1 + making->n + strlen(making->text));

		text_add(head, "%cs%c", size, size);
	}
	text_add_bytes(head, &making->n, 1);
	text_add_bytes(head, making->list, making->n);
	if (making->form == (UPDATE_VERSION | UPDATE_LONG))
		text_add(head, "%s", making->text);
	else
		sample_frame(head, making->text, strlen(making->text), UPDATE_MAGIC_SIZE);
	text_add_bytes(head, making->more, making->more_size);
	if (making->tail)
		text_add(head, "%s", making->tail);
}

/* wanted: the index that the offer names, as text; NULL: nothing comes to that. */
static int decode(const struct making *making, const char *wanted, struct bundle **ret_bundle,
		  struct error *err)
{
	_cleanup_(index_freep) struct index *old = make_old();
	_cleanup_text_ struct text head = {};
	const struct bundle_source source = {
		.index = old,
		.read = read_old,
		.decode = decode_stored,
	};
	struct digest expected = {};

	if (wanted)
		expected = digest_of_text(wanted, strlen(wanted));
	make_head(making, &head);
	return bundle_decode(head.data, head.size, &source, &expected, head.size, ret_bundle, err);
}

static int setup(void **state)
{
	is_spoilt = false;
	n_decoded = 0;
	return 0;
}

/* ---- what is all right ---- */

static void add_file(struct text *text, const char *path, const char *content)
{
	struct digest digest = digest_of_text(content, strlen(content));
	char hex[DIGEST_HEX_MAX];

	text_add(text, "f 0755 7 %zu %s %s\n", strlen(content), digest_to_hex(&digest, hex), path);
}

static void same_bytes(const struct bundle *bundle, size_t i, const char *path, const char *bytes)
{
	const struct bundle_block *block = &bundle->blocks[i];

	assert_string_equal(index_at(bundle->index, block->entry)->path, path);
	assert_true(block->is_inlined);
	assert_int_equal(block->length, strlen(bytes));
	assert_memory_equal(block->bytes, bytes, strlen(bytes));
	assert_int_equal(bundle_check_packed(block, block->bytes, block->length, NULL), 0);
}

/* Every mark, and what they lead to: the file of the path, the next one, a listed one, none, one before. */
static void test_marks(void **state)
{
	static const struct making making = {
		.form = UPDATE_VERSION,
		.n = 1,
		.list = "\1",
		.text = "f 0755 7 26 = a\n"
			"f 0755 7 6 = b\n"
			"f 0755 7 19 = bb\n"
			"f 0755 7 26 @0 e\n"
			"f 0755 7 3 - f\n"
			"f 0755 7 0 - g\n"
			"f 0755 7 3 #4 h\n"
			"\n"
			"1234\n\nxyz",
	};
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	_cleanup_text_ struct text wanted = {};
	struct error err = {};

	text_add(&wanted, "flipslot-index 1\n");
	add_file(&wanted, "a", SOME);
	add_file(&wanted, "b", "1234\n\n");
	add_file(&wanted, "bb", FRESH);
	add_file(&wanted, "e", SOME);
	add_file(&wanted, "f", "xyz");
	add_file(&wanted, "g", "");
	add_file(&wanted, "h", "xyz");
	if (decode(&making, wanted.data, &bundle, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(bundle->n_blocks, 2);
	same_bytes(bundle, 0, "b", "1234\n\n");
	same_bytes(bundle, 1, "f", "xyz");
}

static void test_blocks_in_the_tail(void **state)
{
	static const struct making making = {
		.form = UPDATE_VERSION,
		.list = "",
		.text = "S 0 3\nB 1 2\nf 0755 7 3 = a\nf 0755 7 2 = b\n\n",
		.tail = "newxy",
	};
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	_cleanup_text_ struct text wanted = {};
	struct error err = {};

	text_add(&wanted, "flipslot-index 1\n");
	add_file(&wanted, "a", "new");
	add_file(&wanted, "b", "xy");
	if (decode(&making, wanted.data, &bundle, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(n_decoded, 2);
	assert_int_equal(bundle->n_blocks, 2);
	same_bytes(bundle, 0, "a", "new");
	same_bytes(bundle, 1, "b", "xy");
	assert_int_equal(bundle->blocks[1].base, 1);
}

#define MORE(bytes) .more = (bytes), .more_size = sizeof(bytes) - 1

/* Block by block; the second one goes on behind the first, here with what that has: a zstd frame that copies from far back. */
static void test_contents_block_by_block(void **state)
{
	static char content[BLOCK_SIZE + 512];
	_cleanup_text_ struct text more = {};
	_cleanup_text_ struct text text = {}, wanted = {};
	struct making making = { .form = UPDATE_VERSION | UPDATE_LONG, .n = 1, .list = "\1" };
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct error err = {};
	char packed[200];
	size_t n;
	ZSTD_CCtx *zstd = ZSTD_createCCtx();

	for (size_t i = 0; i < BLOCK_SIZE; i++)
		content[i] = (char)('a' + check_random() % 20);
	memcpy(content + BLOCK_SIZE, content, 100);
	text_add_bytes(&more, "\x80\x84\x80\x02s\x80\x80\x80\x02", 9);
	text_add_bytes(&more, content, BLOCK_SIZE);
	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, 9);
	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, 23);
	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_hashLog, 23);
	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_chainLog, 23);
	(void)ZSTD_CCtx_refPrefix(zstd, content, BLOCK_SIZE);
	n = ZSTD_compress2(zstd, packed, sizeof(packed), content + BLOCK_SIZE, 512);
	(void)ZSTD_freeCCtx(zstd);
	assert_true(n < 50);
	text_add(&more, "p%c", (char)n);
	text_add_bytes(&more, packed, n);
	text_add(&text, "f 0755 7 %u - a\nf 0755 7 100 = b\n\n", BLOCK_SIZE);
	text_add(&wanted, "flipslot-index 1\n");
	for (int i = 0; i < 2; i++) {
		struct digest digest =
			digest_of_text(content + (i ? BLOCK_SIZE : 0), i ? 100 : BLOCK_SIZE);
		char hex[DIGEST_HEX_MAX];

		text_add(&wanted, "f 0755 7 %u %s %s\n", i ? 100 : BLOCK_SIZE,
			 digest_to_hex(&digest, hex), i ? "b" : "a");
	}
	making.text = text.data;
	making.more = more.data;
	making.more_size = more.size;
	if (decode(&making, wanted.data, &bundle, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(bundle->n_blocks, 2);
	assert_memory_equal(bundle->blocks[0].bytes, content, BLOCK_SIZE);
	assert_memory_equal(bundle->blocks[1].bytes, content, 100);
	bundle_spend(bundle, &bundle->blocks[0]);
	assert_int_equal(((const char *)bundle->blocks[0].bytes)[0], 0);
	assert_memory_equal(bundle->blocks[1].bytes, content, 100);
}

/* ---- what is not ---- */

static void test_heads_that_are_not(void **state)
{
	static const struct {
		struct making making;
		const char *why;
	} cases[] = {
		{ { .form = 0x10, .list = "", .text = "\n" }, "version" },
		{ { .form = 0x08, .list = "", .text = "\n" }, "version" },
		{ { .list = "", .text = "" }, "no end of its index" },
		{ { .list = "", .text = "f 0755 7 26 = a\n" }, "no end of its index" },
		{ { .list = "", .text = "f 0755 7 26 = a\n\nx" }, "more contents than files" },
		{ { .list = "", .text = "f 0755 7 26 - a\n\nx" }, "cut short" },
		{ { .list = "", .text = "f 0755 7 26 ? a\n\n" }, "line 1" },
		{ { .list = "", .text = "f 0755 7 26 @00 a\n\n" }, "line 1" },
		{ { .list = "", .text = "f 0755 7 26 @ a\n\n" }, "line 1" },
		{ { .list = "", .text = "f 0755 7 26 @4294967295 a\n\n" }, "line 1" },
		{ { .list = "", .text = "f 0755 7 26 @4 a\n\n" }, "same as none" },
		{ { .list = "", .text = "f 0755 7 26 @2 a\n\n" }, "same as none" },
		{ { .list = "", .text = "f 0755 7 26 #0 a\n\n" }, "same as none before" },
		{ { .list = "", .text = "f 0755 7 26 @3 x\nf 0755 7 26 = y\n\n" }, "same as none" },
		{ { .list = "", .text = "f 0755 7 26 = a\n\n" }, "not the one of the release" },
		{ { .list = "", .text = "f 0755 7 3 = b\nf 0755 7 3 = a\n\n" }, "order" },
		{ { .list = "", .text = "f 0755 7 3 = x/a\n\n" }, "parent" },
		{ { .list = "\5", .n = 1, .text = "\n" }, "beyond the end" },
		{ { .list = "\2", .n = 1, .text = "\n" }, "no file" },
		{ { .list = "\1\1\1\1\1", .n = 5, .text = "\n" }, "more files than there are" },
		{ { .list = "", .text = "S 0 3\nf 0755 7 3 = a\n\n", .tail = "ab" }, "cut short" },
		{ { .list = "", .text = "S 0 3\nf 0755 7 3 = a\n\n", .tail = "abcd" }, "too long" },
		{ { .list = "", .text = "\n", .tail = "a" }, "too long" },
		{ { .list = "", .text = "S 0 2\nf 0755 7 3 = a\n\n", .tail = "ab" },
		  "another size" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\n" }, "no size" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\n", MORE("\0") }, "no size" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\n", MORE("\x81\x80\x80\x10s\1x") },
		  "too large" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\n", MORE("\1") }, "no kind" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\n", MORE("\1x\1x") }, "no kind" },
		{ { .form = UPDATE_LONG, .list = "\5", .n = 1, .text = "\n" }, "beyond the end" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\n", MORE("\1s") }, "cut short" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\n", MORE("\1s\2x") }, "cut short" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\n", MORE("\1s\2xy") },
		  "not as long" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\nz", MORE("\1s\1x") },
		  "where none should be" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\n", MORE("\1s\1xy") }, "more than" },
		{ { .form = UPDATE_LONG, .list = "", .text = "\n", MORE("\1s\1x") },
		  "more contents than files" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct making making = cases[i].making;
		struct bundle *bundle = NULL;
		struct error err = {};

		making.form ^= UPDATE_VERSION;
		if (decode(&making, NULL, &bundle, &err) >= 0)
			fail_msg("case %zu was taken", i);
		assert_int_equal(err.fault, FAULT_CORRUPT);
		if (!strstr(err.text, cases[i].why))
			fail_msg("case %zu: %s", i, err.text);
	}
}

/* What it would take to find out is bounded, whatever a head says. */
static void test_bounds(void **state)
{
	_cleanup_text_ struct text text = {};
	struct making making = { .form = UPDATE_VERSION, .list = "" };
	struct bundle *bundle = NULL;
	struct error err = {};

	text_add(&text, "f 0755 7 %u - a\n\n", BUNDLE_SOLID_MAX + 1);
	for (size_t i = 0; i <= BUNDLE_SOLID_MAX; i++)
		text_add_bytes(&text, "x", 1);
	making.text = text.data;
	assert_true(decode(&making, NULL, &bundle, &err) < 0);
	assert_non_null(strstr(err.text, "too large"));

	making.tail = "abcde";
	making.text = "S 0 1\nS 0 1\nS 0 1\nS 0 1\nS 0 1\nf 0755 7 16777217 = a\n\n";
	assert_true(decode(&making, NULL, &bundle, &err) < 0);
	assert_int_equal(n_decoded, 1); /* which would not have made so much */
}

static int decode_nothing(void *data, const struct bundle_block *block, size_t raw_size,
			  const void **ret_bytes, struct error *err)
{
	static const char bytes[BLOCK_SIZE];

	n_decoded++;
	*ret_bytes = bytes;
	return 0;
}

static void test_too_much_in_the_tail(void **state)
{
	_cleanup_(index_freep) struct index *old = make_old();
	const struct bundle_source source = { .index = old, .decode = decode_nothing };
	struct bundle *bundle = NULL;
	_cleanup_text_ struct text head = {}, table = {};
	struct digest any = {};
	struct error err = {};

	for (int i = 0; i < 6; i++)
		text_add(&table, "S %d 1\n", i);
	for (int i = 0; i < 6; i++)
		text_add(&table, "f 0755 7 %u = a%d\n", BLOCK_SIZE, i);
	text_add(&table, "\n");
	text_add_bytes(&head, "\x24\6", 3);
	sample_frame(&head, table.data, table.size, UPDATE_MAGIC_SIZE);
	text_add(&head, "abcdef");
	assert_true(bundle_decode(head.data, head.size, &source, &any, head.size, &bundle, &err) <
		    0);
	assert_non_null(strstr(err.text, "too much stands in its tail"));
	assert_int_equal(n_decoded, BUNDLE_INLINED_MAX / BLOCK_SIZE);
}

static void test_old_file_that_differs(void **state)
{
	static const struct making making = {
		.form = UPDATE_VERSION,
		.n = 1,
		.list = "\1",
		.text = "f 0755 7 26 = a\n\n",
	};
	struct bundle *bundle = NULL;

	is_spoilt = true;
	assert_int_equal(decode(&making, NULL, &bundle, NULL), BUNDLE_BASE_DIFFERS);
}

/* Cut short anywhere, or changed anywhere: refused, never worse. */
static void test_heads_that_are_damaged(void **state)
{
	static const struct making making = {
		.form = UPDATE_VERSION,
		.n = 1,
		.list = "\1",
		.text = "S 2 3\nf 0755 7 26 = a\nf 0755 7 6 = b\nf 0755 7 3 = x\n\n123456",
		.tail = "new",
	};
	_cleanup_(index_freep) struct index *old = make_old();
	_cleanup_text_ struct text head = {};
	const struct bundle_source source = {
		.index = old,
		.read = read_old,
		.decode = decode_stored,
	};
	struct digest any = {};

	make_head(&making, &head);
	for (size_t i = 0; i < head.size; i++) {
		struct bundle *bundle = NULL;

		assert_true(bundle_decode(head.data, i, &source, &any, i, &bundle, NULL) < 0);
		for (int bit = 0; bit < 8; bit++) {
			head.data[i] = (char)(head.data[i] ^ (1 << bit));
			assert_true(bundle_decode(head.data, head.size, &source, &any, head.size,
						  &bundle, NULL) < 0);
			head.data[i] = (char)(head.data[i] ^ (1 << bit));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_marks, setup),
		cmocka_unit_test_setup(test_blocks_in_the_tail, setup),
		cmocka_unit_test_setup(test_contents_block_by_block, setup),
		cmocka_unit_test_setup(test_heads_that_are_not, setup),
		cmocka_unit_test_setup(test_bounds, setup),
		cmocka_unit_test_setup(test_too_much_in_the_tail, setup),
		cmocka_unit_test_setup(test_old_file_that_differs, setup),
		cmocka_unit_test_setup(test_heads_that_are_damaged, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
