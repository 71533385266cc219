/*
 * The worker and helpers that do what no honest one does. What holds for all of them: the fetch ends, in
 * good time, as FETCH_HELPER and with a reason; no more bytes than the cap came out; nobody is left over.
 */
#include "transfer/fetcher.h"

#include "kit-helper.h"
#include "transfer/fetch.h"

static struct fetch_settings settings;
static uint64_t received;

static struct fetcher *make(const char *name)
{
	struct fetcher *fetcher;

	fetch_settings_init(&settings);
	assert_int_equal(fetcher_new(kit_helper(name), &settings, &fetcher, NULL), 0);
	return fetcher;
}

static void free_and_check(struct fetcher *fetcher)
{
	fetcher_free(fetcher);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static struct fetch *begin(struct fetcher *fetcher, const char *url, uint64_t cap, uint64_t usec)
{
	const struct fetch_request request = {
		.url = url,
		.cap = cap,
		.deadline = usec == USEC_INFINITY ? usec : clock_monotonic_usec() + usec,
	};
	struct fetch *fetch;

	assert_int_equal(fetch_begin(fetcher, &request, &fetch, NULL), 0);
	return fetch;
}

static void read_to_end(struct fetcher *fetcher, struct fetch *fetch)
{
	uint64_t until = clock_monotonic_usec() + 100 * USEC_PER_SEC;
	char buf[5000];
	size_t n;
	int r;

	received = 0;
	while ((r = fetch_read(fetch, buf, sizeof(buf), &n)) != FETCH_END) {
		assert_true(clock_monotonic_usec() < until);
		if (r == FETCH_PENDING)
			fetcher_wait(fetcher, until);
		else
			received += n;
	}
}

/* One fetch of at most 100 bytes with that helper. */
static void check(const char *name, enum fetch_class class, const char *word)
{
	struct fetcher *fetcher = make(name);
	struct fetch *fetch = begin(fetcher, "http://127.0.0.1:1/", 100, 5 * USEC_PER_SEC);

	read_to_end(fetcher, fetch);
	if (fetch_result(fetch)->class != class)
		fail_msg("%s: %s", fetch_class_name(fetch_result(fetch)->class),
			 fetch_result(fetch)->text);
	kit_check_says(fetch_result(fetch)->text, word);
	assert_true(received <= 100);
	fetch_free(fetch);
	free_and_check(fetcher);
}

static void check_script(const char *word)
{
	kit_script_write();
	check("replay", FETCH_HELPER, word);
}

static void an_honest_one_works(void **state)
{
	const struct kit_reply reply = { .head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
					 "hello",
					 5 };
	struct fetcher *fetcher = make("honest");
	struct kit_server server;
	struct fetch *fetch;

	kit_server_start(&server, &reply, 1);
	fetch = begin(fetcher, server.url, 5, USEC_INFINITY);
	read_to_end(fetcher, fetch);
	assert_int_equal(fetch_result(fetch)->class, FETCH_OK);
	assert_int_equal(received, 5);
	kit_check_says(fetcher_confinement(fetcher), "seccomp");
	fetch_free(fetch);
	kit_server_stop(&server);
	free_and_check(fetcher);
}

static void one_that_dies(void **state)
{
	check("dead", FETCH_HELPER, "the fetch helper exited with 7");
	check("quitter", FETCH_HELPER, "the fetch helper exited with 7");
}

static void noise(void **state)
{
	check("noise", FETCH_HELPER, "the fetch helper ");
}

static void frames_that_break_the_rules(void **state)
{
	kit_script_data(1, 10);
	check_script("sent bytes of a body that has not begun");
	kit_script_head(1, 101);
	check_script("sent a body longer than it may be");
	kit_script_head(1, WIRE_UNKNOWN);
	kit_script_data(1, 101);
	check_script("sent a body longer than it may be");
	kit_script_head(1, 10);
	kit_script_end(1, FETCH_OK, "");
	check_script("sent fewer bytes than it announced");
	kit_script_head(2, 10);
	check_script("answered what was not asked");
	kit_script_head(0, 10);
	check_script("answered what was not asked");
	kit_script(WIRE_READY, 0, "x", 1, NULL, 0);
	check_script("was ready twice");
	kit_script(WIRE_GET, 1, kit_bytes, 100, NULL, 0);
	check_script("of a kind that there is not");
	kit_script(99, 1, NULL, 0, NULL, 0);
	check_script("malformed");
	kit_script_end(1, FETCH_HELPER, "");
	check_script("an end that cannot be");
	kit_script_head(1, 10);
	kit_size -= 3;
	kit_script(WIRE_DATA, UINT32_MAX, NULL, 0, "x", 1);
	check_script("");
}

static void an_answer_before_it_is_ready(void **state)
{
	kit_script_head(1, 10);
	kit_script_write();
	check("unready", FETCH_HELPER, "before it was ready");
}

static void what_it_says_is_printable(void **state)
{
	struct fetcher *fetcher;
	struct fetch *fetch;

	kit_script_end(1, FETCH_RESET, "\x1b[2Jgo\naway\xff");
	kit_script_write();
	fetcher = make("replay");
	fetch = begin(fetcher, "http://127.0.0.1:1/", 100, USEC_INFINITY);
	read_to_end(fetcher, fetch);
	assert_string_equal(fetch_result(fetch)->text, "\\x1b[2Jgo\\x0aaway\\xff");
	fetch_free(fetch);
	free_and_check(fetcher);
}

/* Its settings are of no use: final, and said with its words. */
static void a_refusal_is_final(void **state)
{
	struct fetcher *fetcher;
	const struct fetch_request request = { .url = "http://127.0.0.1:1/", .cap = 1 };
	struct fetch *fetch;
	struct error err;

	fetcher = make("honest");
	fetcher_free(fetcher);
	settings.ca_file = "/nonexistent/ca.pem";
	assert_int_equal(fetcher_new(kit_file("honest"), &settings, &fetcher, NULL), 0);
	fetch = begin(fetcher, "http://127.0.0.1:1/", 1, USEC_INFINITY);
	read_to_end(fetcher, fetch);
	assert_int_equal(fetch_result(fetch)->class, FETCH_CONFIG);
	kit_check_says(fetch_result(fetch)->text, "/nonexistent/ca.pem: No such file");
	fetch_free(fetch);
	kit_check_error(fetch_begin(fetcher, &request, &fetch, &err), &err, FAULT_CONFIG,
			"/nonexistent/ca.pem: No such file");
	free_and_check(fetcher);
}

/* Its deadline, a second for the helper to notice, and not much more. */
static void one_that_hangs_is_killed_at_the_deadline(void **state)
{
	static const char *const names[] = { "deaf", "mute" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct fetcher *fetcher = make(names[i]);
		uint64_t before = clock_monotonic_usec();
		struct fetch *fetch = begin(fetcher, "http://127.0.0.1:1/", 100, USEC_PER_SEC / 2);

		read_to_end(fetcher, fetch);
		assert_int_equal(fetch_result(fetch)->class, FETCH_TIMEOUT);
		assert_in_range(clock_monotonic_usec() - before, USEC_PER_SEC, 60 * USEC_PER_SEC);
		fetch_free(fetch);
		free_and_check(fetcher);
	}
}

/* Without a deadline its silence has an end all the same, and so has what is nearly silence. */
static void one_that_says_next_to_nothing_is_killed(void **state)
{
	static const char *const names[] = { "deaf", "trickle" };
	struct fetcher *fetchers[ARRAY_SIZE(names)];
	struct fetch *fetches[ARRAY_SIZE(names)];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		fetchers[i] = make(names[i]);
	settings.connect_usec = settings.slow_usec = 1000;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		fetches[i] = begin(fetchers[i], "http://127.0.0.1:1/", 1 << 20, USEC_INFINITY);
		assert_true(fetcher_deadline(fetchers[i]) <=
			    clock_monotonic_usec() + 11 * USEC_PER_SEC);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		read_to_end(fetchers[i], fetches[i]);
		assert_int_equal(fetch_result(fetches[i])->class, FETCH_HELPER);
		kit_check_says(fetch_result(fetches[i])->text, "hangs");
		fetch_free(fetches[i]);
	}
	fetcher_free(fetchers[0]);
	free_and_check(fetchers[1]);
}

