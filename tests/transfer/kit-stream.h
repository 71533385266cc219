/*
 * A stream of the helper's and the worker's inbox, joined by a pipe in one process: what a source of
 * bytes (fetch-http, fetch-file) sends, read as a worker would.
 */
#pragma once

#include "kit.h"
#include "transfer/fetch-stream.h"
#include "transfer/inbox.h"

struct kit_line {
	struct fetch_stream stream;
	struct pace_limit limit;
	struct inbox *inbox;
	int fds[2];
	char body[1 << 20];
	size_t size;
};

/* In place, since a stream is borrowed by what fills it. */
UNUSED static void kit_line_begin(struct kit_line *line, const char *url, uint64_t first,
				  uint64_t length, uint64_t cap)
{
	struct wire_get get = { first, length, cap, UINT64_MAX };
	char order[sizeof(get) + 1024];
	struct wire_frame frame = { WIRE_GET, 1, order, sizeof(get) + strlen(url) };

	memcpy(order, &get, sizeof(get));
	for (size_t i = 0; url[i]; i++)
		order[sizeof(get) + i] = url[i];
	line->size = 0;
	assert_int_equal(pipe2(line->fds, O_CLOEXEC | O_NONBLOCK), 0);
	(void)fcntl(line->fds[1], F_SETPIPE_SZ, 1 << 20);
	pace_limit_init(&line->limit, 0, 0);
	assert_int_equal(fetch_stream_init(&line->stream, line->fds[1], &frame, &line->limit, 0),
			 0);
	assert_int_equal(inbox_new(length, cap, &line->inbox, NULL), 0);
}

/* What was sent goes into the inbox and comes out of it. */
UNUSED static void kit_line_pump(struct kit_line *line)
{
	static char bytes[1 << 20];
	ssize_t n = read(line->fds[0], bytes, sizeof(bytes));
	size_t at = 0, used;

	for (; n > 0 && at < (size_t)n; at += used) {
		struct wire_frame frame;
		const char *wrong;

		assert_int_equal(
			wire_take(bytes + at, (size_t)n - at, WIRE_ANSWER_MAX, &frame, &used), 0);
		wrong = inbox_take(line->inbox, &frame);
		if (wrong)
			fail_msg("%s", wrong);
	}
	line->size +=
		inbox_read(line->inbox, line->body + line->size, sizeof(line->body) - line->size);
	line->stream.credit += inbox_credit(line->inbox);
}

/* Ended in this class, with that word in the text. */
UNUSED static void kit_line_check(struct kit_line *line, enum fetch_class class, const char *word)
{
	const struct fetch_result *result;

	kit_line_pump(line);
	result = inbox_result(line->inbox);
	assert_non_null(result);
	if (result->class != class)
		fail_msg("%s: %s", fetch_class_name(result->class), result->text);
	kit_check_says(result->text, word);
}

UNUSED static void kit_line_done(struct kit_line *line)
{
	fetch_stream_done(&line->stream);
	inbox_free(line->inbox);
	(void)close(line->fds[0]);
	(void)close(line->fds[1]);
}
