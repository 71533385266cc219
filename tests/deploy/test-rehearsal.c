/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=probe_begin,--wrap=probe_finish,--wrap=probe_fd,--wrap=probe_run_free */
/* What a release checks of itself, before anything is touched. */
#include "deploy/rehearsal.h"

#include "deploy/switching.h"
#include "systemd.h"

static struct session session;
static char program[] = "bin/check";
static char *command[] = { program, NULL };
static struct probe_options check; /* Check= */
static const char *fails; /* the program that does not pass */
static char begun[64]; /* the programs, in their order */
static char last[32];
static unsigned int pending;
static unsigned int unasked; /* times that nobody can ask */
static char slot[128];

int __wrap_probe_begin(const struct probe_options *options, const struct probe_context *context,
		       struct probe_run **ret_run, struct error *err);
int __wrap_probe_fd(const struct probe_run *run);
int __wrap_probe_finish(struct probe_run *run, struct probe_answer *ret_answer, struct error *err);
void __wrap_probe_run_free(struct probe_run *run);

int __wrap_probe_begin(const struct probe_options *options, const struct probe_context *context,
		       struct probe_run **ret_run, struct error *err)
{
	if (unasked > 0) {
		unasked--;
		(void)error_set(err, FAULT_UNIT, "nobody");
		return PROBE_UNASKED;
	}
	assert_int_equal(options->kind, PROBE_EXEC);
	assert_int_equal(options->timeout_usec, 7 * USEC_PER_SEC);
	(void)text_copy(context->slot_path, slot, sizeof(slot));
	(void)text_copy(options->command[0], last, sizeof(last));
	(void)snprintf(begun + strlen(begun), sizeof(begun) - strlen(begun), "%s ",
		       options->command[0]);
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
	*ret_answer = (struct probe_answer){ .passed = !fails || strcmp(last, fails) != 0,
					     .text = "exited with status 3" };
	return 0;
}

void __wrap_probe_run_free(struct probe_run *run)
{
}

static void set_check(bool given)
{
	probe_options_init(&check);
	check.kind = PROBE_EXEC;
	check.timeout_usec = 7 * USEC_PER_SEC;
	check.command = given ? command : NULL;
	app_options.check = &check;
	begun[0] = '\0';
	pending = 0;
	unasked = 0;
}

static struct state staged(bool own)
{
	struct state state = app_under_way(PHASE_STAGED);
	struct descriptor descriptor = { .app = "gw", .version = "2.0", .origin = ORIGIN_SIGNED };

	if (own)
		assert_int_equal(command_parse("bin/own --quick", &descriptor.check, NULL), 0);
	state.transaction.release = app_seal_as(SLOT_B, descriptor);
	return state;
}

static void prepare(struct state state, const char *failing, enum verb verb)
{
	fails = failing;
	state.transaction.verb = verb;
	app_open(&session, &state);
	session.working = PHASE_STAGED;
	assert_int_equal(switching_prepare(&session, NULL), 0);
	session_close(&session);
}

static void check_refused(const char *reason)
{
	struct state state = app_load();

	assert_int_equal(state.phase, PHASE_IDLE);
	assert_int_equal(state.transaction.outcome, OUTCOME_REFUSED);
	assert_non_null(strstr(state.transaction.reason, reason));
	assert_true(state_is_bad(&state, &state.transaction.release.digest));
	assert_string_equal(systemd.jobs, "");
}

static void one_that_passes_goes(void **unused)
{
	set_check(true);
	prepare(staged(false), NULL, VERB_INSTALL);
	assert_string_equal(begun, "bin/check ");
	assert_non_null(strstr(slot, "/slots/b"));
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
}

static void one_that_could_not_be_asked_is_asked_again(void **unused)
{
	set_check(true);
	unasked = 1;
	prepare(staged(false), NULL, VERB_INSTALL);
	assert_int_equal(unasked, 0);
	assert_string_equal(begun, "bin/check ");
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
}

/* That takes ten seconds, and says nothing about the release. */
static void nobody_who_could_ask_is_refused_and_not_remembered(void **unused)
{
	struct state state;

	set_check(true);
	unasked = 1000;
	prepare(staged(false), NULL, VERB_INSTALL);
	state = app_load();
	assert_string_equal(begun, "");
	assert_int_equal(state.transaction.outcome, OUTCOME_REFUSED);
	assert_non_null(strstr(state.transaction.reason, "(Check=) cannot be asked: nobody"));
	assert_false(state_is_bad(&state, &state.transaction.release.digest));
	assert_string_equal(systemd.jobs, "");
}

static void none_is_asked_where_there_is_none(void **unused)
{
	set_check(false);
	prepare(staged(false), NULL, VERB_INSTALL);
	assert_string_equal(begun, "");
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
}

static void one_that_fails_is_refused_and_remembered(void **unused)
{
	set_check(true);
	prepare(staged(true), program, VERB_INSTALL);
	assert_string_equal(begun, "bin/check ");
	check_refused("2.0 (Check=) failed: exited with status 3");
}

static void its_own_is_asked_for_too(void **unused)
{
	set_check(true);
	prepare(staged(true), NULL, VERB_UPDATE);
	assert_string_equal(begun, "bin/check bin/own ");
	assert_non_null(strstr(slot, "/slots/b"));
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
}

static void its_own_that_fails_is_refused(void **unused)
{
	set_check(false);
	prepare(staged(true), "bin/own", VERB_UPDATE);
	assert_string_equal(begun, "bin/own ");
	check_refused("2.0 (its own) failed: exited with status 3");
}

static void a_way_back_asks_nothing(void **unused)
{
	set_check(true);
	prepare(staged(true), program, VERB_ROLLBACK);
	assert_string_equal(begun, "");
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
}

static void a_stop_is_heard_meanwhile(void **unused)
{
	struct state state = app_under_way(PHASE_STAGED);
	struct unit unit = {};

	set_check(true);
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
		systemd_test(one_that_could_not_be_asked_is_asked_again),
		systemd_test(nobody_who_could_ask_is_refused_and_not_remembered),
		systemd_test(one_that_fails_is_refused_and_remembered),
		systemd_test(none_is_asked_where_there_is_none),
		systemd_test(its_own_is_asked_for_too),
		systemd_test(its_own_that_fails_is_refused),
		systemd_test(a_way_back_asks_nothing),
		systemd_test(a_stop_is_heard_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
