#include "transfer/fetch-settings.h"

#include "kit.h"

/* What is sent through a pipe and taken at its other end. False: something was not taken. */
static bool pass_on(const struct fetch_settings *settings, struct fetch_settings *ret_settings)
{
	static char bytes[65536];
	size_t n, used = 0;
	bool good = true;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(fetch_settings_send(settings, fds[1]), 0);
	n = (size_t)read(fds[0], bytes, sizeof(bytes));
	for (size_t at = 0; at < n; at += used) {
		struct wire_frame frame;

		assert_int_equal(wire_take(bytes + at, n - at, WIRE_ORDER_MAX, &frame, &used), 0);
		assert_int_equal(frame.type, WIRE_SET);
		good = good && fetch_settings_take(ret_settings, &frame);
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
	return good;
}

static void what_is_set_arrives(void **state)
{
	struct fetch_settings settings, there = {};

	fetch_settings_init(&settings);
	settings.ca_file = "/etc/my ca.pem";
	settings.proxy = "http://u:p@proxy:8080";
	settings.file_root = "/srv/repo";
	settings.rate_limit = UINT64_MAX;
	assert_true(pass_on(&settings, &there));
	assert_string_equal(there.user, FETCH_SETTINGS_USER);
	assert_string_equal(there.ca_file, settings.ca_file);
	assert_string_equal(there.proxy, settings.proxy);
	assert_string_equal(there.file_root, settings.file_root);
	assert_null(there.client_certificate);
	assert_null(there.client_key);
	assert_true(there.rate_limit == UINT64_MAX);
	assert_int_equal(there.connect_usec, 15 * USEC_PER_SEC);
	assert_int_equal(there.slow_usec, 30 * USEC_PER_SEC);
	assert_int_equal(there.slow_bytes, 1024);
	assert_int_equal(there.redirects, 5);
	fetch_settings_done(&there);
}

static void what_does_not_fit_is_refused(void **state)
{
	static char longest[WIRE_ORDER_MAX];
	struct fetch_settings settings;
	struct error err;

	fetch_settings_init(&settings);
	memset(longest, 'x', sizeof(longest) - 1);
	settings.proxy = longest;
	kit_check_error(fetch_settings_check(&settings, &err), &err, FAULT_CONFIG, "proxy");
	settings.proxy = NULL;
	settings.file_root = "srv";
	kit_check_error(fetch_settings_check(&settings, &err), &err, FAULT_CONFIG, "srv");
	settings.file_root = "/srv";
	assert_int_equal(fetch_settings_check(&settings, &err), 0);
}

static void what_is_of_another_form_is_not_taken(void **state)
{
	struct fetch_settings settings = {};
	struct wire_frame frame = { WIRE_SET, 1000, "x", 1 };

	assert_false(fetch_settings_take(&settings, &frame));
	frame.id = UINT32_MAX;
	assert_false(fetch_settings_take(&settings, &frame));
	frame.id = 7; /* a number */
	assert_false(fetch_settings_take(&settings, &frame));
	frame.payload = "5";
	assert_true(fetch_settings_take(&settings, &frame));
	fetch_settings_done(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_set_arrives),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(what_is_of_another_form_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
