/* The head of a bundle that starts from any of several releases, made here by hand. */
#include "release/bundle-near.h"

#include "bundle.h"
#include "release/chunks.h"

#define OLD_SIZE 3000
#define BITS	 8

static uint8_t old_bytes[OLD_SIZE]; /* of the file "app" of the old release; "same" stays */
static uint8_t new_bytes[OLD_SIZE + 5]; /* "app" of the new one: five bytes more in the middle */
static bool is_spoilt;

/* ---- releases ---- */

static void add(struct index *index, const char *path, const void *bytes, size_t size)
{
	struct index_entry entry = {
		.type = INDEX_FILE,
		.mode = 0644,
		.mtime = 7,
		.size = size,
		.path = (char *)path,
	};

	assert_int_equal(digest_of(bytes, size, &entry.digest, NULL), 0);
	assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
}

static struct index *make_index(const uint8_t *app, size_t size)
{
	struct index *index = NULL;

	assert_int_equal(index_new(&index, NULL), 0);
	add(index, "app", app, size);
	add(index, "same", "same", 4);
	assert_int_equal(index_sort(index, NULL), 0);
	return index;
}

static int read_old(void *data, uint32_t number, void *ret_bytes, struct error *err)
{
	assert_int_equal(number, 0);
	memcpy(ret_bytes, old_bytes, OLD_SIZE);
	return is_spoilt ? BUNDLE_BASE_DIFFERS : 0;
}

/* ---- a head ---- */

struct making {
	struct text index, table, recipes, fresh;
	struct digest expected;
	uint64_t behind; /* bytes behind the head */
};

static void making_done(struct making *making)
{
	text_done(&making->index);
	text_done(&making->table);
	text_done(&making->recipes);
	text_done(&making->fresh);
}

static void put_number(struct text *text, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		text_add(text, "%c", (char)(number | 0x80));
	text_add(text, "%c", (char)number);
}

/* The one of "same" is cut. */
static void make_text(struct making *making)
{
	_cleanup_(index_freep) struct index *index = make_index(new_bytes, sizeof(new_bytes));
	_cleanup_free_ char *text = NULL;
	char hex[DIGEST_HEX_MAX];
	struct digest same;
	char *field;
	size_t size;

	assert_int_equal(index_encode(index, &text, &size, &making->expected, NULL), 0);
	assert_int_equal(digest_of("same", 4, &same, NULL), 0);
	field = strstr(text, digest_to_hex(&same, hex));
	assert_non_null(field);
	text_add_bytes(&making->index, text, (size_t)(field - text) + 16);
	text_add(&making->index, "%s", field + 64);
}

static void put_key(struct text *keys, const uint8_t *bytes, size_t size)
{
	struct digest digest;

	assert_int_equal(digest_of(bytes, size, &digest, NULL), 0);
	text_add_bytes(keys, digest.bytes, CHUNKS_KEY_SIZE);
}

/* Is it a piece of the old file, too? */
static bool is_in_old(const struct chunks_cutter *cutter, const uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < OLD_SIZE;) {
		size_t n = chunks_cut(cutter, old_bytes + at, OLD_SIZE - at);

		if (n == size && memcmp(old_bytes + at, bytes, size) == 0)
			return true;
		at += n;
	}
	return false;
}

/* Pieces before, what is new, pieces behind: two stretches. */
static void make_recipes(struct making *making)
{
	_cleanup_text_ struct text keys = {}, numbers = {};
	struct chunks_cutter cutter;
	uint64_t before = 0, behind = 0;

	assert_int_equal(chunks_cutter_init(&cutter, BITS, NULL), 0);
	for (size_t at = 0; at < sizeof(new_bytes);) {
		size_t n = chunks_cut(&cutter, new_bytes + at, sizeof(new_bytes) - at);

		if (is_in_old(&cutter, new_bytes + at, n)) {
			put_key(&keys, new_bytes + at, n);
			*(making->fresh.size > 0 ? &behind : &before) += 1;
		} else {
			text_add_bytes(&making->fresh, new_bytes + at, n);
		}
		at += n;
	}
	assert_true(before > 0 && behind > 0 && making->fresh.size > 0);
	put_number(&numbers, 0); /* the first entry */
	put_number(&numbers, 2);
	put_number(&numbers, 0);
	put_number(&numbers, before);
	put_number(&numbers, making->fresh.size);
	put_number(&numbers, behind);
	text_add(&making->recipes, "%c", BITS);
	put_number(&making->recipes, numbers.size);
	text_add_bytes(&making->recipes, numbers.data, numbers.size);
	text_add_bytes(&making->recipes, keys.data, keys.size);
}

