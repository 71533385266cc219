#include "transfer/inbox.h"

#include "kit.h"

static const char *take(struct inbox *inbox, uint32_t type, const void *payload, size_t size)
{
	const struct wire_frame frame = { type, 1, payload, size };

	return inbox_take(inbox, &frame);
}

static const char *head(struct inbox *inbox, uint64_t length)
{
	const struct wire_head head = { length };

	return take(inbox, WIRE_HEAD, &head, sizeof(head));
}

static const char *data(struct inbox *inbox, size_t size)
{
	static char bytes[WIRE_ANSWER_MAX];

	return take(inbox, WIRE_DATA, bytes, size);
}

static const char *end(struct inbox *inbox, uint32_t class)
{
	const struct wire_end end = { class, 200, 0 };

	return take(inbox, WIRE_END, &end, sizeof(end));
}

static struct inbox *make(uint64_t range_length, uint64_t cap)
{
	struct inbox *inbox;

	assert_int_equal(inbox_new(range_length, cap, &inbox, NULL), 0);
	return inbox;
}

/* A body of any size in pieces of any size comes out as it went in, for a consumer of any speed. */
static void bytes_come_out_as_they_went_in(void **state)
{
	_cleanup_(inbox_freep) struct inbox *inbox = make(0, UINT64_MAX);
	uint64_t granted = INBOX_WINDOW, in = 0, out = 0, size = 5000000;
	uint8_t bytes[50000];

	assert_null(head(inbox, size));
	while (out < size) {
		size_t n = 1 + kit_below(sizeof(bytes));

		if (n > granted - in)
			n = granted - in;
		if (n > size - in)
			n = size - in;
		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)((in + i) * 7 + (in + i) / 251);
		if (n > 0)
			assert_null(take(inbox, WIRE_DATA, bytes, n));
		in += n;
		assert_true(inbox_is_waiting(inbox) == (in < granted));
		n = inbox_read(inbox, bytes, kit_below(sizeof(bytes)));
		for (size_t i = 0; i < n; i++)
			assert_int_equal(bytes[i], (uint8_t)((out + i) * 7 + (out + i) / 251));
		out += n;
		granted += inbox_credit(inbox);
	}
	assert_true(inbox_is_empty(inbox));
	assert_null(end(inbox, FETCH_OK));
	assert_int_equal(inbox_result(inbox)->bytes, size);
}

static void the_order_of_frames_is_kept(void **state)
{
	_cleanup_(inbox_freep) struct inbox *first = make(0, 100);
	_cleanup_(inbox_freep) struct inbox *second = make(0, 100);
	_cleanup_(inbox_freep) struct inbox *third = make(0, 100);

	kit_check_says(data(first, 1), "has not begun");
	kit_check_says(end(first, FETCH_OK), "has not begun");
	assert_null(head(second, 10));
	kit_check_says(head(second, 10), "begins twice");
	assert_null(end(third, FETCH_RESET));
	kit_check_says(head(third, 10), "after its end");
	kit_check_says(end(third, FETCH_OK), "after its end");
	kit_check_says(take(second, WIRE_READY, NULL, 0), "of a kind");
	kit_check_says(take(second, 77, NULL, 0), "of a kind");
}

static void a_body_has_at_most_the_cap(void **state)
{
	_cleanup_(inbox_freep) struct inbox *announced = make(0, 100);
	_cleanup_(inbox_freep) struct inbox *unknown = make(0, 100);
	_cleanup_(inbox_freep) struct inbox *short_one = make(0, 100);

	kit_check_says(head(announced, 101), "longer than it may be");
	assert_null(head(unknown, WIRE_UNKNOWN));
	assert_null(data(unknown, 99));
	assert_null(data(unknown, 1));
	kit_check_says(data(unknown, 1), "longer than it may be");
	assert_null(head(short_one, 5));
	kit_check_says(data(short_one, 6), "longer than it may be");
}

static void a_good_body_has_all_its_bytes(void **state)
{
	_cleanup_(inbox_freep) struct inbox *announced = make(0, 100);
	_cleanup_(inbox_freep) struct inbox *ranged = make(10, 100);

	assert_null(head(announced, 10));
	assert_null(data(announced, 9));
	kit_check_says(end(announced, FETCH_OK), "fewer bytes");
	assert_null(data(announced, 1));
	assert_null(end(announced, FETCH_OK));
	kit_check_says(head(ranged, 9), "another length");
	kit_check_says(head(ranged, WIRE_UNKNOWN), "another length");
	assert_null(head(ranged, 10));
}