/* What was cancelled must end soon, or the helper does: its slots come back. */
static void one_that_takes_no_orders_is_killed(void **state)
{
	const struct fetch_request request = { .url = "http://127.0.0.1:1/", .cap = 1 };
	struct fetcher *fetcher = make("deaf");
	uint64_t before = clock_monotonic_usec();
	struct fetch *fetch;
	int r;

	for (int i = 0; i < 2 * FETCHER_FETCHES_MAX; i++)
		fetch_free(begin(fetcher, "http://127.0.0.1:1/", 100, USEC_INFINITY));
	while ((r = fetch_begin(fetcher, &request, &fetch, NULL)) == FETCH_FULL) {
		assert_true(clock_monotonic_usec() - before < 60 * USEC_PER_SEC);
		fetcher_wait(fetcher, clock_monotonic_usec() + USEC_PER_SEC);
	}
	assert_int_equal(r, 0);
	fetch_free(fetch);
	free_and_check(fetcher);
}

/* The next fetch has a new helper, but not for ever. */
static void helpers_are_replaced_and_counted(void **state)
{
	struct fetch_request request = { .url = "http://127.0.0.1:1/", .cap = 1 };
	struct fetcher *fetcher = make("quitter");
	struct fetch *fetch;
	struct error err;

	request.deadline = USEC_INFINITY;
	for (int i = 0; i < FETCHER_STARTS_MAX; i++) {
		fetch = begin(fetcher, "http://127.0.0.1:1/", 1, USEC_INFINITY);
		read_to_end(fetcher, fetch);
		assert_int_equal(fetch_result(fetch)->class, FETCH_HELPER);
		fetch_free(fetch);
	}
	kit_check_error(fetch_begin(fetcher, &request, &fetch, &err), &err, FAULT_NETWORK,
			"ended unasked 5 times");
	free_and_check(fetcher);
}

