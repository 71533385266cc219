/* Fronts of blocks on the disk. */
#include "deploy/partial.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "../base/check.h"
#include "store/layout.h"

static struct partial partials[PARTIAL_MAX];
static const struct bundle_block one = { .length = 1000, .packed = { { 1 } } };
static const struct bundle_block two = { .length = 1000, .packed = { { 2 } } };
static char bytes[1000];

static int setup(void **state)
{
	int r = check_setup(state);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)check_random();
	r |= mkdirat(check_dirfd(state), LAYOUT_STAGING, 0700);
	partial_load(check_dirfd(state), partials);
	return r;
}

static int teardown(void **state)
{
	partial_done(partials);
	return check_teardown_closed(state);
}

static void load_again(void **state)
{
	partial_done(partials);
	partial_load(check_dirfd(state), partials);
}

static bool save(void **state, size_t i, const struct bundle_block *block, size_t n)
{
	return partial_save(check_dirfd(state), &partials[i], block, bytes, n, true);
}

static void what_was_saved_is_found(void **state)
{
	char got[1000] = {};

	assert_int_equal(partial_find(partials, 0, &one), 0);
	assert_true(save(state, 2, &one, 100));
	assert_true(save(state, 2, &one, 300));
	assert_true(save(state, 3, &two, 999));
	load_again(state);
	assert_int_equal(partial_find(partials, 0, &one), 300);
	assert_int_equal(partial_find(partials, 1, &two), 999);
	assert_true(partial_read(&partials[0], got, 300));
	assert_memory_equal(got, bytes, 300);
	assert_true(save(state, 0, &one, 500)); /* and goes on there */
	load_again(state);
	assert_int_equal(partial_find(partials, 3, &one), 500);
	assert_true(partial_read(&partials[3], got, 500));
	assert_memory_equal(got, bytes, 500);
}

static void another_block_takes_its_place(void **state)
{
	assert_true(save(state, 0, &one, 300));
	assert_true(save(state, 0, &two, 100));
	load_again(state);
	assert_int_equal(partial_find(partials, 0, &one), 0);
	assert_int_equal(partial_find(partials, 0, &two), 100);
	assert_true(save(state, 0, &two, 50)); /* it was begun again */
	assert_int_equal(partial_find(partials, 0, &two), 50);
}

static void a_whole_one_is_none(void **state)
{
	assert_true(save(state, 0, &one, 1000));
	load_again(state);
	assert_int_equal(partial_find(partials, 0, &one), 0);
}

static void what_is_quick_is_not_saved(void **state)
{
	int dirfd = check_dirfd(state);
	uint64_t begun = clock_monotonic_usec();

	assert_false(partial_save(dirfd, &partials[0], &one, bytes, 10, false));
	while (clock_monotonic_usec() - begun < PARTIAL_PERIOD_USEC)
		(void)usleep(1000);
	assert_true(partial_save(dirfd, &partials[0], &one, bytes, 20, false));
	assert_false(partial_save(dirfd, &partials[0], &two, bytes, 10, false));
}

static void it_is_dropped(void **state)
{
	int dirfd = check_dirfd(state);

	assert_true(save(state, 1, &one, 300));
	assert_int_equal(faccessat(dirfd, LAYOUT_STAGING "/block.1", F_OK, 0), 0);
	assert_int_equal(partial_drop(dirfd, NULL), 0);
	assert_int_equal(faccessat(dirfd, LAYOUT_STAGING "/block.1", F_OK, 0), -1);
	assert_int_equal(partial_drop(dirfd, NULL), 0);
}

static void without_a_place_nothing_is_saved(void **state)
{
	assert_int_equal(unlinkat(check_dirfd(state), LAYOUT_STAGING, AT_REMOVEDIR), 0);
	assert_false(save(state, 0, &one, 300));
	assert_int_equal(partial_find(partials, 0, &one), 0);
}

#define partial_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		partial_test(what_was_saved_is_found),
		partial_test(another_block_takes_its_place),
		partial_test(a_whole_one_is_none),
		partial_test(what_is_quick_is_not_saved),
		partial_test(it_is_dropped),
		partial_test(without_a_place_nothing_is_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