static void no_more_than_its_credit_is_taken(void **state)
{
	_cleanup_(inbox_freep) struct inbox *inbox = make(0, UINT64_MAX);
	size_t sent = 0;

	assert_null(head(inbox, WIRE_UNKNOWN));
	for (; sent + 32768 <= INBOX_WINDOW; sent += 32768)
		assert_null(data(inbox, 32768));
	assert_false(inbox_is_waiting(inbox));
	assert_int_equal(inbox_credit(inbox), 0);
	kit_check_says(data(inbox, 1), "more bytes than it may send");
}

static void results_that_a_helper_cannot_have(void **state)
{
	_cleanup_(inbox_freep) struct inbox *inbox = make(0, 100);
	const struct wire_end odd = { FETCH_STATUS, 1000, 0 };

	kit_check_says(end(inbox, FETCH_HELPER), "cannot be");
	kit_check_says(end(inbox, FETCH_CANCELLED), "cannot be");
	kit_check_says(end(inbox, FETCH_CLASS_MAX), "cannot be");
	kit_check_says(end(inbox, UINT32_MAX), "cannot be");
	kit_check_says(take(inbox, WIRE_END, &odd, sizeof(odd)), "cannot be");
	assert_null(inbox_result(inbox));
}

static void what_a_helper_says_is_made_harmless(void **state)
{
	_cleanup_(inbox_freep) struct inbox *inbox = make(0, 100);
	struct {
		struct wire_end end;
		char text[WIRE_TEXT_MAX];
	} payload = { .end = { FETCH_STATUS, 503, UINT64_MAX } };

	memset(payload.text, '\x1b', sizeof(payload.text));
	assert_null(take(inbox, WIRE_END, &payload, sizeof(payload.end) + WIRE_TEXT_MAX));
	assert_int_equal(inbox_result(inbox)->retry_after_usec, 86400 * USEC_PER_SEC);
	assert_true(strlen(inbox_result(inbox)->text) < FETCH_TEXT_MAX);
	assert_null(strchr(inbox_result(inbox)->text, '\x1b'));
}

static void our_end_does_not_change_an_earlier_one(void **state)
{
	_cleanup_(inbox_freep) struct inbox *inbox = make(0, 100);
	_cleanup_(inbox_freep) struct inbox *open = make(0, 100);

	assert_null(end(inbox, FETCH_RESET));
	inbox_fail(inbox, FETCH_HELPER, "died");
	assert_int_equal(inbox_result(inbox)->class, FETCH_RESET);
	inbox_fail(open, FETCH_HELPER, "died");
	assert_int_equal(inbox_result(open)->class, FETCH_HELPER);
	assert_string_equal(inbox_result(open)->text, "died");
	kit_check_says(head(open, 1), "after its end");
}

/* Any frames at all: never more than the cap, never good without all bytes, and no sanitizer speaks. */
static void random_frames_never_pass_for_more(void **state)
{
	for (int i = 0; i < 3000; i++) {
		uint64_t cap = kit_below(100000);
		uint64_t range = kit_below(2) ? 1 + kit_below(cap + 1) : 0;
		_cleanup_(inbox_freep) struct inbox *inbox = make(range, cap);
		uint64_t bytes = 0;
		char buf[5000];

		for (int k = 0; k < 30; k++) {
			size_t what = kit_below(6);

			if (what == 0)
				(void)head(inbox,
					   kit_below(3) ? kit_below(cap + 10) : WIRE_UNKNOWN);
			else if (what == 1)
				(void)end(inbox, (uint32_t)kit_below(FETCH_CLASS_MAX + 2));
			else
				(void)data(inbox, 1 + kit_below(40000));
			bytes += inbox_read(inbox, buf, sizeof(buf));
			(void)inbox_credit(inbox);
		}
		while (!inbox_is_empty(inbox))
			bytes += inbox_read(inbox, buf, sizeof(buf));
		assert_true(bytes <= cap);
		if (!inbox_result(inbox) || inbox_result(inbox)->class != FETCH_OK)
			continue;
		assert_true(range == 0 || bytes == range);
		assert_true(inbox_length(inbox) == WIRE_UNKNOWN || bytes == inbox_length(inbox));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_as_they_went_in),
		cmocka_unit_test(the_order_of_frames_is_kept),
		cmocka_unit_test(a_body_has_at_most_the_cap),
		cmocka_unit_test(a_good_body_has_all_its_bytes),
		cmocka_unit_test(no_more_than_its_credit_is_taken),
		cmocka_unit_test(results_that_a_helper_cannot_have),
		cmocka_unit_test(what_a_helper_says_is_made_harmless),
		cmocka_unit_test(our_end_does_not_change_an_earlier_one),
		cmocka_unit_test(random_frames_never_pass_for_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
