/* LDFLAGS: -Wl,--wrap=source_refresh */
/* When an idle worker looks at the source, and what it makes of what is there. */
#include "deploy/tick.h"

#include "app.h"
#include "deploy/source.h"

static struct session session;
static struct {
	unsigned int looks;
	char id[STATE_ID_MAX];
	enum fault fault;
	bool news;
} source;

int __wrap_source_refresh(struct session *on, const char *request_id, const char *version,
			  struct source_release *ret_release, struct error *err);

/* The real one fills session->checked the same way. */
int __wrap_source_refresh(struct session *on, const char *request_id, const char *version,
			  struct source_release *ret_release, struct error *err)
{
	source.looks++;
	(void)text_copy(request_id, source.id, sizeof(source.id));
	on->checked = (struct checked){ .fault = source.fault, .news = source.news };
	on->checked.offer.digest = app_digest("3.0");
	return source.fault == FAULT_NONE ? 0 : error_set(err, source.fault, "no answer");
}

static int setup(void **state)
{
	int r = app_setup(state);

	app_options.source.url = "https://example.org/repo";
	app_options.source.auto_install = true;
	memset(&source, 0, sizeof(source));
	source.news = true;
	return r;
}

#define tick_test(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

static void open_idle(void)
{
	struct state state = app_under_way(PHASE_IDLE);

	app_open(&session, &state);
}

static void tick(void)
{
	struct error err = {};

	if (tick_run(&session, &err) < 0)
		fail_msg("%s", err.text);
}

static void looked_at(uint64_t when)
{
	const struct checked checked = { .when = when };

	assert_int_equal(checked_store(check_fd, &checked, NULL), 0);
}

static void it_looks_when_it_is_due(void **unused)
{
	uint64_t now = clock_realtime_usec();
	const struct {
		uint64_t when;
		bool due;
	} rows[] = {
		{ 0, true }, /* never */
		{ now - TICK_PAUSE_USEC - USEC_PER_SEC, true },
		{ now - TICK_PAUSE_USEC + 60 * USEC_PER_SEC, false },
		{ now, false },
		{ now + 3600 * USEC_PER_SEC, true }, /* the clock was wrong */
	};

	source.news = false;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		source.looks = 0;
		looked_at(rows[i].when);
		open_idle();
		tick();
		tick(); /* one worker looks once */
		session_close(&session);
		if (source.looks != rows[i].due)
			fail_msg("row %zu: %u looks", i, source.looks);
		assert_int_equal(app_load().phase, PHASE_IDLE);
	}
}

static void a_damaged_record_is_due(void **unused)
{
	check_write(check_fd, LAYOUT_CHECKED, "?", 1);
	source.news = false;
	open_idle();
	tick();
	session_close(&session);
	assert_int_equal(source.looks, 1);
}

static void no_source_and_a_served_worker_do_not_look(void **unused)
{
	open_idle();
	session.served = true;
	tick();
	session.served = false;
	app_options.source.url = NULL;
	tick();
	session_close(&session);
	assert_int_equal(source.looks, 0);
}

static void news_are_installed_by_the_timer(void **unused)
{
	struct state after;

	open_idle();
	tick();
	session_close(&session);
	after = app_load();
	assert_int_equal(after.phase, PHASE_STAGING);
	assert_int_equal(after.transaction.verb, VERB_UPDATE);
	assert_true(after.transaction.unattended);
	assert_string_equal(after.transaction.who, "timer");
	assert_int_equal(strlen(after.transaction.id), STATE_ID_MAX - 1);
	assert_int_equal(after.transaction.target, SLOT_B);
	assert_string_equal(after.answered, ""); /* nobody asked */
}

/* A check that was asked for is due at any time, and only looks. */
static void a_check_only_looks(void **unused)
{
	looked_at(clock_realtime_usec());
	open_idle();
	session.served = true;
	(void)text_copy("id-9", session.check_id, sizeof(session.check_id));
	tick();
	assert_string_equal(session.check_id, "");
	session_close(&session);
	assert_int_equal(source.looks, 1);
	assert_string_equal(source.id, "id-9");
	assert_int_equal(app_load().phase, PHASE_IDLE);
}

/* Whoever asked waits for the record: a worker that could not write it ends with an error, and the next one looks. */
static void a_check_that_left_no_record_is_an_error(void **unused)
{
	struct error err = {};

	looked_at(clock_realtime_usec());
	open_idle();
	source.fault = FAULT_NO_SPACE;
	(void)text_copy("id-9", session.check_id, sizeof(session.check_id));
	check_error(tick_run(&session, &err), &err, FAULT_NO_SPACE, "no answer");
	session_close(&session);
}

static void is_left_alone(void)
{
	tick();
	session_close(&session);
	assert_int_equal(source.looks, 1);
	assert_int_equal(app_load().phase, PHASE_IDLE);
}

static void what_is_not_installed_no_news(void **unused)
{
	source.news = false;
	open_idle();
	is_left_alone();
}

static void what_is_not_installed_without_auto(void **unused)
{
	app_options.source.auto_install = false;
	open_idle();
	is_left_alone();
}

static void what_is_not_installed_held(void **unused)
{
	open_idle();
	session.state.hold.held = true;
	is_left_alone();
}

static void a_hold_that_is_over_holds_nothing(void **unused)
{
	open_idle();
	session.state.hold.held = true;
	session.state.hold.until = 1;
	tick();
	session_close(&session);
	assert_int_equal(app_load().phase, PHASE_STAGING);
}

static void what_is_not_installed_bad(void **unused)
{
	struct state_release bad = { .version = "3.0" };

	bad.digest = app_digest("3.0");
	open_idle();
	state_remember_bad(&session.state, &bad);
	is_left_alone();
}

/* A source that fails is no failure of the worker. */
static void a_source_that_fails_is_passed_over(void **unused)
{
	source.fault = FAULT_NETWORK;
	open_idle();
	is_left_alone();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		tick_test(it_looks_when_it_is_due),
		tick_test(a_damaged_record_is_due),
		tick_test(no_source_and_a_served_worker_do_not_look),
		tick_test(news_are_installed_by_the_timer),
		tick_test(a_check_only_looks),
		tick_test(a_check_that_left_no_record_is_an_error),
		tick_test(what_is_not_installed_no_news),
		tick_test(what_is_not_installed_without_auto),
		tick_test(what_is_not_installed_held),
		tick_test(a_hold_that_is_over_holds_nothing),
		tick_test(what_is_not_installed_bad),
		tick_test(a_source_that_fails_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
