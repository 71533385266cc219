#include "transfer/fetch-http.h"

#include "kit-stream.h"

#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " #length "\r\n\r\n"

static struct kit_line line;
static char big[600000];

/* One fetch of what a server that says `replies` has under /file. */
static void run(struct fetch_http *http, const char *url, uint64_t first, uint64_t length,
		uint64_t cap)
{
	struct fetch_http_job *job;
	uint64_t until = clock_monotonic_usec() + 60 * USEC_PER_SEC;

	kit_line_begin(&line, url, first, length, cap);
	job = fetch_http_begin(http, &line.stream);
	while (!line.stream.ended) {
		assert_true(clock_monotonic_usec() < until);
		fetch_http_work(http);
		kit_line_pump(&line);
		if (line.stream.held)
			fetch_http_resume(job);
		if (!line.stream.ended)
			fetch_http_wait(http, line.fds[0], 100);
	}
	fetch_http_drop(http, job);
}

/* With these replies, asked once: how did it end, and what must the text say? */
static void check_from(const struct kit_reply *replies, size_t n, uint64_t first, uint64_t length,
		       uint64_t cap, enum fetch_class class, const char *word)
{
	struct fetch_settings settings;
	struct fetch_http *http;
	struct kit_server server;
	char url[128];

	fetch_settings_init(&settings);
	assert_int_equal(fetch_http_new(&settings, &http, NULL), 0);
	kit_server_start(&server, replies, n);
	(void)snprintf(url, sizeof(url), "%s/file", server.url);
	run(http, url, first, length, cap);
	kit_line_check(&line, class, word);
	kit_line_done(&line);
	kit_server_stop(&server);
	fetch_http_free(http);
}

static void check(const char *head, const char *body, uint64_t first, uint64_t length,
		  enum fetch_class class, const char *word)
{
	const struct kit_reply reply = { .head = head, body, strlen(body), .close = true };

	check_from(&reply, 1, first, length, 1000, class, word);
}

static void a_file_comes_whole(void **state)
{
	const struct kit_reply reply = { .head = OK(600000), big, sizeof(big) };

	kit_fill(big, sizeof(big));
	check_from(&reply, 1, 0, 0, sizeof(big), FETCH_OK, "");
	assert_int_equal(line.size, sizeof(big));
	assert_memory_equal(line.body, big, sizeof(big));
}

static void what_is_not_as_it_should_be_is_said(void **state)
{
	check(OK(5), "hello", 0, 0, FETCH_OK, "");
	check(OK(0), "", 0, 0, FETCH_OK, "");
	check("HTTP/1.1 200 OK\r\n\r\n", "hello", 0, 0, FETCH_OK, "");
	check("HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\n", "no!", 0, 0, FETCH_ABSENT,
	      "HTTP 404");
	check("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "", 0, 0, FETCH_STATUS, "HTTP 503");
	check(OK(9), "hello", 0, 0, FETCH_TRUNCATED, "");
	check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", 0, 0,
	      FETCH_TRUNCATED, "");
	check(OK(1001), "hello", 0, 0, FETCH_TOO_LONG, "1001 bytes, longer than 1000 bytes");
	check("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", "hello", 0,
	      0, FETCH_ENCODED, "compresses");
	check("SSH-2.0-OpenSSH_9.2\r\n\r\n", "", 0, 0, FETCH_PROTOCOL, "");
	check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "hello", 0, 0,
	      FETCH_PROTOCOL, "");
}

static void a_range_is_the_range_or_nothing(void **state)
{
	check("HTTP/1.1 206 P\r\nContent-Range: bytes 2-4/10\r\nContent-Length: 3\r\n\r\n", "cde",
	      2, 3, FETCH_OK, "");
	check(OK(10), "abcdefghij", 2, 3, FETCH_NO_RANGE, "whole file");
	assert_int_equal(line.size, 0);
	check("HTTP/1.1 206 P\r\nContent-Range: bytes 1-3/10\r\nContent-Length: 3\r\n\r\n", "bcd",
	      2, 3, FETCH_NO_RANGE, "another range");
	assert_int_equal(line.size, 0);
	check("HTTP/1.1 206 P\r\nContent-Range: bytes 2-4/10\r\n\r\n", "cd", 2, 3, FETCH_TRUNCATED,
	      "2 of 3");
	check("HTTP/1.1 206 P\r\nContent-Range: bytes 2-4/10\r\n\r\n", "cdef", 2, 3, FETCH_TOO_LONG,
	      "longer than 3");
}

static void an_endless_line_of_a_header_is_named(void **state)
{
	const struct kit_reply reply = { "HTTP/1.1 200 OK\r\nX: ", big, sizeof(big), true };

	memset(big, 'x', sizeof(big));
	check_from(&reply, 1, 0, 0, 300000, FETCH_PROTOCOL, "a line of the header is too long");
}

static void an_endless_body_is_cut(void **state)
{
	const struct kit_reply reply = { .head = "HTTP/1.1 200 OK\r\n\r\n", big, sizeof(big), true };

	check_from(&reply, 1, 0, 0, 300000, FETCH_TOO_LONG, "longer than 300000 bytes");
	assert_true(line.size <= 300000);
}

static void a_reset_is_not_an_end(void **state)
{
	const struct kit_reply reply = { .head = OK(10), "hello", 5, .reset = true };
	const struct kit_reply hangup = { .head = NULL };

	check_from(&reply, 1, 0, 0, 1000, FETCH_RESET, "");
	check_from(&hangup, 1, 0, 0, 1000, FETCH_RESET, "");
}

