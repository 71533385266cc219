#include "transfer/download.h"

#include "kit-helper.h"

#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
#define BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
#define FAST                                 \
	(const struct retry_policy)          \
	{                                    \
		4, 2000, 10000, USEC_PER_SEC \
	}

static struct fetch_settings settings;
static struct retry_policy policy;
static struct fetcher *fetcher;
static struct kit_server server;
static char body[100000], got[200000];
static size_t n_got;
static uint64_t expected, repeated;

static int setup(void **state)
{
	policy = FAST;
	fetch_settings_init(&settings);
	kit_fill(body, sizeof(body));
	n_got = 0;
	expected = repeated = 0;
	return fetcher_new("/proc/self/exe", &settings, &fetcher, NULL);
}

static int teardown(void **state)
{
	kit_server_stop(&server);
	fetcher_free(fetcher);
	return 0;
}

/* Fetches /file to its end: DOWNLOAD_…, or < 0. */
static int run(uint64_t first, uint64_t length, uint64_t usec, struct error *err)
{
	char url[128];
	const struct fetch_request request = {
		.url = url,
		.range_first = first,
		.range_length = length,
		.cap = sizeof(got),
		.deadline = usec == USEC_INFINITY ? usec : clock_monotonic_usec() + usec,
	};
	_cleanup_(download_freep) struct download *download = NULL;
	size_t n;
	int r;

	(void)snprintf(url, sizeof(url), "%s/file", server.url);
	assert_int_equal(download_new(fetcher, &request, &policy, &download, err), 0);
	if (expected > 0)
		download_expect(download, expected);
	for (;;) {
		r = download_read(download, got + n_got, sizeof(got) - n_got, &n, err);
		repeated += download_take_repeated(download);
		if (r == DOWNLOAD_PENDING)
			download_wait(download);
		else if (r == 0)
			n_got += n;
		else
			return r;
	}
}

static int from(const struct kit_reply *replies, size_t n, struct error *err)
{
	kit_server_start(&server, replies, n);
	return run(0, 0, USEC_INFINITY, err);
}

static int count_requests(void)
{
	const char *log = kit_server_log(&server);
	int n = 0;

	while ((log = strstr(log, "GET ")) != NULL) {
		log += 4;
		n++;
	}
	return n;
}

static void what_passes_is_waited_out(void **state)
{
	const struct kit_reply replies[] = {
		{ .head = BUSY }, { .head = NULL }, { .head = BUSY }, { OK, body, sizeof(body) }
	};

	assert_int_equal(from(replies, 4, NULL), DOWNLOAD_END);
	assert_int_equal(n_got, sizeof(body));
	assert_memory_equal(got, body, sizeof(body));
}

static void it_gives_up_with_the_last_reason(void **state)
{
	const struct kit_reply busy = { .head = BUSY };
	struct error err;

	kit_check_error(from(&busy, 1, &err), &err, FAULT_NETWORK, "/file: HTTP 503");
	assert_int_equal(count_requests(), 4);
}

static void what_is_final_is_asked_once(void **state)
{
	const struct kit_reply barred = { .head = "HTTP/1.1 451 L\r\nContent-Length: 0\r\n\r\n" };
	struct error err;

	kit_check_error(from(&barred, 1, &err), &err, FAULT_NETWORK, "HTTP 451");
	assert_int_equal(count_requests(), 1);
}

static void what_is_not_there_is_an_outcome(void **state)
{
	const struct kit_reply gone = { .head = "HTTP/1.1 404 G\r\nContent-Length: 0\r\n\r\n" };

	assert_int_equal(from(&gone, 1, NULL), DOWNLOAD_ABSENT);
	assert_int_equal(count_requests(), 1);
}

/* The second request is for the rest, and only for that. */
static void it_goes_on_where_it_was(void **state)
{
	const struct kit_reply replies[] = {
		{ OK, body, 70000, true },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 70000-99999/100000\r\n\r\n", body + 70000,
		  10000, true },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 80000-99999/100000\r\n\r\n", body + 80000,
		  20000, true },
	};

	assert_int_equal(from(replies, 3, NULL), DOWNLOAD_END);
	assert_int_equal(n_got, sizeof(body));
	assert_memory_equal(got, body, sizeof(body));
	kit_check_says(kit_server_log(&server), "Range: bytes=80000-99999");
}

/* A server without ranges sends all again; what was given out is not given out twice. */
static void without_ranges_it_begins_again_and_skips(void **state)
{
	const struct kit_reply replies[] = {
		{ OK, body, 70000, true },
		{ OK, body, 50000, true }, /* to the range: not what was asked for */
		{ OK, body, 80000, true },
		{ OK, body, sizeof(body), true },
	};

	assert_int_equal(from(replies, 4, NULL), DOWNLOAD_END);
	assert_int_equal(n_got, sizeof(body));
	assert_memory_equal(got, body, sizeof(body));
	assert_int_equal(
		repeated,
		70000 + 80000); /* of the third and of the fourth; the second was no range */
}