static struct making make(void)
{
	struct making making = {};

	make_text(&making);
	make_recipes(&making);
	return making;
}

static void put_head(const struct making *making, struct text *head)
{
	text_add(head, "%c", BUNDLE_NEAR_FORM);
	sample_frame(head, making->index.data, making->index.size, 0);
	sample_frame(head, making->table.data ? making->table.data : "", making->table.size, 0);
	sample_frame(head, making->recipes.data, making->recipes.size, 0);
	if (making->fresh.size > 0)
		sample_frame(head, making->fresh.data, making->fresh.size, 0);
}

static int decode_head(const struct making *making, const struct text *head,
		       struct bundle **ret_bundle, struct error *err)
{
	_cleanup_(index_freep) struct index *old = make_index(old_bytes, OLD_SIZE);
	const struct bundle_source source = {
		.index = old,
		.read = read_old,
		.decode = sample_decode,
	};

	return bundle_decode(head->data, head->size, &source, &making->expected,
			     head->size + making->behind, ret_bundle, err);
}

static int decode(const struct making *making, struct bundle **ret_bundle, struct error *err)
{
	_cleanup_text_ struct text head = {};

	put_head(making, &head);
	return decode_head(making, &head, ret_bundle, err);
}

static int setup(void **state)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < OLD_SIZE; i++) {
		seed = seed * 1664525 + 1013904223;
		old_bytes[i] = (uint8_t)(seed >> 24);
	}
	memcpy(new_bytes, old_bytes, OLD_SIZE / 2);
	memset(new_bytes + OLD_SIZE / 2, 'x', 5);
	memcpy(new_bytes + OLD_SIZE / 2 + 5, old_bytes + OLD_SIZE / 2, OLD_SIZE / 2);
	is_spoilt = false;
	return 0;
}

/* ---- tests ---- */

