#include "transfer/fetch-helper.h"

#include <poll.h>

#include "kit.h"
#include "transfer/fetch-process.h"
#include "transfer/fetch-settings.h"
#include "transfer/inbox.h"

/* A helper, spoken to frame by frame. */
static struct fetch_process helper;
static char answers[1 << 20];
static size_t n_answers, used;

static void begin(const struct fetch_settings *settings)
{
	n_answers = used = 0;
	assert_int_equal(fetch_process_start("/proc/self/exe", &helper, NULL), 0);
	if (settings)
		assert_int_equal(fetch_settings_send(settings, helper.orders), 0);
}

static void say(enum wire_type type, uint32_t id, const void *payload, size_t size,
		const char *more)
{
	assert_int_equal(wire_write(helper.orders, type, id, payload, size, more,
				    more ? strlen(more) : 0),
			 0);
}

static void say_get(uint32_t id, const char *url, uint64_t deadline)
{
	const struct wire_get get = { 0, 0, UINT64_MAX / 2, deadline };

	say(WIRE_GET, id, &get, sizeof(get), url);
}

/* The next frame; false: the helper has ended. Lent until the next call. */
static bool hear(struct wire_frame *ret_frame)
{
	struct pollfd pollfd = { .fd = helper.answers, .events = POLLIN };

	n_answers -= used;
	memmove(answers, answers + used, n_answers);
	used = 0;
	while (wire_take(answers, n_answers, WIRE_ANSWER_MAX, ret_frame, &used) != 0) {
		ssize_t n;

		assert_int_equal(poll(&pollfd, 1, 60000), 1);
		n = read(helper.answers, answers + n_answers, sizeof(answers) - n_answers);
		if (n <= 0)
			return false;
		n_answers += (size_t)n;
	}
	return true;
}

static void end(const char *wanted)
{
	char how[FETCH_PROCESS_TEXT_MAX];

	fetch_process_end(&helper, 5000, how);
	assert_string_equal(how, wanted);
}

static void check_ready(void)
{
	struct wire_frame frame;

	say(WIRE_START, 0, NULL, 0, NULL);
	assert_true(hear(&frame));
	assert_int_equal(frame.type, WIRE_READY);
}

static void check_end(uint32_t id, enum fetch_class class)
{
	struct wire_frame frame;
	struct wire_end result;

	do
		assert_true(hear(&frame));
	while (frame.type != WIRE_END);
	assert_int_equal(frame.id, id);
	memcpy(&result, frame.payload, sizeof(result));
	assert_int_equal(result.class, class);
}

static void it_says_that_it_is_ready_and_ends_with_its_orders(void **state)
{
	struct fetch_settings settings;

	fetch_settings_init(&settings);
	begin(&settings);
	check_ready();
	end("exited with 0");
}

static void settings_of_no_use_are_said(void **state)
{
	struct fetch_settings settings;
	struct wire_frame frame;

	fetch_settings_init(&settings);
	settings.ca_file = "/nonexistent/ca.pem";
	begin(&settings);
	say(WIRE_START, 0, NULL, 0, NULL);
	assert_true(hear(&frame));
	assert_int_equal(frame.type, WIRE_END);
	assert_int_equal(frame.id, 0);
	assert_non_null(memmem(frame.payload, frame.size, "/nonexistent/ca.pem", 19));
	end("exited with 1");
}

static void it_obeys_no_nonsense(void **state)
{
	static const char garbage[100] = "GET / HTTP/1.1\r\n\r\n";
	struct wire_frame frame;

	begin(NULL);
	assert_int_equal(write(helper.orders, garbage, sizeof(garbage)), sizeof(garbage));
	assert_false(hear(&frame));
	end("exited with 1");
	begin(NULL); /* work before it is confined */
	say_get(1, "http://127.0.0.1/", UINT64_MAX);
	assert_false(hear(&frame));
	end("exited with 1");
	begin(NULL); /* no user to become */
	say(WIRE_START, 0, NULL, 0, NULL);
	assert_true(hear(&frame));
	assert_int_equal(frame.type, WIRE_END);
	end("exited with 1");
}

