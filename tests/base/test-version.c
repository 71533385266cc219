/* Which version is the newer one: the examples of the specification, and what must hold for all. */
#include "base/version.h"

#include "base/cleanup.h"

#include "check.h"

/* Each is older than the next. */
static const char *const rising[] = {
	"~",
	"~1",
	"",
	"0~rc1",
	"0",
	"0.1",
	"1~rc1",
	"1~rc2",
	"1",
	"1-a",
	"1-a1",
	"1-1",
	"1^",
	"1^post",
	"1.",
	"1.a",
	"1.ab",
	"1.b",
	"1.0",
	"1.0.1",
	"1.1",
	"1.9",
	"1.10",
	"1.10.1",
	"2",
	"9",
	"10",
	"1000000000000000000000000000001",
	"1000000000000000000000000000010",
};

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void in_order(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rising); i++)
		for (size_t j = 0; j < ARRAY_SIZE(rising); j++)
			if (sign(version_compare(rising[i], rising[j])) != (i > j) - (i < j))
				fail_msg("\"%s\" and \"%s\": %d", rising[i], rising[j],
					 version_compare(rising[i], rising[j]));
}

static void neither_is_newer(void **state)
{
	static const char *const same[][2] = {
		{ "1.0", "1.00" }, { "007", "7" },    { "1_0", "1+0" },
		{ "1 0", "1_0" },  { "1.0", "1.0_" }, { "abc", "_abc" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		assert_int_equal(version_compare(same[i][0], same[i][1]), 0);
		assert_int_equal(version_compare(same[i][1], same[i][0]), 0);
	}
}

/* An order: what is asked the other way round is answered so, and it is carried on. */
static void any_three_texts(void **state)
{
	for (int round = 0; round < 200000; round++) {
		char a[8], b[8], c[8];
		int ab, bc;

		check_text(a, sizeof(a), "01a~-^._B");
		check_text(b, sizeof(b), "01a~-^._B");
		check_text(c, sizeof(c), "01a~-^._B");
		ab = sign(version_compare(a, b));
		bc = sign(version_compare(b, c));
		assert_int_equal(version_compare(a, a), 0);
		assert_int_equal(sign(version_compare(b, a)), -ab);
		if (ab == bc && sign(version_compare(a, c)) != ab)
			fail_msg("\"%s\" \"%s\" \"%s\"", a, b, c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(neither_is_newer),
		cmocka_unit_test(any_three_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
