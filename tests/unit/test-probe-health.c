/* What a service says of itself, and nobody else for it. */
#include "fixture.h"

#include "running.h"
#include "unit/probe-health.h"

static struct probe_answer ask_until(const struct probe_context *context, const char *word)
{
	struct probe_options options = running_options(PROBE_HEALTH);
	struct probe_answer answer = {};

	for (int i = 0; i < 1500; i++) {
		answer = running_ask(&options, context);
		if (strstr(answer.text, word))
			break;
		fixture_sleep_ms(20);
	}
	check_says(answer.text, word);
	return answer;
}

static void start(struct manager *manager, const char *health, const char *why, struct unit *unit)
{
	char text[512];
	char self[256] = "";

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	(void)snprintf(text, sizeof(text),
		       "[Service]\nExecStart=/bin/sh -c '%s say %s %s; sleep 1000'\n", self, health,
		       why);
	running_start(manager, "health-a.service", text, unit);
}

static void what_the_service_says_counts(void **state UNUSED)
{
	static const struct {
		const char *health, *why, *answer;
		bool passed;
	} rows[] = {
		{ "okay", "fine", "okay, says the service: fine", true },
		{ "waiting", "plugins", "waiting, says the service: plugins", false },
		{ "error", "database", "error, says the service: database", false },
		{ "splendid", "x", "has not said yet", false },
	};
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_unit_ struct unit unit = {};
		struct probe_context context;

		start(manager, rows[i].health, rows[i].why, &unit);
		context = running_context(manager, &unit);
		assert_int_equal(ask_until(&context, rows[i].answer).passed, rows[i].passed);
		fixture_systemctl("stop health-a.service");
	}
}

/* From elsewhere, whatever its fields say. */
static void nobody_speaks_for_it(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct probe_context context;
	char command[512];

	running_start(manager, "health-b.service", "[Service]\nExecStart=/bin/sleep 1000\n", &unit);
	context = running_context(manager, &unit);
	(void)snprintf(command, sizeof(command),
		       "printf 'MESSAGE=x\\nFLIPSLOT_HEALTH=okay\\n_SYSTEMD_INVOCATION_ID=%s\\n' | "
		       "logger --journald",
		       unit.invocation);
	assert_int_equal(fixture_shell(command), 0);
	fixture_sleep_ms(300);
	assert_false(ask_until(&context, "has not said yet").passed);
	fixture_systemctl("stop health-b.service");
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(what_the_service_says_counts),
		WITH_DIR(nobody_speaks_for_it),
	};

	if (argc == 2 && strcmp(argv[1], "probe-helper") == 0)
		_exit(probe_helper_main()); /* without LeakSanitizer, which the filter would stop */
	if (argc == 4 && strcmp(argv[1], "say") == 0)
		_exit(probe_health_say("gw", argv[2], argv[3], NULL) < 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
