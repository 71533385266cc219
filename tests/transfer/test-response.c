#include "transfer/response.h"

#include "kit.h"

#define CAP 1000

/* The header (lines end in \n here), judged for bytes first to first + length - 1 (length 0: all). */
static enum fetch_class judge(const char *header, uint64_t first, uint64_t length,
			      uint64_t *ret_length, char *ret_why)
{
	struct response response;

	response_init(&response);
	while (*header) {
		size_t size = strcspn(header, "\n");
		_cleanup_free_ char *line = malloc(size + 2);

		memcpy(line, header, size);
		line[size] = '\r';
		line[size + 1] = '\n';
		assert_true(response_line(&response, line, size + 2, 0));
		header += size + 1;
	}
	return response_judge(&response, first, length, CAP, ret_length, ret_why);
}

static void check_class(const char *header, uint64_t first, uint64_t length,
			enum fetch_class wanted, const char *word)
{
	char why[RESPONSE_WHY_MAX] = "";
	uint64_t got;
	enum fetch_class class = judge(header, first, length, &got, why);

	if (class != wanted)
		fail_msg("%s: %s (%s)", header, fetch_class_name(class), why);
	kit_check_says(why, word);
}

static void check_good(const char *header, uint64_t first, uint64_t length, uint64_t wanted)
{
	char why[RESPONSE_WHY_MAX] = "";
	uint64_t got = 0;
	enum fetch_class class = judge(header, first, length, &got, why);

	if (class != FETCH_OK || got != wanted)
		fail_msg("%s: %s, %" PRIu64 " bytes (%s)", header, fetch_class_name(class), got,
			 why);
}

static void whole_files(void **state)
{
	check_good("HTTP/1.1 200 OK\nContent-Length: 1000\n", 0, 0, 1000);
	check_good("HTTP/1.1 200 OK\ncontent-length:0\n", 0, 0, 0);
	check_good("HTTP/1.1 200 OK\n", 0, 0, UINT64_MAX);
	check_good("HTTP/2 200\nTransfer-Encoding: chunked\nContent-Length: 5\n", 0, 0, UINT64_MAX);
	check_good("HTTP/1.1 200 OK\nContent-Encoding: identity\n", 0, 0, UINT64_MAX);
	check_good("HTTP/1.1 100 Continue\nContent-Length: 7\n\nHTTP/1.1 200 OK\n", 0, 0,
		   UINT64_MAX);
	check_class("HTTP/1.1 200 OK\nContent-Length: 1001\n", 0, 0, FETCH_TOO_LONG,
		    "1001 bytes, longer than 1000 bytes");
	check_class("HTTP/1.1 200 OK\nContent-Length: 18446744073709551616\n", 0, 0, FETCH_PROTOCOL,
		    "contradicts");
	check_class("HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6\n", 0, 0, FETCH_PROTOCOL,
		    "contradicts");
	check_class("HTTP/1.1 200 OK\nContent-Length: -5\n", 0, 0, FETCH_PROTOCOL, "contradicts");
	check_class("HTTP/1.1 206 Partial\nContent-Range: bytes 0-9/10\n", 0, 0, FETCH_PROTOCOL,
		    "no range was asked for");
}

static void compressed_on_the_way(void **state)
{
	check_class("HTTP/1.1 200 OK\nContent-Encoding: gzip\n", 0, 0, FETCH_ENCODED, "compresses");
	check_class("HTTP/1.1 200 OK\nContent-Encoding: identity, br\n", 0, 0, FETCH_ENCODED, "");
	check_class("HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n", 0, 0, FETCH_ENCODED, "");
	check_class("HTTP/1.1 206 P\nContent-Range: bytes 5-9/10\nContent-Encoding: zstd\n", 5, 5,
		    FETCH_ENCODED, "");
}

