/* One message to one receiver: what it gets, what is made of its answer, and that nothing of it lasts. */
#include "transfer/post.h"

#include "kit.h"
#include "transfer/post-helper.h"

#define BODY "{\"a\": \"b\\n=c\"}\nsecond line"

static struct kit_server server;

static void serve(const char *head)
{
	const struct kit_reply reply = { .head = head, .body = "", .close = true };

	kit_server_start(&server, &reply, 1);
}

static struct post_answer post(const struct post_order *order)
{
	struct post_answer answer = {};
	struct error err = {};

	if (post_run("/proc/self/exe", order, &answer, &err) < 0)
		fail_msg("%s", err.text);
	return answer;
}

static struct post_answer post_url_within(const char *url, uint64_t usec)
{
	return post(&(struct post_order){
		.user = "nobody", .url = url, .body = BODY, .timeout_usec = usec });
}

static struct post_answer post_url(const char *url)
{
	return post_url_within(url, 30 * USEC_PER_SEC);
}

static void check_answer(struct post_answer answer, bool delivered, const char *word)
{
	kit_check_says(answer.text, word);
	assert_int_equal(answer.delivered, delivered);
}

/* ---- webhooks ---- */

static void test_what_arrives(void **unused)
{
	static const char *const headers[] = { "Content-Type: text/x", "webhook-id: 7", NULL };
	struct post_answer answer;
	const char *request;
	char url[128];

	serve("HTTP/1.1 204 No Content\r\n\r\n");
	(void)snprintf(url, sizeof(url), "%s/a/secret?x=y", server.url);
	answer = post(&(struct post_order){ .user = "nobody",
					    .url = url,
					    .headers = headers,
					    .body = BODY,
					    .timeout_usec = 30 * USEC_PER_SEC });
	check_answer(answer, true, "HTTP 204 from 127.0.0.1:");
	assert_null(strstr(answer.text, "secret"));
	request = kit_server_log(&server);
	kit_check_says(request, "POST /a/secret?x=y HTTP/1.1\r\n");
	kit_check_says(request, "\r\nContent-Type: text/x\r\n");
	kit_check_says(request, "\r\nwebhook-id: 7\r\n");
	kit_check_says(request, "\r\nUser-Agent: flipslot/");
	kit_check_says(request, "\r\n\r\n" BODY);
	kit_server_stop(&server);
}

