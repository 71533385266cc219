#include "release/guess.h"

#include "../base/check.h"

#define SIZE 100000000U

static struct guess guess;

/* A call at `at`, which moves by `moved`, of what stands at `target`. */
static struct guess_field call(uint32_t at, uint32_t moved, uint32_t target)
{
	return (struct guess_field){ at, at + moved, target - at - 4, SIZE };
}

static void test_two_calls_of_one_place(void **state)
{
	const struct guess_field first = call(1000, 0, 5000000);
	const struct guess_field second = call(900000, 64, 5000100);
	struct guess_answer answer;

	guess_init(&guess);
	guess_learn(&guess, &first, 48); /* the callee moves by 48, the caller does not */
	guess_ask(&guess, &second, &answer);

	assert_int_equal(answer.near, (uint32_t)(48 - 64));
	assert_int_equal(answer.far, (uint32_t)(48 - 64));
}

static void test_near_and_far(void **state)
{
	const struct guess_field here = call(1000, 0, 5U << GUESS_FAR_SHIFT);
	const struct guess_field there =
		call(2000, 0, (5U << GUESS_FAR_SHIFT) + (3U << GUESS_NEAR_SHIFT));
	const struct guess_field behind =
		call(3000, 0, (5U << GUESS_FAR_SHIFT) + (9U << GUESS_NEAR_SHIFT));
	struct guess_answer answer;

	guess_init(&guess);
	guess_learn(&guess, &here, 16);
	guess_learn(&guess, &there, 32);

	guess_ask(&guess, &here, &answer);
	assert_int_equal(answer.near, 16);
	assert_int_equal(answer.far, 32);
	guess_ask(&guess, &behind, &answer);
	assert_int_equal(answer.near, 0);
	assert_int_equal(answer.far, 32);
}

/* As a distance it would lead out of the file: it is one from the beginning, which does not move with the field. */
static void test_an_address_from_the_beginning(void **state)
{
	const struct guess_field jump = call(1000, 0, 5000000);
	const struct guess_field pointer = { SIZE - 8, SIZE + 8, 5000000, SIZE };
	struct guess_answer answer;

	guess_init(&guess);
	guess_learn(&guess, &jump, 48);
	guess_ask(&guess, &pointer, &answer);
	assert_int_equal(answer.near, 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_calls_of_one_place),
		cmocka_unit_test(test_near_and_far),
		cmocka_unit_test(test_an_address_from_the_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