/* The death of the helper ends all fetches, each with its reason. */
static void all_fetches_end_with_their_helper(void **state)
{
	struct fetcher *fetcher;
	struct fetch *fetches[FETCHER_FETCHES_MAX];
	const struct fetch_request request = { .url = "http://127.0.0.1:1/", .cap = 1 };
	struct fetch *more;

	kit_script_data(1, 10);
	kit_script_write();
	fetcher = make("replay");
	for (size_t i = 0; i < FETCHER_FETCHES_MAX; i++)
		fetches[i] = begin(fetcher, "http://127.0.0.1:1/", 100, USEC_INFINITY);
	assert_int_equal(fetch_begin(fetcher, &request, &more, NULL), FETCH_FULL);
	for (size_t i = 0; i < FETCHER_FETCHES_MAX; i++) {
		read_to_end(fetcher, fetches[i]);
		assert_int_equal(fetch_result(fetches[i])->class, FETCH_HELPER);
		kit_check_says(fetch_result(fetches[i])->text, "has not begun");
		fetch_free(fetches[i]);
	}
	free_and_check(fetcher);
}

/* What comes for a fetch that was freed is dropped; it does not make the helper a liar. */
static void answers_to_what_was_cancelled_are_dropped(void **state)
{
	struct fetcher *fetcher;
	struct fetch *fetch;

	kit_script_head(1, 50);
	kit_script_data(1, 10);
	kit_script_end(1, FETCH_CANCELLED, "");
	kit_script_end(2, FETCH_RESET, "the second");
	kit_script_write();
	fetcher = make("replay");
	fetch_free(begin(fetcher, "http://127.0.0.1:1/", 100, USEC_INFINITY));
	fetch = begin(fetcher, "http://127.0.0.1:1/", 100, USEC_INFINITY);
	read_to_end(fetcher, fetch);
	assert_string_equal(fetch_result(fetch)->text, "the second");
	fetch_free(fetch);
	free_and_check(fetcher);
}

