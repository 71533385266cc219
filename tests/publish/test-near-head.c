#include "publish/near-head.h"

#include "release/bundle-near.h"
#include "release/chunks.h"
#include "release/frame.h"
#include "trees.h"

#define CONTENTS 3 /* app, large, same */

static uint64_t all_keys[TREES_BINARY]; /* of app, rising */
static size_t n_keys;
static bool has_none[CONTENTS];
static bool has_same[CONTENTS] = { false, false, true };

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static struct stock make_fresh(void)
{
	int fd = trees_make("fresh");

	trees_write(fd, "app", TREES_BINARY, 1, 0);
	trees_write(fd, "large", TREES_LARGE, 2, 0);
	trees_write(fd, "same", 1000, 4, 0);
	return trees_stock(fd);
}

static void list_keys(const struct stock *stock)
{
	struct chunks_cutter cutter;
	uint8_t *bytes = NULL;

	n_keys = 0;
	kit_good(stock_read(stock, index_find(stock->index, "app"), &bytes, err));
	kit_good(chunks_cutter_init(&cutter, NEAR_BITS, err));
	for (size_t at = 0; at < TREES_BINARY;) {
		size_t n = chunks_cut(&cutter, bytes + at, TREES_BINARY - at);

		kit_good(chunks_key(bytes + at, n, &all_keys[n_keys++], err));
		at += n;
	}
	qsort(all_keys, n_keys, sizeof(uint64_t), by_key);
	free(bytes);
}

/* Bytes of the head; *ret_new: those that are new in it, and *ret_behind what stands behind it. */
static size_t write_head(const struct stock *fresh, const struct near_base *bases, size_t n_bases,
			 size_t *ret_new, bool ret_behind[static CONTENTS])
{
	static const struct spool_content packed = { .length = 1000 };
	const struct spool_content *spooled[CONTENTS] = { &packed, &packed, &packed };
	struct content items[CONTENTS];
	const struct contents all = { .items = items, .n = CONTENTS };
	const struct near_head what = {
		.fresh = fresh,
		.all = &all,
		.bases = bases,
		.n_bases = n_bases,
		.spooled = spooled,
		.level = 1,
	};
	_cleanup_text_ struct text head = {};
	size_t n = 0;

	for (uint32_t i = 0; i < index_count(fresh->index); i++)
		if (index_at(fresh->index, i)->type == INDEX_FILE)
			items[n++] = (struct content){ index_at(fresh->index, i)->digest, i };
	assert_int_equal(n, CONTENTS);
	kit_good(near_head_write(&what, &head, ret_behind, err));
	assert_int_equal(head.data[0], BUNDLE_NEAR_FORM);
	*ret_new = 0;
	for (size_t at = 1, i = 0; at < head.size; i++) {
		_cleanup_frame_ struct frame frame = {};

		kit_good(frame_unpack(head.data + at, head.size - at, NULL, 0, BLOCK_SIZE, &frame,
				      err));
		at += frame.packed;
		*ret_new += i > 2 ? frame.size : 0; /* behind index, table, recipes */
	}
	return head.size;
}

static void test_a_piece_is_known_if_all_have_it(void **state)
{
	_cleanup_stock_ struct stock fresh = make_fresh();
	struct near_base bases[2] = { { .keys = all_keys, .has = has_same },
				      { .keys = all_keys, .has = has_same } };
	bool behind[CONTENTS];
	size_t fresh_bytes;

	list_keys(&fresh);
	bases[0].n_keys = bases[1].n_keys = n_keys;
	(void)write_head(&fresh, bases, 2, &fresh_bytes, behind);
	assert_int_equal(fresh_bytes, 0);
	assert_true(!behind[0] && behind[1] && !behind[2]); /* one is too large for a block */

	bases[1].n_keys = n_keys / 2;
	(void)write_head(&fresh, bases, 2, &fresh_bytes, behind);
	assert_in_range(fresh_bytes, TREES_BINARY / 4, TREES_BINARY * 3 / 4);
	(void)write_head(&fresh, bases, 1, &fresh_bytes, behind);
	assert_int_equal(fresh_bytes, 0);
	bases[1].n_keys = 0;
	(void)write_head(&fresh, bases, 2, &fresh_bytes, behind);
	assert_int_equal(fresh_bytes, TREES_BINARY);
}

static void test_a_content_is_known_if_all_have_it(void **state)
{
	_cleanup_stock_ struct stock fresh = make_fresh();
	const struct near_base bases[2] = { { .keys = all_keys, .has = has_same },
					    { .keys = all_keys, .has = has_none } };
	const struct near_head what = { .bases = bases, .n_bases = 2 };
	const struct near_head first = { .bases = bases, .n_bases = 1 };
	size_t one, two, fresh_bytes;
	bool behind[CONTENTS];

	assert_true(near_head_is_known(&first, 2));
	assert_false(near_head_is_known(&first, 0));
	assert_false(near_head_is_known(&what, 2));
	one = write_head(&fresh, bases, 1, &fresh_bytes, behind);
	assert_int_equal(fresh_bytes, TREES_BINARY);
	two = write_head(&fresh, bases, 2, &fresh_bytes, behind);
	assert_int_equal(fresh_bytes, TREES_BINARY + 1000);
	assert_true(two > one + 1000); /* and its digest is whole */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_a_piece_is_known_if_all_have_it),
		check_in_dir(test_a_content_is_known_if_all_have_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
