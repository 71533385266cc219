/* The event stream, written by one and read by another at the same time. */
#include "scratch.h"

#include "app/stream.h"
#include "app/tail.h"

static struct stream *open_stream(const struct scratch *scratch)
{
	_cleanup_free_ char *parent = scratch_path(scratch, "run");
	struct stream *stream = NULL;
	struct error err = {};

	if (stream_new(parent, "app", &stream, &err) < 0)
		fail_msg("%s", err.text);
	return stream;
}

static struct tail *open_tail(const struct scratch *scratch, enum tail_from from)
{
	_cleanup_free_ char *parent = scratch_path(scratch, "run");
	struct tail *tail = NULL;

	assert_int_equal(tail_new(parent, "app", from, &tail, NULL), 0);
	return tail;
}

static void write_event(struct stream *stream, unsigned int number)
{
	struct event_line line = { .kind = EVENT_NOTE, .slot = SLOT_NONE, .done = number };
	_cleanup_free_ char *json = NULL;

	(void)snprintf(line.text, sizeof(line.text), "%u", number);
	assert_int_equal(event_line_encode(&line, &json, NULL), 0);
	assert_int_equal(stream_write(stream, json, NULL), 0);
}

static void assert_next(struct tail *tail, unsigned int number)
{
	char wanted[16];
	struct event_line line;

	(void)snprintf(wanted, sizeof(wanted), "%u", number);
	assert_int_equal(tail_next(tail, &line, NULL, NULL), 0);
	assert_string_equal(line.text, wanted);
}

static void assert_next_kind(struct tail *tail, enum event_kind kind)
{
	struct event_line line;

	assert_int_equal(tail_next(tail, &line, NULL, NULL), 0);
	assert_int_equal(line.kind, kind);
}

static void assert_empty(struct tail *tail)
{
	struct event_line line;

	assert_int_equal(tail_next(tail, &line, NULL, NULL), TAIL_EMPTY);
}

static void test_written_is_read(void **state)
{
	_cleanup_(stream_freep) struct stream *stream = open_stream(*state);
	_cleanup_(tail_freep) struct tail *tail = open_tail(*state, TAIL_BEGIN);
	const char *json;
	struct event_line line;

	assert_empty(tail);
	write_event(stream, 1);
	write_event(stream, 2);
	assert_int_equal(tail_next(tail, &line, &json, NULL), 0);
	assert_string_equal(json + strlen(json) - 1, "\n");
	assert_next(tail, 2);
	assert_empty(tail);
}

static void test_begin_and_end(void **state)
{
	_cleanup_(stream_freep) struct stream *stream = open_stream(*state);
	_cleanup_(tail_freep) struct tail *begin = NULL, *end = NULL;

	write_event(stream, 1);
	begin = open_tail(*state, TAIL_BEGIN);
	end = open_tail(*state, TAIL_END);
	write_event(stream, 2);
	assert_next(begin, 1);
	assert_next(begin, 2);
	assert_next(end, 2);
	assert_empty(end);
}

static void test_follower_before_the_first_worker(void **state)
{
	_cleanup_(tail_freep) struct tail *tail = open_tail(*state, TAIL_END);
	_cleanup_(stream_freep) struct stream *stream = NULL;

	assert_empty(tail);
	stream = open_stream(*state);
	write_event(stream, 1);
	assert_next(tail, 1);
}

static void test_another_worker_goes_on(void **state)
{
	_cleanup_(tail_freep) struct tail *tail = NULL, *late = NULL;
	struct stream *stream = open_stream(*state);

	write_event(stream, 1);
	stream_free(stream);
	tail = open_tail(*state, TAIL_BEGIN);
	stream = open_stream(*state);
	write_event(stream, 2);
	stream_free(stream);
	assert_next(tail, 1);
	assert_next(tail, 2);
	late = open_tail(*state, TAIL_BEGIN);
	assert_next(late, 1);
	assert_next(late, 2);
}

static off_t size_of(const struct scratch *scratch)
{
	_cleanup_free_ char *path = scratch_path(scratch, "run/app/" STREAM_FILE);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	return st.st_size;
}

/* Who keeps up loses nothing when the file is begun anew, and the file stays bounded. */
static void test_bounded(void **state)
{
	_cleanup_(stream_freep) struct stream *stream = open_stream(*state);
	_cleanup_(tail_freep) struct tail *tail = open_tail(*state, TAIL_BEGIN);
	unsigned int read = 0;

	for (unsigned int i = 0; i < 30000; i++) {
		write_event(stream, i);
		if (i % 100 != 99)
			continue;
		while (read <= i)
			assert_next(tail, read++);
		assert_true(size_of(*state) <= STREAM_MAX);
	}
	assert_empty(tail);
	assert_true(size_of(*state) > 0);
}

static void test_lines_that_are_none_are_passed_over(void **state)
{
	_cleanup_(stream_freep) struct stream *stream = open_stream(*state);
	_cleanup_(tail_freep) struct tail *tail = open_tail(*state, TAIL_BEGIN);

	assert_int_equal(stream_write(stream, "{\"event\":\"no", NULL), 0);
	assert_int_equal(stream_write(stream, "te\",\"phase\":\"idle\"}\n", NULL), 0);
	assert_int_equal(stream_write(stream, "\n[]\n{\"event\":\"of another version\"}\n", NULL),
			 0);
	assert_int_equal(stream_write(stream, "{\"event\":\"note\",\"event\":\"note\"}\n", NULL),
			 0);
	write_event(stream, 7);
	assert_next_kind(tail, EVENT_NOTE); /* the one that came in two pieces */
	assert_next(tail, 7);
}

static void test_what_others_may_write_is_not_used(void **state)
{
	_cleanup_free_ char *parent = scratch_path(*state, "run");
	struct stream *stream = NULL;
	struct error err = {};

	scratch_mkdir(*state, "run");
	assert_int_equal(chmod(parent, 0777), 0);
	assert_true(stream_new(parent, "app", &stream, &err) < 0);
	assert_int_equal(err.fault, FAULT_CONFIG);
	assert_null(stream);
}

static void test_a_link_is_replaced_not_followed(void **state)
{
	_cleanup_free_ char *link = scratch_path(*state, "run/app/" STREAM_FILE);
	_cleanup_free_ char *victim = scratch_path(*state, "victim");
	_cleanup_free_ char *content = NULL;
	_cleanup_(stream_freep) struct stream *stream = NULL;

	scratch_mkdir(*state, "run/app");
	scratch_write(*state, "victim", "");
	assert_int_equal(symlink(victim, link), 0);
	stream = open_stream(*state);
	write_event(stream, 1);
	assert_true(size_of(*state) > 0);
	content = scratch_read(*state, "victim");
	assert_string_equal(content, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_written_is_read),
		scratch_test(test_begin_and_end),
		scratch_test(test_follower_before_the_first_worker),
		scratch_test(test_another_worker_goes_on),
		scratch_test(test_bounded),
		scratch_test(test_lines_that_are_none_are_passed_over),
		scratch_test(test_what_others_may_write_is_not_used),
		scratch_test(test_a_link_is_replaced_not_followed),
	};

	(void)umask(077); /* the stream's modes do not depend on it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