static void retry_after_is_passed_on(void **state)
{
	const struct kit_reply reply = {
		.head = "HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
	};

	check_from(&reply, 1, 0, 0, 1000, FETCH_STATUS, "HTTP 429");
}

#define REDIRECT(to) "HTTP/1.1 302 F\r\nLocation: " to "\r\nContent-Length: 0\r\n\r\n"

static void redirects_are_followed_with_bounds(void **state)
{
	const struct kit_reply once[] = { { .head = REDIRECT("/b") }, { OK(5), "hello", 5 } };
	const struct kit_reply loop = { .head = REDIRECT("/file") };
	const struct kit_reply file = { .head = REDIRECT("file:///etc/passwd") };
	const struct kit_reply ftp = { .head = REDIRECT("ftp://127.0.0.1/") };
	const struct kit_reply nowhere = { .head = "HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n" };

	check_from(once, 2, 0, 0, 1000, FETCH_OK, "");
	check_from(&loop, 1, 0, 0, 1000, FETCH_REDIRECT, "more than 5 redirects");
	check_from(&file, 1, 0, 0, 1000, FETCH_REDIRECT, "not HTTP");
	check_from(&ftp, 1, 0, 0, 1000, FETCH_REDIRECT, "not HTTP");
	check_from(&nowhere, 1, 0, 0, 1000, FETCH_REDIRECT, "nowhere");
}

static int count(const char *text, const char *word)
{
	int n = 0;

	while ((text = strstr(text, word)) != NULL) {
		text += strlen(word);
		n++;
	}
	return n;
}

/* User and password go to the server that was asked, not to the one that it names. */
static void a_password_stays_with_its_server(void **state)
{
	const struct kit_reply good = { .head = OK(5), "hello", 5 };
	struct fetch_settings settings;
	struct kit_server here, there;
	struct fetch_http *http;
	char url[128], to[256];
	struct kit_reply away[2] = { { .head = REDIRECT("/again") }, { .head = to } };

	fetch_settings_init(&settings);
	assert_int_equal(fetch_http_new(&settings, &http, NULL), 0);
	kit_server_start(&there, &good, 1);
	(void)snprintf(
		to, sizeof(to),
		"HTTP/1.1 302 F\r\nLocation: http://evil:evil@%s/x\r\nContent-Length: 0\r\n\r\n",
		there.url + strlen("http://"));
	kit_server_start(&here, away, 2);
	(void)snprintf(url, sizeof(url), "http://me:secret@%s/file", here.url + strlen("http://"));
	run(http, url, 0, 0, 1000);
	kit_line_check(&line, FETCH_OK, "");
	kit_line_done(&line);
	assert_int_equal(count(kit_server_log(&here), "Authorization: Basic bWU6c2VjcmV0"), 2);
	assert_int_equal(count(kit_server_log(&there), "Authorization"), 0);
	kit_server_stop(&here);
	kit_server_stop(&there);
	fetch_http_free(http);
}

static void a_connection_is_kept(void **state)
{
	const struct kit_reply replies[] = { { OK(5), "hello", 5 },
					     { "HTTP/1.1 404 N\r\nContent-Length: 5\r\n\r\n",
					       "nope!", 5 },
					     { OK(5), "again", 5 } };
	struct fetch_settings settings;
	struct kit_server server;
	struct fetch_http *http;
	char url[128];

	fetch_settings_init(&settings);
	assert_int_equal(fetch_http_new(&settings, &http, NULL), 0);
	kit_server_start(&server, replies, 3);
	(void)snprintf(url, sizeof(url), "%s/file", server.url);
	for (int i = 0; i < 3; i++) { /* a second connection would never be accepted */
		run(http, url, 0, 0, 1000);
		kit_line_done(&line);
	}
	assert_memory_equal(line.body, "again", 5);
	kit_server_stop(&server);
	fetch_http_free(http);
}

static void what_is_asked_is_plain(void **state)
{
	const struct kit_reply reply = {
		.head = "HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/10\r\n\r\n", "12345", 5, true
	};
	struct fetch_settings settings;
	struct kit_server server;
	struct fetch_http *http;
	const char *log;
	char url[128];

	(void)setenv("http_proxy", "http://127.0.0.1:1/", 1);
	fetch_settings_init(&settings);
	assert_int_equal(fetch_http_new(&settings, &http, NULL), 0);
	kit_server_start(&server, &reply, 1);
	(void)snprintf(url, sizeof(url), "%s/file", server.url);
	run(http, url, 5, 5, 1000);
	kit_line_check(&line, FETCH_OK, "");
	kit_line_done(&line);
	log = kit_server_log(&server);
	kit_check_says(log, "GET /file HTTP/1.1\r\n");
	kit_check_says(log, "\r\nRange: bytes=5-9\r\n");
	kit_check_says(log, "\r\nAccept-Encoding: identity\r\n");
	kit_check_says(log, "\r\nUser-Agent: flipslot/");
	assert_null(strstr(log, "Cookie"));
	kit_server_stop(&server);
	fetch_http_free(http);
	(void)unsetenv("http_proxy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_comes_whole),
		cmocka_unit_test(what_is_not_as_it_should_be_is_said),
		cmocka_unit_test(a_range_is_the_range_or_nothing),
		cmocka_unit_test(an_endless_body_is_cut),
		cmocka_unit_test(an_endless_line_of_a_header_is_named),
		cmocka_unit_test(a_reset_is_not_an_end),
		cmocka_unit_test(retry_after_is_passed_on),
		cmocka_unit_test(redirects_are_followed_with_bounds),
		cmocka_unit_test(a_password_stays_with_its_server),
		cmocka_unit_test(a_connection_is_kept),
		cmocka_unit_test(what_is_asked_is_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
