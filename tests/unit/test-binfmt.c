#include "fixture.h"

#include "unit/binfmt.h"

/* The last byte is not part of it. */
static const uint8_t head[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0xb7, 0xff, 0xff };

static bool takes(void)
{
	return binfmt_takes(fixture_dir, head, sizeof(head) - 1, "bin/app.jar");
}

static void test_none(void **state UNUSED)
{
	assert_false(takes());
	assert_false(binfmt_takes("/nonexistent", head, sizeof(head) - 1, "x"));
	fixture_write("status", "enabled\n", 0644);
	fixture_write("register", "", 0200);
	assert_false(takes());
}

static void test_magic(void **state UNUSED)
{
	fixture_write("status", "enabled\n", 0644);
	fixture_write("qemu",
		      "enabled\ninterpreter /usr/bin/qemu\nflags: OCF\noffset 0\n"
		      "magic 7f454c46020101ffb700\nmask ffffffffffffff00ff00\n",
		      0644);
	assert_true(takes());
	fixture_write("status", "disabled\n", 0644);
	assert_false(takes());
	fixture_write("status", "enabled\n", 0644);
	fixture_write("qemu", "disabled\noffset 0\nmagic 7f454c46\n", 0644);
	assert_false(takes());
	fixture_write("qemu", "enabled\noffset 8\nmagic b7\n", 0644);
	assert_true(takes());
	fixture_write("qemu", "enabled\noffset 8\nmagic b8\n", 0644);
	assert_false(takes());
	fixture_write("qemu", "enabled\noffset 9\nmagic ffff\n", 0644); /* beyond the end */
	assert_false(takes());
	fixture_write("qemu", "enabled\noffset 99999999999999999999\nmagic ff\n", 0644);
	assert_false(takes());
	fixture_write("qemu", "enabled\noffset 0\nmagic 7\n", 0644);
	assert_false(takes());
}

static void test_extension(void **state UNUSED)
{
	fixture_write("status", "enabled\n", 0644);
	fixture_write("java", "enabled\ninterpreter /usr/bin/java\nextension .jar\n", 0644);
	assert_true(takes());
	assert_false(binfmt_takes(fixture_dir, head, sizeof(head) - 1, "bin/app.jarx"));
	assert_false(binfmt_takes(fixture_dir, head, sizeof(head) - 1, "app"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(test_magic, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(test_extension, fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
