/* LDFLAGS: -Wl,--wrap=rebuild_begin,--wrap=rebuild_clone,--wrap=rebuild_take */
/* The thread that takes blocks, over a rebuild that is played. */
#include "deploy/taker.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "app.h"

int __wrap_rebuild_begin(struct rebuild *rebuild, struct error *err);
int __wrap_rebuild_clone(struct rebuild *rebuild, struct error *err);
int __wrap_rebuild_take(struct rebuild *rebuild, const struct bundle *bundle,
			const struct bundle_block *block, const void *bytes, size_t size,
			struct error *err);

static struct watcher watcher;
static struct relay relay;
static bool begun;
#define HELD 35 /* of them, so many wait for the word */
static atomic_uint uncloned; /* files of this disk */
static atomic_bool may_go_on;
static char taken[64]; /* the first byte of each block */
static char refused; /* the first byte of the one that fails */

int __wrap_rebuild_begin(struct rebuild *rebuild, struct error *err)
{
	(void)usleep(20000);
	begun = true;
	return 0;
}

int __wrap_rebuild_clone(struct rebuild *rebuild, struct error *err)
{
	if (uncloned == 0)
		return REBUILD_CLONED;
	while (uncloned == HELD && !may_go_on)
		(void)usleep(1000);
	taken[strlen(taken)] = '.';
	return --uncloned == 0 ? REBUILD_CLONED : 0;
}

int __wrap_rebuild_take(struct rebuild *rebuild, const struct bundle *bundle,
			const struct bundle_block *block, const void *bytes, size_t size,
			struct error *err)
{
	const char *text = bytes;

	assert_true(begun);
	assert_int_equal(size, block->length);
	if (text[0] == refused)
		return error_set(err, FAULT_UNTRUSTED, "wrong bytes");
	taken[strlen(taken)] = text[0];
	return 0;
}

static int setup(void **state)
{
	watcher = (struct watcher){};
	relay_init(&relay, &watcher);
	memset(taken, 0, sizeof(taken));
	begun = false;
	uncloned = 0;
	may_go_on = false;
	refused = '\0';
	return 0;
}

static int teardown(void **state)
{
	relay_done(&relay);
	return 0;
}

static void put(struct taker *taker, const struct bundle_block *block, char what)
{
	char *bytes = taker_reserve(taker, block->length);

	assert_non_null(bytes);
	bytes[0] = what;
	assert_int_equal(taker_put_consume(taker, NULL, block, bytes, NULL), 0);
}

static void drain(struct taker *taker)
{
	while (!taker_wait(taker, clock_monotonic_usec() + USEC_PER_SEC))
		;
}

static void blocks_are_taken_in_order_after_the_beginning(void **state)
{
	_cleanup_(taker_freep) struct taker *taker = NULL;
	const struct bundle_block block = { .length = 100 };

	assert_int_equal(taker_new(NULL, &relay, &taker, NULL), 0);
	for (const char *c = "abcdef"; *c; c++)
		put(taker, &block, *c);
	drain(taker);
	assert_string_equal(taken, "abcdef");
	assert_int_equal(taker_count_taken(taker), 6);
	assert_int_equal(taker_check(taker, NULL), 0);
}

/* A block does not wait for more than one file, and the end waits for all. */
static void files_are_cloned_while_there_is_no_block(void **state)
{
	_cleanup_(taker_freep) struct taker *taker = NULL;
	const struct bundle_block block = { .length = 100 };
	const char *first;

	uncloned = 40;
	assert_int_equal(taker_new(NULL, &relay, &taker, NULL), 0);
	while (uncloned != HELD)
		(void)usleep(1000);
	assert_false(taker_wait(taker, 0));
	put(taker, &block, 'a');
	put(taker, &block, 'b');
	may_go_on = true;
	drain(taker);
	assert_int_equal(strlen(taken), 42);
	first = strstr(taken, "ab");
	assert_non_null(first);
	assert_true(first < taken + 40);
}

static void room_is_bounded_but_for_one(void **state)
{
	_cleanup_(taker_freep) struct taker *taker = NULL;
	void *first;

	assert_int_equal(taker_new(NULL, &relay, &taker, NULL), 0);
	first = taker_reserve(taker, TAKER_ROOM + 1);
	assert_non_null(first);
	assert_null(taker_reserve(taker, 1));
	taker_drop(taker, first, TAKER_ROOM + 1);
	first = taker_reserve(taker, TAKER_ROOM - 1);
	assert_null(taker_reserve(taker, 2));
	taker_drop(taker, first, TAKER_ROOM - 1);
}

static void what_failed_is_said_and_nothing_is_taken_any_more(void **state)
{
	_cleanup_(taker_freep) struct taker *taker = NULL;
	const struct bundle_block block = { .length = 100 };
	struct error err = {};

	refused = 'c';
	assert_int_equal(taker_new(NULL, &relay, &taker, NULL), 0);
	for (const char *c = "abcdef"; *c; c++)
		put(taker, &block, *c);
	drain(taker);
	assert_string_equal(taken, "ab");
	check_error(taker_check(taker, &err), &err, FAULT_UNTRUSTED, "wrong bytes");
}

static void it_ends_with_blocks_waiting(void **state)
{
	_cleanup_(taker_freep) struct taker *taker = NULL;
	const struct bundle_block block = { .length = 100 };

	assert_int_equal(taker_new(NULL, &relay, &taker, NULL), 0);
	put(taker, &block, 'a');
	put(taker, &block, 'b');
	taker_free(TAKE_PTR(taker)); /* the sanitizers' build sees what is left */
}

#define taker_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		taker_test(blocks_are_taken_in_order_after_the_beginning),
		taker_test(files_are_cloned_while_there_is_no_block),
		taker_test(room_is_bounded_but_for_one),
		taker_test(what_failed_is_said_and_nothing_is_taken_any_more),
		taker_test(it_ends_with_blocks_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
