/* Which port of this machine a probe asks. */
#include "fixture.h"

#include "unit/probe-port.h"

static uint16_t of(enum probe_kind kind, const char *text)
{
	const struct probe_options options = {
		.kind = kind,
		.url = kind == PROBE_HTTP ? (char *)text : NULL,
		.address = kind == PROBE_TCP ? (char *)text : NULL,
	};

	return probe_port(&options);
}

static void test_here(void **state UNUSED)
{
	assert_int_equal(of(PROBE_HTTP, "http://127.0.0.1:8080/health?a=b:1"), 8080);
	assert_int_equal(of(PROBE_HTTP, "http://localhost/health"), 80);
	assert_int_equal(of(PROBE_HTTP, "https://LOCALHOST"), 443);
	assert_int_equal(of(PROBE_HTTP, "https://[::1]/"), 443);
	assert_int_equal(of(PROBE_HTTP, "https://[::1]:65535/"), 65535);
	assert_int_equal(of(PROBE_TCP, "127.0.0.2:22"), 22);
	assert_int_equal(of(PROBE_TCP, "[::1]:22"), 22);
}

static void test_elsewhere(void **state UNUSED)
{
	assert_int_equal(of(PROBE_HTTP, "http://example.com:8080/"), 0);
	assert_int_equal(of(PROBE_HTTP, "http://[2001:db8::1]:8080/"), 0);
	assert_int_equal(of(PROBE_TCP, "10.0.0.1:22"), 0);
	assert_int_equal(of(PROBE_HTTP, "localhost:80"), 0);
	assert_int_equal(of(PROBE_HTTP, "http://"), 0);
	assert_int_equal(of(PROBE_HTTP, "http://localhost:0/"), 0);
	assert_int_equal(of(PROBE_HTTP, "http://localhost:65536/"), 0);
	assert_int_equal(of(PROBE_HTTP, NULL), 0);
	assert_int_equal(of(PROBE_TCP, NULL), 0);
	assert_int_equal(of(PROBE_UNIX, "localhost:22"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_here),
		cmocka_unit_test(test_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
