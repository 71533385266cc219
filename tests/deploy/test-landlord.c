/* Does the user's manager stay? The start of it is played in tests/system/test-scope-user. */
#include "deploy/landlord.h"

#include "../base/check.h"

static void a_user_who_does_not_linger_leaves(void **state UNUSED)
{
	struct error err = {};

	assert_int_equal(landlord_check("nobody", &err), LANDLORD_LEAVES);
}

static void there_is_no_such_user(void **state UNUSED)
{
	struct error err = {};

	check_error(landlord_check("no-such-user", &err), &err, FAULT_CONFIG, "no user");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_who_does_not_linger_leaves),
		cmocka_unit_test(there_is_no_such_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
