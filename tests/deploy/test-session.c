/* One worker at work: its paths, its lock, its state, its way through the machine. */
#include "app.h"

static struct session session;

static int open_session(struct error *err)
{
	return session_open(&session, &app_options, &app_listener, -1, err);
}

static void paths_are_absolute(void **unused)
{
	char path[128];

	assert_int_equal(open_session(NULL), 0);
	(void)snprintf(path, sizeof(path), "%s/slots/a", check_path);
	assert_string_equal(session_slot_path(&session, SLOT_A), path);
	(void)snprintf(path, sizeof(path), "%s/slots/b", check_path);
	assert_string_equal(session_slot_path(&session, SLOT_B), path);
	(void)snprintf(path, sizeof(path), "%s/current", check_path);
	assert_string_equal(session.current_path, path);
	session_close(&session);
}

static void a_root_that_is_too_long_is_refused(void **unused)
{
	static char root[SESSION_PATH_MAX];
	struct error err = {};

	memset(root, 'x', sizeof(root) - 5);
	app_options.root = root;
	check_error(open_session(&err), &err, FAULT_CONFIG, "too long");
	session_close(&session);
}

static void one_worker_at_a_time(void **unused)
{
	struct session other;

	assert_int_equal(open_session(NULL), 0);
	assert_int_equal(session_open(&other, &app_options, &app_listener, -1, NULL),
			 SESSION_LOCKED);
	session_close(&other);
	session_close(&session);
	assert_int_equal(open_session(NULL), 0);
	session_close(&session);
}

static void damage(off_t at)
{
	_cleanup_close_ int fd = openat(check_fd, LAYOUT_STATE, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "?", 1, at), 1);
}

static void damage_is_told(void **unused)
{
	struct state state = { .phase = PHASE_STAGING };

	app_store(&state);
	state.phase = PHASE_STAGED;
	app_store(&state);
	damage(200); /* the newer one */
	assert_int_equal(open_session(NULL), 0);
	assert_int_equal(session.state.phase, PHASE_STAGING);
	assert_false(session.state_lost);
	assert_int_equal(app_told(EVENT_WARNING, "the one before it was taken"), 1);
	session_close(&session);

	damage(8192 + 200);
	assert_int_equal(open_session(NULL), 0);
	assert_int_equal(session.state.phase, PHASE_IDLE);
	assert_true(session.state_lost);
	assert_int_equal(app_n_heard, 2);
	assert_int_equal(app_heard[1].fault, FAULT_CORRUPT);
	session_close(&session);
}

/* Nobody ran init. */
static void an_empty_directory_is_an_error(void **unused)
{
	struct error err = {};

	assert_int_equal(unlinkat(check_fd, LAYOUT_LOCK, 0), 0);
	assert_int_equal(renameat(check_fd, "slots", check_fd, "other"), 0);
	check_error(open_session(&err), &err, FAULT_CONFIG, "flipslot init");
	session_close(&session);
}

/* Without a release that is all that there was; with one the state was lost. */
static void files_that_are_gone_are_made_anew(void **unused)
{
	static const char *const names[] = { LAYOUT_STATE, LAYOUT_REQUEST, LAYOUT_HISTORY,
					     LAYOUT_OUTBOX, LAYOUT_LOCK };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(unlinkat(check_fd, names[i], 0), 0);
	assert_int_equal(open_session(NULL), 0);
	assert_false(session.state_lost);
	session_close(&session);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(fstatat(check_fd, names[i], &st, 0), 0);
	app_point(SLOT_A);
	check_write(check_fd, LAYOUT_STATE, "cut", 3);
	assert_int_equal(open_session(NULL), 0);
	assert_true(session.state_lost);
	session_close(&session);
}

static void advancing_writes_phase_and_times(void **unused)
{
	struct state state = app_under_way(PHASE_TRIAL);
	uint64_t now = clock_realtime_usec();
	struct event told = {};
	struct state after;

	state.transaction.phase_began = now - USEC_PER_SEC;
	state.transaction.attempts = 4;
	(void)text_copy("another", state.transaction.boot_id, sizeof(state.transaction.boot_id));
	app_open(&session, &state);
	assert_int_equal(session_advance(&session, MACHINE_PASSED, &told, NULL), 0);
	after = app_load(); /* on disk when it returns */
	assert_int_equal(after.phase, PHASE_WATCHING);
	assert_true(after.transaction.phase_began >= now);
	assert_true(after.transaction.phase_began_monotonic <= clock_monotonic_usec());
	assert_true(after.transaction.phase_began_monotonic >=
		    state.transaction.phase_began_monotonic);
	assert_int_equal(after.transaction.attempts, 0);
	assert_string_equal(after.transaction.boot_id, session.boot_id);
	assert_int_equal(app_n_heard, 0); /* the caller tells */
	assert_int_equal(told.kind, EVENT_PHASE);
	assert_int_equal(told.from, PHASE_TRIAL);
	assert_true(told.duration_usec >= USEC_PER_SEC);
	session_close(&session);
}

static void a_verdict_is_kept_with_its_reason(void **unused)
{
	struct state state = app_under_way(PHASE_TRIAL);

	app_open(&session, &state);
	assert_int_equal(session_condemn(&session, FAULT_UNHEALTHY, "it was sick", NULL), 0);
	session_close(&session);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_int_equal(app_load().transaction.fault, FAULT_UNHEALTHY);
	assert_string_equal(app_load().transaction.reason, "it was sick");
	assert_int_equal(app_n_heard, 1);
	assert_int_equal(app_heard[0].to, PHASE_REVERTING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		app_test(paths_are_absolute),
		app_test(a_root_that_is_too_long_is_refused),
		app_test(one_worker_at_a_time),
		app_test(damage_is_told),
		app_test(an_empty_directory_is_an_error),
		app_test(files_that_are_gone_are_made_anew),
		app_test(advancing_writes_phase_and_times),
		app_test(a_verdict_is_kept_with_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
