#include "transfer/fetch.h"

#include "kit-helper.h"

static struct fetch_settings settings;

static struct fetcher *make(const char *file_root)
{
	struct fetcher *fetcher;

	fetch_settings_init(&settings);
	settings.file_root = file_root;
	assert_int_equal(fetcher_new("/proc/self/exe", &settings, &fetcher, NULL), 0);
	return fetcher;
}

static char big[3000000];

/* Reads some; false: the end. Holds: the bytes are those of `big` from *at on. */
static bool read_some(struct fetcher *fetcher, struct fetch *fetch, size_t size, uint64_t *at)
{
	char buf[70000];
	size_t n;
	int r = fetch_read(fetch, buf, size, &n);

	if (r == FETCH_PENDING)
		fetcher_wait(fetcher, USEC_INFINITY);
	if (r == 0) {
		assert_true(n > 0 && n <= size);
		assert_memory_equal(buf, big + *at, n);
		*at += n;
	}
	return r != FETCH_END;
}

static int setup(void **state)
{
	if (kit_setup(state) < 0)
		return -1;
	kit_fill(big, sizeof(big));
	kit_write("big", big, sizeof(big), 0644);
	return 0;
}

static void bytes_come_in_order_and_to_the_end(void **state)
{
	struct fetcher *fetcher = make(kit_path);
	char url[128];
	struct fetch_request request = { .url = url,
					 .cap = sizeof(big),
					 .deadline = USEC_INFINITY };
	struct fetch *fetch;
	uint64_t at = 0;

	(void)snprintf(url, sizeof(url), "file://%s/big", kit_path);
	assert_int_equal(fetch_begin(fetcher, &request, &fetch, NULL), 0);
	assert_true(fetch_length(fetch) == WIRE_UNKNOWN);
	while (read_some(fetcher, fetch, 1 + kit_below(70000), &at))
		;
	assert_int_equal(at, sizeof(big));
	assert_int_equal(fetch_length(fetch), sizeof(big));
	assert_int_equal(fetch_result(fetch)->class, FETCH_OK);
	assert_int_equal(fetch_result(fetch)->bytes, sizeof(big));
	fetch_free(fetch);
	fetcher_free(fetcher);
}

/* Four at once, read at different speeds: none waits for another. */
static void slow_readers_do_not_hold_up_others(void **state)
{
	struct fetcher *fetcher = make(kit_path);
	char url[128];
	struct fetch_request request = { .url = url,
					 .cap = sizeof(big),
					 .deadline = USEC_INFINITY };
	struct fetch *fetches[4];
	uint64_t at[4];

	(void)snprintf(url, sizeof(url), "file://%s/big", kit_path);
	request.range_length = sizeof(big) / 2;
	for (size_t i = 0; i < 4; i++) {
		at[i] = request.range_first = i * 100000;
		assert_int_equal(fetch_begin(fetcher, &request, &fetches[i], NULL), 0);
	}
	for (size_t i = 4; i-- > 0;) { /* the last begun is read first, to its end */
		while (read_some(fetcher, fetches[i], 70000, &at[i]))
			;
		assert_int_equal(at[i], i * 100000 + sizeof(big) / 2);
		fetch_free(fetches[i]);
	}
	fetcher_free(fetcher);
}

/* A fetch that was freed in its middle leaves room for the next. */
static void what_is_freed_early_is_cancelled(void **state)
{
	struct fetcher *fetcher = make(kit_path);
	char url[128];
	struct fetch_request request = { .url = url,
					 .cap = sizeof(big),
					 .deadline = USEC_INFINITY };
	struct fetch *fetch;

	(void)snprintf(url, sizeof(url), "file://%s/big", kit_path);
	for (int i = 0; i < 50; i++) {
		uint64_t at = 0;
		int r;

		while ((r = fetch_begin(fetcher, &request, &fetch, NULL)) == FETCH_FULL)
			fetcher_wait(fetcher, USEC_INFINITY);
		assert_int_equal(r, 0);
		if (kit_below(2))
			(void)read_some(fetcher, fetch, 1000, &at);
		fetch_free(fetch);
	}
	fetcher_free(fetcher);
}

static void urls_are_checked_before_anything(void **state)
{
	struct fetcher *fetcher = make(NULL);
	struct fetch_request request = { .url = "ftp://x/", .cap = 1 };
	struct fetch *fetch;
	struct error err;

	kit_check_error(fetch_begin(fetcher, &request, &fetch, &err), &err, FAULT_CONFIG,
			"ftp://x/");
	fetcher_free(fetcher);
}

static void failures_have_their_fault_and_no_password(void **state)
{
	const struct fetch_result reset = { .class = FETCH_RESET, .text = "it broke" };
	const struct fetch_result config = { .class = FETCH_CONFIG, .text = "no such folder" };
	struct error err;

	kit_check_error(fetch_fail("https://me:secret@x/a", &reset, &err), &err, FAULT_NETWORK,
			"https://x/a: it broke");
	kit_check_error(fetch_fail("file:///a", &config, &err), &err, FAULT_CONFIG,
			"file:///a: no such folder");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bytes_come_in_order_and_to_the_end, setup,
						kit_teardown),
		cmocka_unit_test_setup_teardown(slow_readers_do_not_hold_up_others, setup,
						kit_teardown),
		cmocka_unit_test_setup_teardown(what_is_freed_early_is_cancelled, setup,
						kit_teardown),
		cmocka_unit_test(urls_are_checked_before_anything),
		cmocka_unit_test(failures_have_their_fault_and_no_password),
	};
	int status;

	(void)signal(SIGPIPE, SIG_IGN);
	if (kit_is_helper(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