static void add_random_frame(void)
{
	uint32_t id = (uint32_t)kit_below(8) == 0 ? 2 : 1;
	size_t size = kit_below(10) ? kit_below(3000) : kit_below(60000);

	switch (kit_below(8)) {
	case 0:
		kit_script_head(id, kit_below(2) ? kit_below(20000) : WIRE_UNKNOWN);
		break;
	case 1:
		kit_script_end(id, (uint32_t)kit_below(FETCH_CLASS_MAX + 1), "text");
		break;
	case 2:
		kit_script((enum wire_type)kit_below(12), id, kit_bytes, kit_below(40), NULL, 0);
		break;
	default:
		kit_script_data(id, size);
	}
}

/* Whatever comes: it ends, with at most the cap. */
static void random_frames(void **state)
{
	for (int i = 0; i < 150; i++) {
		struct fetcher *fetcher;
		struct fetch *fetch;

		if (kit_below(2))
			kit_script_head(1, kit_below(2) ? 10000 : WIRE_UNKNOWN);
		for (size_t n = kit_below(40); n > 0; n--)
			add_random_frame();
		kit_script_data(1, 1);
		kit_script_head(1, 1);
		kit_script_write();
		fetcher = make("replay");
		fetch = begin(fetcher, "http://127.0.0.1:1/", 10000, 10 * USEC_PER_SEC);
		read_to_end(fetcher, fetch);
		assert_true(received <= 10000);
		assert_non_null(fetch_result(fetch));
		fetch_free(fetch);
		free_and_check(fetcher);
	}
}

static void nobody_starts_what_cannot_be_run(void **state)
{
	struct fetcher *fetcher;
	struct error err;

	fetch_settings_init(&settings);
	kit_check_error(fetcher_new("/nonexistent/x", &settings, &fetcher, &err), &err,
			FAULT_INTERNAL, "starting the fetch-helper");
	settings.file_root = "relative";
	kit_check_error(fetcher_new("/proc/self/exe", &settings, &fetcher, &err), &err,
			FAULT_CONFIG, "relative");
}

/* Were it to run the tests under a name like these, it would start itself without end. */
static void what_is_no_helper_does_not_run_the_tests(void **state)
{
	static const char *const strange[][4] = {
		{ "/x/unheard-of", "fetch-helper" },
		{ "/x/", "fetch-helper" },
		{ "deaf", "fetch-helper" },
		{ "/x/deaf" },
		{ "/x/deaf", "fetch-helper", "more" },
		{ "/x/deaf", "--fetch-helper" },
		{ "/x/test-fetcher", "fetch-helper" },
		{ "/x/test-fetcher", "anything" },
		{ NULL },
	};
	static const char *const tests[] = { "build/tests/transfer/test-fetcher", NULL };
	int status = 0;

	for (size_t i = 0; i < ARRAY_SIZE(strange); i++) {
		int argc = 0;

		while (strange[i][argc])
			argc++;
		assert_true(kit_is_helper(argc, (char **)strange[i], &status));
		assert_int_equal(status, KIT_REFUSED);
		status = 0;
	}
	assert_false(kit_is_helper(1, (char **)tests, &status));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		kit_in_dir(an_honest_one_works),
		kit_in_dir(one_that_dies),
		kit_in_dir(noise),
		kit_in_dir(frames_that_break_the_rules),
		kit_in_dir(an_answer_before_it_is_ready),
		kit_in_dir(what_it_says_is_printable),
		kit_in_dir(a_refusal_is_final),
		kit_in_dir(one_that_hangs_is_killed_at_the_deadline),
		kit_in_dir(one_that_says_next_to_nothing_is_killed),
		kit_in_dir(one_that_takes_no_orders_is_killed),
		kit_in_dir(helpers_are_replaced_and_counted),
		kit_in_dir(all_fetches_end_with_their_helper),
		kit_in_dir(answers_to_what_was_cancelled_are_dropped),
		kit_in_dir(random_frames),
		kit_in_dir(nobody_starts_what_cannot_be_run),
		cmocka_unit_test(what_is_no_helper_does_not_run_the_tests),
	};
	int status;

	(void)signal(SIGPIPE, SIG_IGN);
	if (kit_is_helper(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
