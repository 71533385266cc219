#include "transfer/wire.h"

#include "kit.h"

/* A frame as it is written, read back from a pipe. */
static size_t written(enum wire_type type, uint32_t id, const void *payload, size_t size,
		      const void *more, size_t more_size, char *ret_bytes, size_t room)
{
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(wire_write(fds[1], type, id, payload, size, more, more_size), 0);
	n = read(fds[0], ret_bytes, room);
	(void)close(fds[0]);
	(void)close(fds[1]);
	assert_true(n > 0);
	return (size_t)n;
}

static void what_is_written_comes_back(void **state)
{
	struct wire_get get = { 10, 20, 30, 40 };
	struct wire_frame frame;
	char bytes[4096];
	size_t used;
	size_t n = written(WIRE_GET, 7, &get, sizeof(get), "http://x", 8, bytes, sizeof(bytes));

	assert_int_equal(wire_take(bytes, n, WIRE_ORDER_MAX, &frame, &used), 0);
	assert_int_equal(used, n);
	assert_int_equal(frame.type, WIRE_GET);
	assert_int_equal(frame.id, 7);
	assert_int_equal(frame.size, sizeof(get) + 8);
	assert_memory_equal(frame.payload, &get, sizeof(get));
	assert_memory_equal((const char *)frame.payload + sizeof(get), "http://x", 8);
}

/* Each beginning is in a block of its own size, so that reading on would be seen by a sanitizer. */
static void a_beginning_is_partial_and_nothing_more(void **state)
{
	struct wire_frame frame;
	char bytes[4096];
	size_t used;
	size_t n = written(WIRE_DATA, 1, "hello", 5, NULL, 0, bytes, sizeof(bytes));

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *part = malloc(i ? i : 1);

		memcpy(part, bytes, i);
		assert_int_equal(wire_take(part, i, WIRE_ANSWER_MAX, &frame, &used), WIRE_PARTIAL);
	}
}

static int take_header(uint32_t type, uint32_t size, size_t max)
{
	static char bytes[WIRE_ANSWER_MAX + 64];
	struct wire_header header = { type, 1, size };
	struct wire_frame frame;
	size_t used;

	memcpy(bytes, &header, sizeof(header));
	return wire_take(bytes, sizeof(bytes), max, &frame, &used);
}

static void sizes_and_types_that_cannot_be_are_refused(void **state)
{
	assert_true(take_header(0, 0, WIRE_ANSWER_MAX) < 0);
	assert_true(take_header(WIRE_END + 1, 0, WIRE_ANSWER_MAX) < 0);
	assert_true(take_header(UINT32_MAX, 0, WIRE_ANSWER_MAX) < 0);
	assert_true(take_header(WIRE_DATA, 0, WIRE_ANSWER_MAX) < 0);
	assert_true(take_header(WIRE_DATA, UINT32_MAX, WIRE_ANSWER_MAX) < 0);
	assert_true(take_header(WIRE_DATA, WIRE_ANSWER_MAX - 11, WIRE_ANSWER_MAX) < 0);
	assert_int_equal(take_header(WIRE_DATA, WIRE_ANSWER_MAX - 12, WIRE_ANSWER_MAX), 0);
	assert_true(take_header(WIRE_SET, WIRE_ORDER_MAX - 11, WIRE_ORDER_MAX) < 0);
	assert_true(take_header(WIRE_HEAD, 7, WIRE_ANSWER_MAX) < 0);
	assert_true(take_header(WIRE_HEAD, 9, WIRE_ANSWER_MAX) < 0);
	assert_true(take_header(WIRE_END, 15, WIRE_ANSWER_MAX) < 0);
	assert_true(take_header(WIRE_END, 16 + WIRE_TEXT_MAX + 1, WIRE_ANSWER_MAX) < 0);
	assert_int_equal(take_header(WIRE_END, 16 + WIRE_TEXT_MAX, WIRE_ANSWER_MAX), 0);
	assert_true(take_header(WIRE_READY, WIRE_TEXT_MAX + 1, WIRE_ANSWER_MAX) < 0);
}

/* Whatever comes: a frame lies within the bytes. */
static void random_bytes_do_no_harm(void **state)
{
	for (int i = 0; i < 100000; i++) {
		size_t size = kit_below(64);
		_cleanup_free_ uint8_t *bytes = malloc(size ? size : 1);
		struct wire_frame frame;
		size_t used;

		kit_fill(bytes, size);
		for (size_t at = 0; at < 12 && at < size; at++) /* mostly small numbers */
			bytes[at] = at % 4 == 0 ? bytes[at] % 12 : 0;
		if (wire_take(bytes, size, WIRE_ANSWER_MAX, &frame, &used) != 0)
			continue;
		assert_true(used <= size);
		assert_ptr_equal((const uint8_t *)frame.payload + frame.size, bytes + used);
	}
}

static void an_order_is_written_whole_or_not_at_all(void **state)
{
	static char value[WIRE_ORDER_MAX - 12];
	struct wire_frame frame;
	static char all[1 << 20];
	size_t size = 0, used, at = 0;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	while (wire_write(fds[1], WIRE_SET, 1, value, sizeof(value) - 5, NULL, 0) == 0)
		size++;
	assert_int_equal(errno, EAGAIN);
	used = (size_t)read(fds[0], all, sizeof(all));
	for (size_t n = used; at < n; at += used, size--)
		assert_int_equal(wire_take(all + at, n - at, WIRE_ORDER_MAX, &frame, &used), 0);
	assert_int_equal(size, 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_comes_back),
		cmocka_unit_test(a_beginning_is_partial_and_nothing_more),
		cmocka_unit_test(sizes_and_types_that_cannot_be_are_refused),
		cmocka_unit_test(random_bytes_do_no_harm),
		cmocka_unit_test(an_order_is_written_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
