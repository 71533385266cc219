#include "fixture.h"

#include "base/text.h"
#include "unit/probe-order.h"

static struct probe_order full(void)
{
	static char *command[4];
	struct probe_order order = { .options = { .name = fixture_text("web"),
						  .kind = PROBE_HTTP,
						  .timeout_usec = 123456789,
						  .url = fixture_text("http://x/?a=b"),
						  .body = fixture_text("two\nlines\\n"),
						  .insecure = true,
						  .command = command,
						  .match = fixture_text(""),
						  .status_ranges = { { 200, 299 }, { 404, 404 } },
						  .n_status_ranges = 2 },
				     .context = { .app = "gateway",
						  .unit = "gateway.service",
						  .slot_path = "/var/lib/x",
						  .user = "kind=evil",
						  .invocation = "abc",
						  .started = UINT64_MAX },
				     .transient = fixture_text("t.service"),
				     .of_user = true,
				     .owner = 1001 };

	command[0] = fixture_text("bin/check");
	command[1] = fixture_text("");
	command[2] = fixture_text("a\nb\\c=d");
	return order;
}

static void test_there_and_back(void **state UNUSED)
{
	_cleanup_(probe_order_done) struct probe_order back = {};
	_cleanup_text_ struct text text = {};
	const struct probe_order order = full();
	struct error err = {};

	check_ok(probe_order_write(&order, &text, &err), &err);
	check_ok(probe_order_read(text.data, &back, &err), &err);
	assert_int_equal(back.options.kind, PROBE_HTTP);
	assert_string_equal(back.options.name, "web");
	assert_string_equal(back.options.url, "http://x/?a=b");
	assert_string_equal(back.options.body, "two\nlines\\n");
	assert_string_equal(back.options.match, ""); /* given, though empty */
	assert_null(back.options.reject);
	assert_true(back.options.insecure);
	assert_false(back.options.fresh);
	assert_int_equal(back.options.timeout_usec, 123456789);
	assert_int_equal(back.options.n_status_ranges, 2);
	assert_int_equal(back.options.status_ranges[0][1], 299);
	assert_int_equal(back.options.status_ranges[1][0], 404);
	assert_string_equal(back.options.command[0], "bin/check");
	assert_string_equal(back.options.command[1], "");
	assert_string_equal(back.options.command[2], "a\nb\\c=d");
	assert_null(back.options.command[3]);
	assert_string_equal(back.context.app, "gateway");
	assert_string_equal(back.context.user, "kind=evil");
	assert_string_equal(back.context.group, ""); /* was NULL */
	assert_true(back.context.started == UINT64_MAX);
	assert_string_equal(back.transient, "t.service");
	assert_true(back.of_user);
	assert_int_equal(back.owner, 1001);
}

static void refuse(const char *text)
{
	struct probe_order order = {};
	struct error err = {};

	check_error(probe_order_read(text, &order, &err), &err, FAULT_CORRUPT, "another form");
}

static void test_bad_orders(void **state UNUSED)
{
	refuse("");
	refuse("kind=http\n");
	refuse("kind=nonsense\ntimeout=1\nstarted=1\n");
	refuse("kind=tcp\ntimeout=x\nstarted=1\n");
	refuse("kind=tcp\ntimeout=-1\nstarted=1\n");
	refuse("kind=http\ntimeout=1\nstarted=1\nstatus.0=999999999\n");
}

static void test_too_long(void **state UNUSED)
{
	_cleanup_free_ char *body = malloc(PROBE_ORDER_MAX + 1);
	_cleanup_text_ struct text text = {};
	struct probe_order order = full();
	struct error err = {};

	memset(body, 'x', PROBE_ORDER_MAX);
	body[PROBE_ORDER_MAX] = '\0';
	order.options.body = body;
	check_error(probe_order_write(&order, &text, &err), &err, FAULT_CONFIG, "web is too long");
}

static void test_answers(void **state UNUSED)
{
	struct probe_answer answer = {};
	char line[PROBE_ANSWER_MAX];

	probe_order_write_answer(true, "HTTP 200", line);
	assert_string_equal(line, "ok HTTP 200\n");
	probe_order_write_answer(false, "two\nlines\x1b[m", line);
	assert_string_equal(line, "no two lines [m\n");
	assert_true(probe_order_read_answer("ok fine", 7, &answer));
	assert_true(answer.passed);
	assert_string_equal(answer.text, "fine");
	assert_true(probe_order_read_answer("no \x1b[31m\\", 9, &answer));
	assert_false(answer.passed);
	assert_string_equal(answer.text, "\\x1b[31m\\x5c");
	assert_false(probe_order_read_answer("", 0, &answer));
	assert_false(probe_order_read_answer("ok", 2, &answer));
	assert_false(probe_order_read_answer("OK fine", 7, &answer));
	assert_false(probe_order_read_answer("okay then", 9, &answer));
}

/* The longest text still makes one line that is read back. */
static void test_longest_answer(void **state UNUSED)
{
	struct probe_answer answer = {};
	char longest[2 * PROBE_ANSWER_MAX];
	char line[PROBE_ANSWER_MAX];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	probe_order_write_answer(false, longest, line);
	assert_in_range(strlen(line), PROBE_ANSWER_MAX - 8, PROBE_ANSWER_MAX - 1);
	assert_int_equal(line[strlen(line) - 1], '\n');
	assert_true(probe_order_read_answer(line, strlen(line) - 1, &answer));
	assert_in_range(strlen(answer.text), PROBE_TEXT_MAX - 8, PROBE_TEXT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_bad_orders),
		cmocka_unit_test(test_too_long),       cmocka_unit_test(test_answers),
		cmocka_unit_test(test_longest_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
