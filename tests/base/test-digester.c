#include "base/digester.h"

#include "base/digest.h"
#include "check.h"

static void streaming_gives_the_same_however_it_is_cut(void **state)
{
	_cleanup_(digester_freep) struct digester *digester = NULL;
	static char data[100000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)check_random();
	assert_int_equal(digester_new(&digester, NULL), 0);
	for (int round = 0; round < 20; round++) {
		struct digest streamed;
		struct digest whole;
		size_t size = check_below(sizeof(data));

		for (size_t at = 0, n; at < size; at += n) {
			n = 1 + check_below(size - at);
			assert_int_equal(digester_update(digester, data + at, n, NULL), 0);
		}
		assert_int_equal(digester_finish(digester, &streamed, NULL), 0);
		assert_int_equal(digest_of(data, size, &whole, NULL), 0);
		assert_true(digest_equal(&streamed, &whole));
		assert_int_equal(digester_reset(digester, NULL), 0);
	}
	digester_free(NULL);
}

/* Nothing of what came before is left. */
static void a_reset_begins_anew(void **state)
{
	_cleanup_(digester_freep) struct digester *digester = NULL;
	struct digest one;
	struct digest two;

	assert_int_equal(digester_new(&digester, NULL), 0);
	assert_int_equal(digester_update(digester, "rest", 4, NULL), 0);
	assert_int_equal(digester_reset(digester, NULL), 0);
	assert_int_equal(digester_update(digester, "abc", 3, NULL), 0);
	assert_int_equal(digester_finish(digester, &one, NULL), 0);
	assert_int_equal(digest_of("abc", 3, &two, NULL), 0);
	assert_true(digest_equal(&one, &two));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streaming_gives_the_same_however_it_is_cut),
		cmocka_unit_test(a_reset_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
