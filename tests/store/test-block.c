#include "store/block.h"

#include "base/cleanup.h"
#include "base/digest.h"
#include "../base/check.h"

#define SIZE 512

static int read_block(const char *block, uint64_t *ret_sequence, char **ret_payload)
{
	return block_read(block, SIZE, "magic", ret_sequence, ret_payload, NULL);
}

static void check_damaged(const char *block)
{
	char *payload = NULL;
	uint64_t sequence = 42;

	assert_int_equal(read_block(block, &sequence, &payload), BLOCK_DAMAGED);
	assert_null(payload);
	assert_int_equal(sequence, 42);
}

static void a_block_gives_back_what_it_was_made_of(void **state)
{
	for (int round = 0; round < 2000; round++) {
		_cleanup_free_ char *back = NULL;
		char payload[SIZE - BLOCK_HEADER_MAX + 1];
		char block[SIZE];
		uint64_t sequence = check_random() >> check_below(64);
		uint64_t found = 0;

		check_text(payload, sizeof(payload), "ab\n=\xff\x01 ");
		assert_int_equal(block_make(block, SIZE, "magic", sequence, payload, NULL), 0);
		assert_int_equal(read_block(block, &found, &back), 0);
		assert_true(found == sequence);
		assert_string_equal(back, payload);
	}
}

/* The format of slots-layout/README.md, with sha256sum's answer to "7\npayload\n". */
static void the_bytes_are_the_published_ones(void **state)
{
	static const char wanted[] =
		"magic 1 7 8 "
		"9b132eaaf5f45853eb80800075932c8489c4f76a8858d05026eb4451e5bfa531\n"
		"payload\n";
	static const char zeroes[SIZE];
	char block[SIZE];

	memset(block, 'x', sizeof(block));
	assert_int_equal(block_make(block, SIZE, "magic", 7, "payload\n", NULL), 0);
	assert_memory_equal(block, wanted, strlen(wanted));
	assert_memory_equal(block + strlen(wanted), zeroes, SIZE - strlen(wanted));
}

static void zeroes_are_empty(void **state)
{
	static char block[SIZE];
	char *payload = NULL;
	uint64_t sequence;

	assert_int_equal(read_block(block, &sequence, &payload), BLOCK_EMPTY);
	block[SIZE - 1] = 1;
	check_damaged(block);
}

static void a_payload_that_does_not_fit_is_refused(void **state)
{
	char block[SIZE];
	char payload[SIZE + 1];
	struct error err = {};

	memset(payload, 'x', sizeof(payload));
	for (size_t size = SIZE - BLOCK_HEADER_MAX; size <= SIZE; size++) {
		int r;

		payload[size] = '\0';
		r = block_make(block, SIZE, "magic", UINT64_MAX, payload, &err);
		payload[size] = 'x';
		if (r < 0)
			check_error(r, &err, FAULT_NO_SPACE, "do not fit");
		else
			assert_true(size < SIZE - 64);
	}
	payload[SIZE - BLOCK_HEADER_MAX] = '\0';
	assert_int_equal(block_make(block, SIZE, "magic", UINT64_MAX, payload, NULL), 0);
	assert_true(block_make(block, 20, "magic", 1, "", NULL) < 0);
}

/* Every bit of every byte counts, and so does the magic. */
static void any_change_is_seen(void **state)
{
	char block[SIZE];
	char *payload = NULL;
	uint64_t sequence;

	assert_int_equal(block_make(block, SIZE, "magic", 12, "some payload\n", NULL), 0);
	for (size_t bit = 0; bit < 8 * (size_t)SIZE; bit++) {
		block[bit / 8] ^= (char)(1 << bit % 8);
		check_damaged(block);
		block[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_int_equal(block_read(block, SIZE, "other", &sequence, &payload, NULL),
			 BLOCK_DAMAGED);
	assert_int_equal(block_read(block, SIZE, "magi", &sequence, &payload, NULL), BLOCK_DAMAGED);
}

/* The same content said otherwise, with the right digest, is not what is written: damaged. */
static void there_is_one_way_to_say_it(void **state)
{
	static const char *const headers[] = {
		"magic 1 +7 8",	  "magic 1 07 8", "magic 1 7 08", "magic  1 7 8",
		"magic 01 7 8",	  "magic 2 7 8",  "magic 1 7 7",  "magic 1 7 9",
		"magic 1 8 8",	  "magic 1 7 -8", "magic 1 7 8 ", " magic 1 7 8",
		"magic 1 7 9999", "magic 1 7",	  "magic 1",	  "magic 1 18446744073709551623 8",
	};
	struct digest digest;
	char hex[DIGEST_HEX_MAX];

	assert_int_equal(digest_of("7\npayload\n", 10, &digest, NULL), 0);
	digest_to_hex(&digest, hex);
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		char block[SIZE] = {};

		(void)snprintf(block, sizeof(block), "%s %s\npayload\n", headers[i], hex);
		check_damaged(block);
	}
}

static void no_line_end_is_damaged(void **state)
{
	char block[SIZE];

	memset(block, 'x', sizeof(block));
	check_damaged(block);
	(void)snprintf(block, sizeof(block), "magic 1 7 8 ");
	block[strlen(block)] = 'x';
	check_damaged(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_gives_back_what_it_was_made_of),
		cmocka_unit_test(the_bytes_are_the_published_ones),
		cmocka_unit_test(zeroes_are_empty),
		cmocka_unit_test(a_payload_that_does_not_fit_is_refused),
		cmocka_unit_test(any_change_is_seen),
		cmocka_unit_test(there_is_one_way_to_say_it),
		cmocka_unit_test(no_line_end_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
