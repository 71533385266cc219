#include "transfer/fetch-class.h"

#include "kit.h"

static void every_class_has_a_name_of_its_own(void **state)
{
	for (enum fetch_class a = FETCH_OK; a < FETCH_CLASS_MAX; a++) {
		assert_true(strlen(fetch_class_name(a)) > 0);
		for (enum fetch_class b = FETCH_OK; b < a; b++)
			assert_string_not_equal(fetch_class_name(a), fetch_class_name(b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
