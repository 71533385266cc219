/* LDFLAGS: -Wl,--wrap=digester_update,--wrap=pthread_create */
/* A digest that a thread makes of pieces: the same as without, and what failed is told. */
#include "install/aside.h"

#include <string.h>

#include "../base/check.h"
#include "../base/no-threads.h"

#define PIECE  ((size_t)300 * 1000)
#define PIECES 7

static int fail_at; /* which call fails; 0: none */

int __real_digester_update(struct digester *digester, const void *data, size_t size,
			   struct error *err);
int __wrap_digester_update(struct digester *digester, const void *data, size_t size,
			   struct error *err);
int __wrap_digester_update(struct digester *digester, const void *data, size_t size,
			   struct error *err)
{
	if (fail_at > 0 && --fail_at == 0)
		return error_set(err, FAULT_INTERNAL, "not made");
	return __real_digester_update(digester, data, size, err);
}

static uint8_t bytes[PIECES][PIECE];

static void add_all(struct aside *aside, struct digester *digester)
{
	for (size_t i = 0; i < PIECES; i++) {
		aside_add(aside, digester, bytes[i], PIECE);
		assert_true(aside_holds(aside, bytes[i]));
		assert_true(i == 0 || !aside_holds(aside, bytes[i - 1]));
	}
}

static void it_is_the_digest_of_all(void **unused)
{
	_cleanup_(aside_freep) struct aside *aside = NULL;
	_cleanup_(digester_freep) struct digester *digester = NULL;
	struct digest digest, expected;

	(void)unused;
	for (size_t i = 0; i + 8 <= sizeof(bytes); i += 8) {
		uint64_t number = check_random();

		memcpy((uint8_t *)bytes + i, &number, sizeof(number));
	}
	assert_int_equal(digest_of(bytes, sizeof(bytes), &expected, NULL), 0);
	assert_int_equal(aside_new(&aside, NULL), 0);
	assert_int_equal(digester_new(&digester, NULL), 0);
	for (unsigned int i = 0; i < 2; i++) {
		add_all(aside, digester);
		assert_int_equal(aside_settle(aside, NULL), 0);
		assert_false(aside_holds(aside, bytes[PIECES - 1]));
		assert_int_equal(digester_finish(digester, &digest, NULL), 0);
		assert_true(digest_equal(&digest, &expected));
		assert_int_equal(digester_reset(digester, NULL), 0);
	}
}

static void without_a_thread_it_is_the_same(void **unused)
{
	no_threads = true;
	it_is_the_digest_of_all(unused);
	no_threads = false;
}

static void what_failed_is_told_once(void **unused)
{
	_cleanup_(aside_freep) struct aside *aside = NULL;
	_cleanup_(digester_freep) struct digester *digester = NULL;
	struct error err = {};

	(void)unused;
	assert_int_equal(aside_new(&aside, NULL), 0);
	assert_int_equal(digester_new(&digester, NULL), 0);
	fail_at = 3;
	add_all(aside, digester);
	check_error(aside_settle(aside, &err), &err, FAULT_INTERNAL, "not made");
	assert_int_equal(aside_settle(aside, &err), 0);
}

/* The thread is not left behind with bytes of the caller's. */
static void it_can_end_in_the_middle(void **unused)
{
	struct aside *aside = NULL;
	_cleanup_(digester_freep) struct digester *digester = NULL;

	(void)unused;
	assert_int_equal(digester_new(&digester, NULL), 0);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(aside_new(&aside, NULL), 0);
		if (i > 0)
			aside_add(aside, digester, bytes, sizeof(bytes));
		aside_free(aside);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_digest_of_all),
		cmocka_unit_test(without_a_thread_it_is_the_same),
		cmocka_unit_test(what_failed_is_told_once),
		cmocka_unit_test(it_can_end_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