static void its_file_is_made_of_pieces(void **state)
{
	_cleanup_(making_done) struct making making = make();
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct error err = {};

	if (decode(&making, &bundle, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(bundle->n_blocks, 1);
	assert_string_equal(index_at(bundle->index, bundle->blocks[0].entry)->path, "app");
	assert_true(bundle->blocks[0].is_inlined);
	assert_int_equal(bundle->blocks[0].kind, BLOCK_STORED);
	assert_int_equal(bundle->blocks[0].length, sizeof(new_bytes));
	assert_memory_equal(bundle->blocks[0].bytes, new_bytes, sizeof(new_bytes));
}

static void blocks_may_stand_behind_it(void **state)
{
	_cleanup_(making_done) struct making making = make();
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct error err = {};

	making.recipes.size = making.fresh.size = 0;
	text_add(&making.recipes, "%c%c", BITS, '\0');
	text_add(&making.table, "z 0 77 00112233445566778899aabbccddeeff -\n");
	making.behind = 77;
	if (decode(&making, &bundle, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(bundle->n_blocks, 1);
	assert_false(bundle->blocks[0].is_inlined);
}

static void a_file_that_was_changed_rules_it_out(void **state)
{
	_cleanup_(making_done) struct making making = make();
	struct bundle *bundle = NULL;

	is_spoilt = true;
	assert_int_equal(decode(&making, &bundle, NULL), BUNDLE_BASE_DIFFERS);
}

/* Neither a piece that is not there nor bytes that make another file get into a bundle. */
static void what_is_not_made_right_rules_it_out(void **state)
{
	_cleanup_(making_done) struct making making = make();
	struct bundle *bundle = NULL;

	making.recipes.data[making.recipes.size - 1] ^= 1;
	assert_int_equal(decode(&making, &bundle, NULL), BUNDLE_BASE_DIFFERS);
	making.recipes.data[making.recipes.size - 1] ^= 1;
	making.fresh.data[3] ^= 1;
	assert_int_equal(decode(&making, &bundle, NULL), BUNDLE_BASE_DIFFERS);
	assert_null(bundle);
}

static void another_release_does_not_know_its_digests(void **state)
{
	_cleanup_(making_done) struct making making = make();
	struct bundle *bundle = NULL;
	struct error err = {};
	char *same = strstr(making.index.data, " same\n");

	same[-1] = same[-1] == '0' ? '1' : '0';
	check_error(decode(&making, &bundle, &err), &err, FAULT_CORRUPT, "lacks a file");
	same[-1] = 'x';
	check_error(decode(&making, &bundle, &err), &err, FAULT_CORRUPT, "lacks a file");
}

#define refuse(making, what)                                                              \
	do {                                                                              \
		struct bundle *bundle_ = NULL;                                            \
		struct error err_ = {};                                                   \
		check_error(decode(making, &bundle_, &err_), &err_, FAULT_CORRUPT, what); \
	} while (0)

static void replace(struct text *text, const char *bytes, size_t size)
{
	text->size = 0;
	text_add_bytes(text, bytes, size);
}

#define recipes(text) replace(&making.recipes, text, sizeof(text) - 1)

static void what_does_not_fit_is_refused(void **state)
{
	_cleanup_(making_done) struct making making = make();

	recipes("");
	refuse(&making, "of a size that this flipslot does not know");
	recipes("\6\0");
	refuse(&making, "of a size that this flipslot does not know");
	recipes("\10\5\0");
	refuse(&making, "cut short");
	recipes("\10\1\0");
	refuse(&making, "cut short");
	recipes("\10\2\2\0");
	refuse(&making, "of no file");
	recipes("\10\4\0\1\0\0");
	refuse(&making, "cut short");
	recipes("\10\3\0\1\0");
	refuse(&making, "cut short");
	recipes("\10\4\0\1\0\1");
	refuse(&making, "without a key");
	recipes("\10\0"); /* what is new is not used */
	refuse(&making, "more than");
	making.fresh.size = 0;
	recipes("\10\0......");
	refuse(&making, "more than");
	recipes("\10\4\0\1\7\0");
	refuse(&making, "no zstd frame");
	recipes("\10\6\0\1\377\377\1\0"); /* nothing is unpacked for it */
	refuse(&making, "more new bytes than its file");
	recipes("\10\10\0\2\200\14\0\200\14\0");
	text_add_bytes(&making.fresh, (const char *)new_bytes, sizeof(new_bytes));
	refuse(&making, "more new bytes than its file");
}

/* Whatever bytes stand in it: it is refused, or of no use, or right. */
static void damage_is_found(void **state)
{
	_cleanup_(making_done) struct making making = make();
	_cleanup_text_ struct text head = {};

	put_head(&making, &head);
	for (int i = 0; i < 500; i++) {
		_cleanup_(bundle_freep) struct bundle *bundle = NULL;
		_cleanup_text_ struct text damaged = {};
		struct error err = {};
		int r;

		text_add_bytes(&damaged, head.data, head.size);
		for (int j = 0; j < 4; j++)
			damaged.data[1 + check_below((uint32_t)head.size - 1)] =
				(char)check_below(256);
		r = decode_head(&making, &damaged, &bundle, &err);
		assert_true(r == 0 || r == BUNDLE_BASE_DIFFERS || err.fault == FAULT_CORRUPT);
		if (r == 0)
			assert_memory_equal(bundle->blocks[0].bytes, new_bytes, sizeof(new_bytes));
	}
	for (size_t size = 1; size < head.size; size++) {
		struct text cut = head;
		struct bundle *bundle = NULL;

		cut.size = size;
		assert_int_not_equal(decode_head(&making, &cut, &bundle, NULL), 0);
		assert_null(bundle);
	}
}

#define near_test(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		near_test(its_file_is_made_of_pieces),
		near_test(blocks_may_stand_behind_it),
		near_test(a_file_that_was_changed_rules_it_out),
		near_test(what_is_not_made_right_rules_it_out),
		near_test(another_release_does_not_know_its_digests),
		near_test(what_does_not_fit_is_refused),
		near_test(damage_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
