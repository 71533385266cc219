#include "release/chunks.h"

#include "../base/check.h"

#define BITS 8
#define SIZE 100000

static struct chunks_cutter cutter;

static int setup(void **state)
{
	return chunks_cutter_init(&cutter, BITS, NULL);
}

static uint8_t *make_bytes(size_t size)
{
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)check_below(256);
	return bytes;
}

/* As docs/FORMATS.md has it: the first bytes of the SHA-256 of a byte. */
static void the_gear_is_that_of_the_format(void **state)
{
	assert_int_equal(cutter.gear[0], 0x6e340b9c);
	assert_int_equal(cutter.gear['a'], 0xca978112);
}

static void pieces_are_within_bounds(void **state)
{
	_cleanup_free_ uint8_t *bytes = make_bytes(SIZE);
	static const uint8_t same[SIZE];
	size_t n = 0;

	for (size_t at = 0; at < SIZE;) {
		size_t size = chunks_cut(&cutter, bytes + at, SIZE - at);

		assert_true(size <= 8 << BITS);
		assert_true(size >= (1 << BITS) / 4 || at + size == SIZE);
		at += size;
		n++;
	}
	assert_true(n > SIZE / 600 && n < SIZE / 200);
	assert_int_equal(chunks_cut(&cutter, same, SIZE), 8 << BITS);
	assert_int_equal(chunks_cut(&cutter, same, 7), 7);
}

/* ---- of a release ---- */

#define FILES 4

static uint8_t *contents[FILES]; /* of the old release: 0, 1 and 2 go, 3 stays */
static const size_t sizes[FILES] = { SIZE, 1, BLOCK_SIZE + 1, 500 };
static uint32_t differs = UINT32_MAX;
static int times_told;

static int read_old(void *data, uint32_t number, void *ret_bytes, struct error *err)
{
	assert_true(number != 3 && number != 2); /* one stays, one is too large */
	if (number == differs)
		return BUNDLE_BASE_DIFFERS;
	memcpy(ret_bytes, contents[number], sizes[number]);
	return 0;
}

static void tell_old(void *data)
{
	times_told++;
}

static void add(struct index *index, uint32_t number)
{
	char path[8];
	struct index_entry entry = {
		.type = INDEX_FILE,
		.mode = 0644,
		.size = sizes[number],
		.path = path,
	};

	(void)snprintf(path, sizeof(path), "f%u", number);
	assert_int_equal(digest_of(contents[number], sizes[number], &entry.digest, NULL), 0);
	assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
}

static int collect(struct chunks *ret_chunks)
{
	_cleanup_(index_freep) struct index *old = NULL;
	_cleanup_(index_freep) struct index *fresh = NULL;
	struct bundle_source source = { .read = read_old, .differs = tell_old };

	assert_int_equal(index_new(&old, NULL) | index_new(&fresh, NULL), 0);
	for (uint32_t i = 0; i < FILES; i++)
		add(old, i);
	add(fresh, 3);
	assert_int_equal(index_sort(old, NULL) | index_sort(fresh, NULL), 0);
	source.index = old;
	return chunks_collect(&source, fresh, &cutter, 1000, ret_chunks, NULL);
}

static int setup_contents(void **state)
{
	for (size_t i = 0; i < FILES; i++)
		contents[i] = make_bytes(sizes[i]);
	differs = UINT32_MAX;
	times_told = 0;
	return setup(state);
}

static int teardown_contents(void **state)
{
	for (size_t i = 0; i < FILES; i++)
		free(contents[i]);
	return 0;
}

/* All pieces of what goes are found by their keys, and nothing else is. */
static void what_goes_is_found(void **state)
{
	_cleanup_chunks_ struct chunks chunks = {};
	uint64_t key;

	assert_int_equal(collect(&chunks), 0);
	assert_int_equal(times_told, 0);
	assert_int_equal(chunks.bytes, SIZE + 1);
	for (size_t at = 0; at < SIZE;) {
		size_t size = chunks_cut(&cutter, contents[0] + at, SIZE - at);
		const struct chunks_piece *piece;

		assert_int_equal(chunks_key(contents[0] + at, size, &key, NULL), 0);
		piece = chunks_find(&chunks, key);
		assert_non_null(piece);
		assert_int_equal(piece->size, size);
		assert_memory_equal(scratch_bytes(chunks.scratch) + piece->offset, contents[0] + at,
				    size);
		at += size;
	}
	assert_int_equal(chunks_key(contents[3], 100, &key, NULL), 0);
	assert_null(chunks_find(&chunks, key));
	scratch_bytes(chunks.scratch)[102000] = 1; /* there is the room that was asked for */
}

/* Bytes that are put in front move what is behind them; the pieces are the same. */
static void an_insertion_changes_few_pieces(void **state)
{
	_cleanup_chunks_ struct chunks chunks = {};
	_cleanup_free_ uint8_t *moved = malloc(SIZE + 10);
	size_t lost = 0;

	assert_non_null(moved);
	assert_int_equal(collect(&chunks), 0);
	memcpy(moved, contents[0], SIZE / 2);
	memset(moved + SIZE / 2, 'x', 10);
	memcpy(moved + SIZE / 2 + 10, contents[0] + SIZE / 2, SIZE - SIZE / 2);
	for (size_t at = 0; at < SIZE + 10;) {
		size_t size = chunks_cut(&cutter, moved + at, SIZE + 10 - at);
		uint64_t key;

		assert_int_equal(chunks_key(moved + at, size, &key, NULL), 0);
		lost += !chunks_find(&chunks, key);
		at += size;
	}
	assert_in_range(lost, 1, 60);
}

static void one_that_differs_is_told(void **state)
{
	_cleanup_chunks_ struct chunks chunks = {};

	differs = 1;
	assert_int_equal(collect(&chunks), BUNDLE_BASE_DIFFERS);
	assert_int_equal(times_told, 1);
	assert_null(chunks.scratch);
}

#define contents_test(test) cmocka_unit_test_setup_teardown(test, setup_contents, teardown_contents)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_gear_is_that_of_the_format, setup),
		cmocka_unit_test_setup(pieces_are_within_bounds, setup),
		contents_test(what_goes_is_found),
		contents_test(an_insertion_changes_few_pieces),
		contents_test(one_that_differs_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