/* Chunks, of which the connection's end cuts the last ones off: only the caller knows how many bytes there are. */
static void what_is_expected_is_gone_on_with(void **state)
{
	const struct kit_reply replies[] = {
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n", body, 70000,
		  true },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 70000-99999/100000\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n7530\r\n",
		  body + 70000, 30000, true },
	};

	expected = sizeof(body);
	assert_int_equal(from(replies, 2, NULL), DOWNLOAD_END);
	assert_int_equal(n_got, sizeof(body));
	assert_memory_equal(got, body, sizeof(body));
	assert_int_equal(count_requests(), 2);
	assert_int_equal(repeated, 0);
}

static void a_range_that_is_not_given_is_an_outcome(void **state)
{
	const struct kit_reply all = { OK, body, sizeof(body) };

	kit_server_start(&server, &all, 1);
	assert_int_equal(run(10, 20, USEC_INFINITY, NULL), DOWNLOAD_NO_RANGE);
	assert_int_equal(n_got, 0);
	assert_int_equal(count_requests(), 1);
}

static void the_rest_of_a_range_is_a_range(void **state)
{
	const struct kit_reply replies[] = {
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 10-29/100000\r\n\r\n", body + 10, 5,
		  true },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 15-29/100000\r\n\r\n", body + 15, 15,
		  true },
	};

	kit_server_start(&server, replies, 2);
	assert_int_equal(run(10, 20, USEC_INFINITY, NULL), DOWNLOAD_END);
	assert_int_equal(n_got, 20);
	assert_memory_equal(got, body + 10, 20);
}

/* Progress begins the count of failures anew, trickles do not. */
static void trickles_are_failures(void **state)
{
	const struct kit_reply trickle[] = {
		{ OK, body, 10, true },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 10-99999/100000\r\n\r\n", body + 10, 10,
		  true },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 20-99999/100000\r\n\r\n", body + 20, 10,
		  true },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 30-99999/100000\r\n\r\n", body + 30, 10,
		  true },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 40-99999/100000\r\n\r\n", body + 40,
		  99960, true },
	};
	struct error err;

	kit_check_error(from(trickle, 5, &err), &err, FAULT_NETWORK, "/file: ");
	assert_int_equal(count_requests(), 4);
}

static void a_server_s_time_is_respected(void **state)
{
	const struct kit_reply later[] = {
		{ .head = "HTTP/1.1 429 L\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n" },
		{ OK, body, sizeof(body) },
	};
	uint64_t before = clock_monotonic_usec();

	assert_int_equal(from(later, 2, NULL), DOWNLOAD_END);
	assert_in_range(clock_monotonic_usec() - before, USEC_PER_SEC, 60 * USEC_PER_SEC);
}

static void too_late_is_not_waited_for(void **state)
{
	const struct kit_reply later = {
		.head = "HTTP/1.1 429 L\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n"
	};
	struct error err;

	kit_check_error(from(&later, 1, &err), &err, FAULT_NETWORK, "HTTP 429");
	assert_int_equal(count_requests(), 1);
}

/* A wait that would end after the deadline is not begun. */
static void the_deadline_ends_the_tries(void **state)
{
	const struct kit_reply busy = { .head = BUSY };
	uint64_t before = clock_monotonic_usec();
	struct error err;

	policy = (struct retry_policy){ 100, USEC_PER_SEC, USEC_PER_SEC, 0 };
	kit_server_start(&server, &busy, 1);
	kit_check_error(run(0, 0, 2 * USEC_PER_SEC, &err), &err, FAULT_NETWORK, "HTTP 503");
	assert_true(clock_monotonic_usec() - before < 30 * USEC_PER_SEC);
}

static void a_small_file_comes_in_one_call(void **state)
{
	const struct kit_reply replies[] = {
		{ .head = BUSY },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello", 5 },
		{ "HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", "hello world", 11 },
	};
	struct fetch_request request = { .cap = 10, .deadline = USEC_INFINITY };
	_cleanup_free_ void *data = NULL;
	void *none;
	size_t size;

	kit_server_start(&server, replies, 4);
	request.url = server.url;
	assert_int_equal(download_all(fetcher, &request, &policy, &data, &size, NULL), 0);
	assert_int_equal(size, 5);
	assert_string_equal(data, "hello");
	assert_int_equal(download_all(fetcher, &request, &policy, &none, &size, NULL),
			 DOWNLOAD_ABSENT);
	assert_int_equal(download_all(fetcher, &request, &policy, &none, &size, NULL),
			 DOWNLOAD_TOO_LONG);
}

#define served(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		served(what_passes_is_waited_out),
		served(it_gives_up_with_the_last_reason),
		served(what_is_final_is_asked_once),
		served(what_is_not_there_is_an_outcome),
		served(it_goes_on_where_it_was),
		served(without_ranges_it_begins_again_and_skips),
		served(what_is_expected_is_gone_on_with),
		served(a_range_that_is_not_given_is_an_outcome),
		served(the_rest_of_a_range_is_a_range),
		served(trickles_are_failures),
		served(a_server_s_time_is_respected),
		served(too_late_is_not_waited_for),
		served(the_deadline_ends_the_tries),
		served(a_small_file_comes_in_one_call),
	};
	int status;

	(void)signal(SIGPIPE, SIG_IGN);
	if (kit_is_helper(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
