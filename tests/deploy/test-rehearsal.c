/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=probe_begin,--wrap=probe_finish,--wrap=probe_fd,--wrap=probe_run_free */
/* The release's own check, before anything is touched. */
#include "deploy/rehearsal.h"

#include "deploy/switching.h"
#include "systemd.h"

static struct session session;
static struct probe_options check;
static bool passes;
static unsigned int begun, pending;
static char slot[128];

int __wrap_probe_begin(const struct probe_options *options, const struct probe_context *context,
		       struct probe_run **ret_run, struct error *err);
int __wrap_probe_fd(const struct probe_run *run);
int __wrap_probe_finish(struct probe_run *run, struct probe_answer *ret_answer, struct error *err);
void __wrap_probe_run_free(struct probe_run *run);

int __wrap_probe_begin(const struct probe_options *options, const struct probe_context *context,
		       struct probe_run **ret_run, struct error *err)
{
	assert_ptr_equal(options, &check);
	(void)text_copy(context->slot_path, slot, sizeof(slot));
	begun++;
	*ret_run = (struct probe_run *)&begun;
	return 0;
}

int __wrap_probe_fd(const struct probe_run *run)
{
	return -1;
}

int __wrap_probe_finish(struct probe_run *run, struct probe_answer *ret_answer, struct error *err)
{
	if (pending > 0) {
		pending--;
		return PROBE_PENDING;
	}
	*ret_answer = (struct probe_answer){ .passed = passes, .text = "exited with status 3" };
	return 0;
}

void __wrap_probe_run_free(struct probe_run *run)
{
}

static void prepare(bool pass, enum verb verb)
{
	struct state state = app_under_way(PHASE_STAGED);

	check = (struct probe_options){ .name = (char *)"check", .kind = PROBE_EXEC };
	app_options.check = &check;
	begun = 0;
	pending = 0;
	passes = pass;
	state.transaction.verb = verb;
	app_open(&session, &state);
	session.working = PHASE_STAGED;
	assert_int_equal(switching_prepare(&session, NULL), 0);
	session_close(&session);
}

static void one_that_passes_goes(void **unused)
{
	prepare(true, VERB_INSTALL);
	assert_int_equal(begun, 1);
	assert_non_null(strstr(slot, "/slots/b"));
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
}

static void one_that_fails_is_refused_and_remembered(void **unused)
{
	struct state state;

	prepare(false, VERB_INSTALL);
	state = app_load();
	assert_int_equal(state.phase, PHASE_IDLE);
	assert_int_equal(state.transaction.outcome, OUTCOME_REFUSED);
	assert_non_null(strstr(state.transaction.reason, "Check=) failed: exited with status 3"));
	assert_true(state_is_bad(&state, &state.transaction.release.digest));
	assert_string_equal(systemd.jobs, "");
}

static void a_way_back_asks_nothing(void **unused)
{
	prepare(false, VERB_ROLLBACK);
	assert_int_equal(begun, 0);
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
}

static void a_stop_is_heard_meanwhile(void **unused)
{
	struct state state = app_under_way(PHASE_STAGED);
	struct unit unit = {};

	app_options.check = &check;
	app_open(&session, &state);
	session.working = PHASE_STAGED;
	session.stop = true;
	pending = 5;
	assert_int_equal(rehearsal_run(&session, &unit, NULL), REHEARSAL_NO_GO);
	session_close(&session);
	assert_int_equal(pending, 4);
	assert_int_equal(app_load().phase, PHASE_STAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(one_that_passes_goes),
		systemd_test(one_that_fails_is_refused_and_remembered),
		systemd_test(a_way_back_asks_nothing),
		systemd_test(a_stop_is_heard_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