static void exactly_the_range(void **state)
{
	check_good("HTTP/1.1 206 P\nContent-Range: bytes 5-9/10\n", 5, 5, 5);
	check_good("HTTP/1.1 206 P\nContent-Range: bytes 5-9/*\nContent-Length: 5\n", 5, 5, 5);
	check_class("HTTP/1.1 200 OK\nContent-Length: 10\n", 5, 5, FETCH_NO_RANGE, "whole file");
	check_class("HTTP/1.1 200 OK\nContent-Length: 5\n", 0, 5, FETCH_NO_RANGE, "whole file");
	check_class("HTTP/1.1 206 P\n", 5, 5, FETCH_NO_RANGE, "without a valid Content-Range");
	check_class("HTTP/1.1 206 P\nContent-Range: 5-9\n", 5, 5, FETCH_NO_RANGE, "valid");
	check_class("HTTP/1.1 206 P\nContent-Type: multipart/byteranges\n", 5, 5, FETCH_NO_RANGE,
		    "valid");
	check_class("HTTP/1.1 206 P\nContent-Range: bytes 5-9/10\nContent-Range: bytes 0-4/10\n", 5,
		    5, FETCH_NO_RANGE, "valid");
	check_class("HTTP/1.1 206 P\nContent-Range: bytes 5-8/10\n", 5, 5, FETCH_NO_RANGE,
		    "another range");
	check_class("HTTP/1.1 206 P\nContent-Range: bytes 4-8/10\n", 5, 5, FETCH_NO_RANGE,
		    "another range");
	check_class("HTTP/1.1 206 P\nContent-Range: bytes 5-9/10\nContent-Length: 6\n", 5, 5,
		    FETCH_NO_RANGE, "Content-Length");
	check_class("HTTP/1.1 416 N\nContent-Range: bytes */10\n", 50, 5, FETCH_STATUS, "416");
	check_class("HTTP/1.1 206 P\nContent-Range: bytes 0-1000/2000\n", 0, 1001, FETCH_TOO_LONG,
		    "longer than 1000");
}

static void other_statuses(void **state)
{
	check_class("HTTP/1.1 404 Not Found\n", 0, 0, FETCH_ABSENT, "HTTP 404");
	check_class("HTTP/1.1 403 Forbidden\n", 5, 5, FETCH_ABSENT, "HTTP 403");
	check_class("HTTP/1.1 410 Gone\n", 0, 0, FETCH_ABSENT, "HTTP 410");
	check_class("HTTP/1.1 401 Who\n", 0, 0, FETCH_STATUS, "HTTP 401: the server wants a name");
	check_class("HTTP/1.1 407 Who\n", 0, 0, FETCH_STATUS, "HTTP 407: the proxy wants a name");
	check_class("HTTP/1.1 429 Many\n", 0, 0, FETCH_STATUS, "HTTP 429: too many requests");
	check_class("HTTP/1.1 503 Later\nRetry-After: 7200\n", 0, 0, FETCH_STATUS,
		    "HTTP 503: the server asks to come again after 2h");
	check_class("HTTP/1.1 500 Oops\n", 0, 0, FETCH_STATUS, "HTTP 500");
	check_class("HTTP/1.1 204 No Content\n", 0, 0, FETCH_STATUS, "HTTP 204");
	check_class("HTTP/1.1 302 Found\nLocation: x\n", 0, 0, FETCH_STATUS, "HTTP 302");
	check_class("HTTP/1.1 xyz\n", 0, 0, FETCH_PROTOCOL, "");
	check_class("HTTP/1.1\n", 0, 0, FETCH_PROTOCOL, "");
	check_class("", 0, 0, FETCH_PROTOCOL, "");
}

static void retry_after_is_kept(void **state)
{
	static const char line[] = "Retry-After: 12\r\n";
	struct response response;

	response_init(&response);
	assert_true(response_line(&response, line, strlen(line), 0));
	assert_int_equal(response.retry_after, 12);
}

static void headers_have_an_end(void **state)
{
	static char line[10000];
	struct response response;
	int n = 0;

	memset(line, 'x', sizeof(line));
	response_init(&response);
	while (response_line(&response, line, sizeof(line), 0))
		n++;
	assert_int_equal(n, RESPONSE_HEADER_MAX / sizeof(line));
}

static void random_lines_do_no_harm(void **state)
{
	static const char *const pieces[] = { "HTTP/1.1 ", "206", ":",	"Content-Range",  "bytes ",
					      "0-9/10",	   " ",	  "-",	"Content-Length", "\r\n",
					      "\xff",	   "9",	  "\t", "Retry-After",	  "/" };

	for (int i = 0; i < 100000; i++) {
		struct response response;
		char text[256] = "";
		char why[RESPONSE_WHY_MAX];
		uint64_t length;
		size_t size = 0;

		for (size_t n = kit_below(8); n > 0; n--) {
			const char *piece = pieces[kit_below(ARRAY_SIZE(pieces))];

			for (; *piece; piece++)
				text[size++] = *piece;
		}
		_cleanup_free_ char *exact = malloc(size ? size : 1);
		memcpy(exact, text, size);
		response_init(&response);
		assert_true(response_line(&response, exact, size, 0));
		(void)response_judge(&response, 0, 10, CAP, &length, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_files),
		cmocka_unit_test(compressed_on_the_way),
		cmocka_unit_test(exactly_the_range),
		cmocka_unit_test(other_statuses),
		cmocka_unit_test(retry_after_is_kept),
		cmocka_unit_test(headers_have_an_end),
		cmocka_unit_test(random_lines_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
