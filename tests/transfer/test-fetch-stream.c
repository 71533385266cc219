#include "transfer/fetch-stream.h"

#include "kit.h"
#include "transfer/inbox.h"

struct line {
	struct fetch_stream stream;
	struct pace_limit limit;
	int fds[2];
};

static void begin(struct line *line, uint64_t range_length, uint64_t cap, uint64_t rate)
{
	struct {
		struct wire_get get;
		char url[8];
	} order = { { 0, range_length, cap, UINT64_MAX }, "http://x" };
	const struct wire_frame frame = { WIRE_GET, 1, &order, sizeof(order) };

	assert_int_equal(pipe2(line->fds, O_CLOEXEC | O_NONBLOCK), 0);
	(void)fcntl(line->fds[1], F_SETPIPE_SZ, 1 << 20);
	pace_limit_init(&line->limit, rate, 0);
	assert_int_equal(fetch_stream_init(&line->stream, line->fds[1], &frame, &line->limit, 0),
			 0);
}

static void done(struct line *line)
{
	fetch_stream_done(&line->stream);
	(void)close(line->fds[0]);
	(void)close(line->fds[1]);
}

/* What was sent so far goes into the inbox of a worker; how often it did not like it. */
static int deliver(const struct line *line, struct inbox *inbox)
{
	static char bytes[1 << 20];
	ssize_t n = read(line->fds[0], bytes, sizeof(bytes));
	size_t at = 0, used;
	int wrong = 0;

	for (; n > 0 && at < (size_t)n; at += used) {
		struct wire_frame frame;

		assert_int_equal(
			wire_take(bytes + at, (size_t)n - at, WIRE_ANSWER_MAX, &frame, &used), 0);
		wrong += inbox_take(inbox, &frame) != NULL;
	}
	return wrong;
}

static void the_url_is_taken_over(void **state)
{
	struct line line;

	begin(&line, 0, 10, 0);
	assert_string_equal(line.stream.url, "http://x");
	assert_int_equal(line.stream.want.cap, 10);
	done(&line);
}

/* A stream and an inbox agree, whatever size the body and its pieces have. */
static void what_it_sends_a_worker_takes(void **state)
{
	static char bytes[100000];

	for (int i = 0; i < 300; i++) {
		uint64_t size = kit_below(600000);
		bool known = kit_below(2);
		_cleanup_(inbox_freep) struct inbox *inbox = NULL;
		char buf[60000];
		struct line line;

		begin(&line, 0, size, 0);
		assert_int_equal(inbox_new(0, size, &inbox, NULL), 0);
		fetch_stream_begin(&line.stream, known ? size : WIRE_UNKNOWN);
		while (line.stream.sent < size) {
			size_t n = 1 + kit_below(sizeof(bytes));

			if (n > size - line.stream.sent)
				n = size - line.stream.sent;
			if (fetch_stream_may_send(&line.stream, n, 0))
				assert_true(fetch_stream_send(&line.stream, bytes, n));
			assert_int_equal(deliver(&line, inbox), 0);
			(void)inbox_read(inbox, buf, sizeof(buf));
			line.stream.credit += inbox_credit(inbox);
		}
		fetch_stream_end(&line.stream, FETCH_OK, 200, 0, "");
		assert_int_equal(deliver(&line, inbox), 0);
		assert_int_equal(inbox_result(inbox)->class, FETCH_OK);
		assert_int_equal(inbox_result(inbox)->bytes, size);
		done(&line);
	}
}

static void without_credit_it_is_held(void **state)
{
	struct line line;

	begin(&line, 0, UINT64_MAX, 0);
	fetch_stream_begin(&line.stream, WIRE_UNKNOWN);
	line.stream.credit = 99;
	assert_false(fetch_stream_may_send(&line.stream, 100, 0));
	assert_true(line.stream.held);
	line.stream.credit++;
	assert_true(fetch_stream_may_send(&line.stream, 100, 0));
	assert_false(line.stream.held);
	done(&line);
}

static void above_the_limit_it_is_held(void **state)
{
	static char bytes[2000];
	struct line line;

	begin(&line, 0, UINT64_MAX, 1000);
	fetch_stream_begin(&line.stream, WIRE_UNKNOWN);
	assert_true(fetch_stream_may_send(&line.stream, sizeof(bytes), 0));
	assert_true(fetch_stream_send(&line.stream, bytes, sizeof(bytes)));
	assert_false(fetch_stream_may_send(&line.stream, 1, 1000000));
	assert_true(fetch_stream_may_send(&line.stream, 1, 3000000));
	done(&line);
}

static const struct fetch_result *result_of(const struct line *line, struct inbox *inbox)
{
	assert_int_equal(deliver(line, inbox), 0);
	assert_non_null(inbox_result(inbox));
	return inbox_result(inbox);
}

static void more_than_the_cap_ends_it(void **state)
{
	_cleanup_(inbox_freep) struct inbox *inbox = NULL;
	struct line line;

	begin(&line, 0, 10, 0);
	assert_int_equal(inbox_new(0, 10, &inbox, NULL), 0);
	fetch_stream_begin(&line.stream, WIRE_UNKNOWN);
	line.stream.credit = 10; /* none is needed to say that it is too long */
	assert_true(fetch_stream_send(&line.stream, "0123456789", 10));
	assert_true(fetch_stream_may_send(&line.stream, 1, 0));
	assert_false(fetch_stream_send(&line.stream, "x", 1));
	assert_true(line.stream.ended);
	assert_int_equal(result_of(&line, inbox)->class, FETCH_TOO_LONG);
	kit_check_says(result_of(&line, inbox)->text, "longer than 10 bytes");
	done(&line);
}

static void fewer_than_announced_are_truncated(void **state)
{
	_cleanup_(inbox_freep) struct inbox *inbox = NULL;
	struct line line;

	begin(&line, 0, 100, 0);
	assert_int_equal(inbox_new(0, 100, &inbox, NULL), 0);
	fetch_stream_begin(&line.stream, 50);
	assert_true(fetch_stream_send(&line.stream, "0123456789", 10));
	fetch_stream_end(&line.stream, FETCH_OK, 200, 0, "");
	fetch_stream_end(&line.stream, FETCH_RESET, 0, 0, "a second end is none");
	assert_int_equal(result_of(&line, inbox)->class, FETCH_TRUNCATED);
	kit_check_says(result_of(&line, inbox)->text, "after 10 of 50 bytes");
	done(&line);
}

static void a_worker_that_is_gone_is_noticed(void **state)
{
	struct line line;

	(void)signal(SIGPIPE, SIG_IGN);
	begin(&line, 0, 100, 0);
	(void)close(line.fds[0]);
	fetch_stream_begin(&line.stream, 50);
	assert_true(line.stream.broken);
	done(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_url_is_taken_over),
		cmocka_unit_test(what_it_sends_a_worker_takes),
		cmocka_unit_test(without_credit_it_is_held),
		cmocka_unit_test(above_the_limit_it_is_held),
		cmocka_unit_test(more_than_the_cap_ends_it),
		cmocka_unit_test(fewer_than_announced_are_truncated),
		cmocka_unit_test(a_worker_that_is_gone_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
