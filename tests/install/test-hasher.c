/* LDFLAGS: -Wl,--wrap=pthread_create,--wrap=digester_update */
#include "install/hasher.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "../base/check.h"
#include "no-threads.h"

#define FILES 2000
#define BYTES (3 * 1024 * 1024)

static bool broken;

int __real_digester_update(struct digester *digester, const void *data, size_t size,
			   struct error *err);
int __wrap_digester_update(struct digester *digester, const void *data, size_t size,
			   struct error *err);
int __wrap_digester_update(struct digester *digester, const void *data, size_t size,
			   struct error *err)
{
	return broken ? error_set(err, FAULT_INTERNAL, "broken") :
			__real_digester_update(digester, data, size, err);
}

static int setup(void **state)
{
	no_threads = broken = false;
	return 0;
}

/* Of every size around that of a batch, mostly small ones. */
static size_t size_of(size_t i)
{
	return i % 97 == 0 ? check_random() % BYTES : check_random() % 3000;
}

static void check_files(void)
{
	_cleanup_(hasher_freep) struct hasher *hasher = NULL;
	_cleanup_free_ uint8_t *bytes = calloc(1, BYTES + BYTES);
	static struct digest is[FILES];
	static struct digest wanted[FILES];

	assert_int_equal(hasher_new(&hasher, NULL), 0);
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)check_random();
	for (size_t i = 0; i < FILES; i++) {
		size_t size = size_of(i);
		size_t hole = i % 31 == 0 ? size_of(i) : 0;
		const uint8_t *from = bytes + BYTES - size;

		assert_int_equal(digest_of(from, size + hole, &wanted[i], NULL), 0);
		hasher_add(hasher, from, size / 3);
		hasher_add(hasher, from + size / 3, size - size / 3);
		hasher_add_zeroes(hasher, hole);
		hasher_end(hasher, &is[i]);
	}
	assert_int_equal(hasher_settle(hasher, NULL), 0);
	assert_memory_equal(is, wanted, sizeof(is));
	hasher_end(hasher, &is[0]);
	assert_int_equal(hasher_settle(hasher, NULL), 0);
	assert_int_equal(digest_of("", 0, &wanted[0], NULL), 0);
	assert_memory_equal(is, wanted, sizeof(is));
}

static void each_file_gets_its_digest(void **state)
{
	check_files();
}

static void each_file_gets_its_digest_without_a_thread(void **state)
{
	no_threads = true;
	check_files();
}

static void a_failure_is_said_at_the_end(void **state)
{
	_cleanup_(hasher_freep) struct hasher *hasher = NULL;
	struct error err = {};
	struct digest digest;

	assert_int_equal(hasher_new(&hasher, NULL), 0);
	broken = true;
	hasher_add(hasher, "x", 1);
	hasher_end(hasher, &digest);
	check_error(hasher_settle(hasher, &err), &err, FAULT_INTERNAL, "broken");
	broken = false;
	check_error(hasher_settle(hasher, &err), &err, FAULT_INTERNAL, "broken");
}

static void it_ends_in_the_middle(void **state)
{
	for (int i = 0; i < 50; i++) {
		_cleanup_(hasher_freep) struct hasher *hasher = NULL;
		struct digest *digest = malloc(sizeof(*digest));

		assert_int_equal(hasher_new(&hasher, NULL), 0);
		hasher_add_zeroes(hasher, 700000);
		hasher_end(hasher, digest);
		hasher_free(TAKE_PTR(hasher));
		free(digest); /* the sanitizers' build sees who writes to it still */
	}
}

#define hasher_test(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		hasher_test(each_file_gets_its_digest),
		hasher_test(each_file_gets_its_digest_without_a_thread),
		hasher_test(a_failure_is_said_at_the_end),
		hasher_test(it_ends_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