static void test_what_is_no_delivery(void **unused)
{
	static const struct {
		const char *head, *word;
	} rows[] = {
		{ "HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\nno mail\x1b\n\n", "HTTP 500 from" },
		{ "HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\nno mail\x1b\n\n",
		  ": no mail\\x1b" },
		{ "HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
		  "HTTP 302 from" },
		{ "HTTP/1.1 100 Continue\r\n\r\n", "127.0.0.1:" },
		{ "SSH-2.0-x\r\n\r\n", "127.0.0.1:" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		serve(rows[i].head);
		check_answer(post_url(server.url), false, rows[i].word);
		kit_server_stop(&server);
	}
	check_answer(post_url(server.url), false, "127.0.0.1:"); /* nobody listens any more */
	check_answer(post_url("file:///etc/hostname"), false, "");
	check_answer(post_url("http://"), false, "");
}

static void test_a_receiver_that_is_silent(void **unused)
{
	const struct kit_reply reply = {
		.head = "HTTP/1.1 200 OK\r\n\r\n", .body = "", .close = true, .wait_msec = 20000
	};
	uint64_t began = clock_monotonic_usec();

	kit_server_start(&server, &reply, 1);
	check_answer(post_url_within(server.url, USEC_PER_SEC), false, "127.0.0.1:");
	assert_in_range(clock_monotonic_usec() - began, USEC_PER_SEC, 15 * USEC_PER_SEC);
	kit_server_stop(&server);
}

/* ---- commands ---- */

static struct post_answer run_within(const char *script, uint64_t usec)
{
	const char *const words[] = { "/bin/sh", "-c", script, "two words", "", NULL };
	static const char *const variables[] = { "FLIPSLOT_A=1=\n2", NULL };

	return post(&(struct post_order){ .user = "nobody",
					  .command = words,
					  .variables = variables,
					  .body = BODY,
					  .timeout_usec = usec });
}

static struct post_answer run(const char *script)
{
	return run_within(script, 30 * USEC_PER_SEC);
}

static void test_command(void **unused)
{
	check_answer(run("exit 0"), true, "exit status 0");
	check_answer(run("echo why >&2; exit 3"), false, "exit status 3: why");
	check_answer(run("kill -9 $$"), false, "killed by signal 9");
	check_answer(run("[ $# = 1 ] && [ \"$0\" = 'two words' ]"), true, "exit status 0");
	check_answer(run("[ \"$(cat)\" = '" BODY "' ]"), true, "exit status 0");
	check_answer(run("[ \"$FLIPSLOT_A\" = \"$(printf '1=\\n2')\" ]"), true, "exit status 0");
	check_answer(run("[ \"$(env | cut -d= -f1 | grep -v -e '^2' | sort | tr '\\n' ' ')\" = "
			 "'FLIPSLOT_A PATH PWD ' ]"),
		     true, "exit status 0");
	check_answer(run("yes | head -c 1000000"), true, "exit status 0: y");
}

static void test_a_command_that_does_not_end(void **unused)
{
	uint64_t began = clock_monotonic_usec();
	_cleanup_free_ char *script = NULL;

	/* it and its child, which holds the output open */
	assert_true(asprintf(&script, "sleep 3%d & sleep 3%d", getpid(), getpid()) > 0);
	check_answer(run_within(script, USEC_PER_SEC), false, "no answer in time");
	assert_in_range(clock_monotonic_usec() - began, USEC_PER_SEC, 60 * USEC_PER_SEC);
	free(TAKE_PTR(script));
	assert_true(asprintf(&script, "! pgrep -f 'sleep [3]%d'", getpid()) > 0);
	check_answer(run(script), true, "exit status 0");
	check_answer(run("exec </dev/null; sleep 100 >/dev/null 2>&1 & exit 0"), true,
		     "exit status 0");
}

static void test_no_rights_are_left(void **unused)
{
	if (geteuid() != 0)
		skip();
	check_answer(run("id -un; id -Gn"), true, "exit status 0: nobody");
	check_answer(run("grep '^CapEff:.*[1-9a-f]' /proc/self/status"), false, "exit status 1");
	check_answer(run("grep -q 'NoNewPrivs:.1' /proc/self/status"), true, "exit status 0");
	check_answer(run("ls /proc/self/fd | wc -l"), true, ": 4"); /* 0 1 2 and the folder */
}

/* ---- orders ---- */

static void test_too_much(void **unused)
{
	static char big[POST_BODY_MAX + 1];
	static const char *many[POST_LINES_MAX + 2];
	struct post_order order = { .user = "nobody", .url = "http://x/", .timeout_usec = 1 };
	struct post_answer answer;
	struct error err = {};

	memset(big, 'x', sizeof(big) - 1);
	for (size_t i = 0; i <= POST_LINES_MAX; i++)
		many[i] = "A: b";
	order.body = big;
	kit_check_error(post_run("/proc/self/exe", &order, &answer, &err), &err, FAULT_CONFIG,
			"too much");
	order.body = "";
	order.headers = many;
	kit_check_error(post_run("/proc/self/exe", &order, &answer, &err), &err, FAULT_CONFIG,
			"header");
}

static void test_no_helper(void **unused)
{
	const struct post_order order = {
		.user = "nobody", .url = "http://x/", .body = "", .timeout_usec = USEC_PER_SEC
	};
	struct post_answer answer;
	struct error err = {};

	kit_check_error(post_run("/nonexistent", &order, &answer, &err), &err, FAULT_INTERNAL,
			"/nonexistent");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_arrives),
		cmocka_unit_test(test_what_is_no_delivery),
		cmocka_unit_test(test_a_receiver_that_is_silent),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_a_command_that_does_not_end),
		cmocka_unit_test(test_no_rights_are_left),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_no_helper),
	};

	if (argc == 2 && strcmp(argv[1], "post-helper") == 0)
		return post_helper_main();
	if (argc > 1)
		return KIT_REFUSED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
