#include "release/listing.h"

#include <pthread.h>

#include "base/bulk.h"
#include "bundle.h"

static size_t align = 1;

/* lib, lib/bin of 100 bytes, lib/note of 50. */
static int take(const char *list, size_t size, uint64_t max, bool **ret_listed, struct error *err)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	struct patch_bytes bytes = { (const uint8_t *)list, size };
	size_t sum = 0;
	int r = listing_take(&bytes, old, max, align, ret_listed, &sum, err);

	if (r < 0)
		return r;
	assert_int_equal(bytes.size, 1); /* what is behind it */
	return (int)sum;
}

static void test_which(void **state)
{
	bool *listed = NULL;

	assert_int_equal(take("\0x", 2, 0, &listed, NULL), 0);
	assert_false(listed[OLD_BIN] || listed[OLD_NOTE]);
	bulk_free(listed);
	assert_int_equal(take("\2\1\0x", 4, 150, &listed, NULL), 150);
	assert_true(listed[OLD_BIN] && listed[OLD_NOTE] && !listed[0]);
	bulk_free(listed);
	assert_int_equal(take("\1\2x", 3, 150, &listed, NULL), 50);
	assert_true(!listed[OLD_BIN] && listed[OLD_NOTE]);
	bulk_free(listed);
	align = 64;
	assert_int_equal(take("\2\1\0x", 4, 192, &listed, NULL), 192);
	align = 1;
	bulk_free(listed);
}

static void test_what_is_none(void **state)
{
	static const struct {
		const char *list;
		size_t size;
		const char *why;
	} cases[] = {
		{ "", 0, "more files than there are" },
		{ "\4\0\0\0\0", 5, "more files than there are" },
		{ "\1", 1, "beyond the end" },
		{ "\1\3", 2, "beyond the end" },
		{ "\2\1\1", 3, "beyond the end" },
		{ "\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11, "beyond the end" },
		{ "\2\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 12, "beyond the end" },
		{ "\1\0", 2, "no file" },
		{ "\2\1\0", 3, "too many bytes" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {};
		bool *listed = NULL;

		if (take(cases[i].list, cases[i].size, 149, &listed, &err) >= 0)
			fail_msg("case %zu was taken", i);
		assert_int_equal(err.fault, FAULT_CORRUPT);
		if (!strstr(err.text, cases[i].why))
			fail_msg("case %zu: %s", i, err.text);
	}
}

static int read_number(void *data, uint32_t number, void *ret_bytes, struct error *err)
{
	const struct index *old = data;

	if (number == OLD_NOTE && index_at(old, number)->mode == 0)
		return BUNDLE_BASE_DIFFERS;
	memset(ret_bytes, '0' + (int)number, index_at(old, number)->size);
	return 0;
}

static pthread_t told; /* by whom it was */

static void note_difference(void *data)
{
	assert_non_null(data);
	told = pthread_self();
}

static void test_contents(void **state)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	const struct bundle_source source = {
		.index = old, .read = read_number, .differs = note_difference, .data = old
	};
	const bool listed[] = { false, true, true };
	uint8_t bytes[256] = {};

	assert_int_equal(listing_read(listed, &source, 128, bytes, NULL), 0);
	assert_int_equal(bytes[99], '1');
	assert_int_equal(bytes[100], 0);
	assert_int_equal(bytes[128], '2');
	assert_int_equal(bytes[178], 0);
	assert_int_equal(listing_read(listed, &source, 1, bytes, NULL), 0);
	assert_int_equal(bytes[0], '1');
	assert_int_equal(bytes[99], '1');
	assert_int_equal(bytes[100], '2');
	assert_int_equal(bytes[149], '2');
	index_at(old, OLD_NOTE)->mode = 0;
	assert_int_equal(listing_read(listed, &source, 1, bytes, NULL), BUNDLE_BASE_DIFFERS);
	assert_true(pthread_equal(told, pthread_self()));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