static void a_deadline_ends_a_fetch(void **state)
{
	const struct kit_reply reply = { .head = "", .wait_msec = 60000 };
	uint64_t before = clock_monotonic_usec();
	struct fetch_settings settings;
	struct kit_server server;

	fetch_settings_init(&settings);
	kit_server_start(&server, &reply, 1);
	begin(&settings);
	check_ready();
	say_get(3, server.url, before + USEC_PER_SEC);
	check_end(3, FETCH_TIMEOUT);
	assert_true(clock_monotonic_usec() - before > USEC_PER_SEC);
	end("exited with 0");
	kit_server_stop(&server);
}

static void a_slow_server_is_given_up(void **state)
{
	const struct kit_reply reply = { .head = "HTTP/1.1 200 OK\r\n\r\nx", .wait_msec = 100 };
	struct fetch_settings settings;
	struct kit_server server;

	fetch_settings_init(&settings);
	settings.slow_usec = USEC_PER_SEC;
	kit_server_start(&server, &reply, 1);
	begin(&settings);
	check_ready();
	say_get(4, server.url, UINT64_MAX);
	check_end(4, FETCH_SLOW);
	end("exited with 0");
	kit_server_stop(&server);
}

static void what_is_cancelled_ends_once(void **state)
{
	const struct kit_reply reply = { .head = "", .wait_msec = 60000 };
	struct fetch_settings settings;
	struct kit_server server;
	uint64_t credit = 1;

	fetch_settings_init(&settings);
	kit_server_start(&server, &reply, 1);
	begin(&settings);
	check_ready();
	say_get(5, server.url, UINT64_MAX);
	say(WIRE_CANCEL, 5, NULL, 0, NULL);
	check_end(5, FETCH_CANCELLED);
	say(WIRE_CANCEL, 5, NULL, 0, NULL); /* as if they had crossed on the way */
	say(WIRE_CREDIT, 5, &credit, sizeof(credit), NULL);
	say_get(6, "http://", UINT64_MAX);
	check_end(6, FETCH_CONFIG);
	end("exited with 0");
	kit_server_stop(&server);
}

/* Without credit nothing more than a window comes, however long it waits; and that is not slow. */
static void no_more_than_a_window_comes_unasked(void **state)
{
	static char body[3 * INBOX_WINDOW];
	const struct kit_reply reply = { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", body,
					 sizeof(body), true };
	struct fetch_settings settings;
	struct kit_server server;
	struct pollfd pollfd;
	struct wire_frame frame;
	uint64_t credit = sizeof(body);
	size_t got = 0;

	fetch_settings_init(&settings);
	settings.slow_usec = USEC_PER_SEC;
	settings.slow_bytes = 1;
	kit_server_start(&server, &reply, 1);
	begin(&settings);
	check_ready();
	say_get(1, server.url, UINT64_MAX);
	assert_true(hear(&frame) && frame.type == WIRE_HEAD);
	while (got + 16384 <= INBOX_WINDOW) {
		assert_true(hear(&frame) && frame.type == WIRE_DATA);
		got += frame.size;
	}
	pollfd = (struct pollfd){ .fd = helper.answers, .events = POLLIN };
	assert_int_equal(poll(&pollfd, 1, 2500), 0);
	assert_true(got <= INBOX_WINDOW);
	say(WIRE_CREDIT, 1, &credit, sizeof(credit), NULL);
	check_end(1, FETCH_OK);
	end("exited with 0");
	kit_server_stop(&server);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_that_it_is_ready_and_ends_with_its_orders),
		cmocka_unit_test(settings_of_no_use_are_said),
		cmocka_unit_test(it_obeys_no_nonsense),
		cmocka_unit_test(a_deadline_ends_a_fetch),
		cmocka_unit_test(a_slow_server_is_given_up),
		cmocka_unit_test(what_is_cancelled_ends_once),
		cmocka_unit_test(no_more_than_a_window_comes_unasked),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "fetch-helper") == 0)
		return fetch_helper_main();
	if (argc > 1)
		return KIT_REFUSED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
