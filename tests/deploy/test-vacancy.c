/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=ports_look -Wl,--wrap=complaint_of_address */
/* A port that is not free yet is waited for, and not held against a release. */
#include "deploy/vacancy.h"

#include "deploy/reverting.h"
#include "deploy/switching.h"
#include "deploy/trial.h"
#include "systemd.h"

static struct session session;

static struct {
	enum ports_state state;
	uint64_t free_at; /* of the played clock */
	bool said; /* in the journal */
} net;

enum ports_state __wrap_ports_look(const struct ports *ports, pid_t pid, uint16_t *ret_port);
int __wrap_complaint_of_address(const struct probe_context *context, bool *ret_said,
				struct error *err);

enum ports_state __wrap_ports_look(const struct ports *ports, pid_t pid, uint16_t *ret_port)
{
	bool busy = ports->n > 0 && systemd.now < net.free_at;

	assert_int_equal(pid, 1);
	*ret_port = busy ? 8080 : 0;
	return busy ? net.state : PORTS_FREE;
}

int __wrap_complaint_of_address(const struct probe_context *context, bool *ret_said,
				struct error *err)
{
	assert_string_equal(context->invocation, systemd.invocation);
	*ret_said = net.said;
	return 0;
}

static void open_at(enum phase phase, enum ports_state port_is, uint64_t for_usec)
{
	struct state state = app_under_way(phase);

	app_open(&session, &state);
	session.vacancy.ports = (struct ports){ .list = { 8080 }, .n = 1 };
	net.state = port_is;
	net.free_at = systemd.now + for_usec;
	net.said = true;
	if (phase != PHASE_SWITCHING)
		systemd_run(phase == PHASE_REVERTING ? SLOT_A : SLOT_B);
}

static void step(int (*run)(struct session *, struct error *))
{
	struct error err = {};

	session.working = session.state.phase;
	if (run(&session, &err) < 0)
		fail_msg("%s", err.text);
}

static void the_job_failed_and_is_repeated(void **unused)
{
	(void)unused;
	systemd.slots[SLOT_B].start[0] = JOB_RESULT_FAILED;
	open_at(PHASE_SWITCHING, PORTS_CLOSING, 40 * USEC_PER_SEC);
	step(switching_run);
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
	assert_string_equal(systemd.jobs, "restart b, stop b, ");
	assert_true(systemd.now >= net.free_at);
	assert_int_equal(app_told(EVENT_NOTE, "port 8080 is not free yet"), 1);
	assert_int_equal(app_told(EVENT_NOTE, "port 8080 is free after "), 1);
	step(switching_run);
	assert_int_equal(app_load().phase, PHASE_TRIAL);
	session_close(&session);
}

static void it_died_on_trial_and_is_started_again(void **unused)
{
	char remark[80];

	(void)unused;
	open_at(PHASE_TRIAL, PORTS_CLOSING, 40 * USEC_PER_SEC);
	systemd_set("failed", "failed");
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_WATCHING);
	assert_string_equal(systemd.jobs, "stop b, start b, ");
	assert_non_null(strstr(vacancy_remark(&session, remark, sizeof(remark)),
			       "; port 8080 was waited for ("));
	session_close(&session);
}

/* systemd has started it anew, and in a moment it will die again. */
static void it_seems_to_run_for_a_moment(void **unused)
{
	(void)unused;
	open_at(PHASE_TRIAL, PORTS_CLOSING, 40 * USEC_PER_SEC);
	systemd.restarts = 1;
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_WATCHING);
	assert_string_equal(systemd.jobs, "stop b, start b, ");
	session_close(&session);
}

/* What holds the port is itself, and it fails for another reason. */
static void what_runs_is_not_excused(void **unused)
{
	(void)unused;
	systemd.slots[SLOT_B].sick = true;
	open_at(PHASE_TRIAL, PORTS_HELD, USEC_INFINITY / 2);
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_string_equal(systemd.jobs, "");
	session_close(&session);
}

static void what_says_nothing_of_it_is_condemned_at_once(void **unused)
{
	uint64_t began;

	(void)unused;
	open_at(PHASE_TRIAL, PORTS_CLOSING, 40 * USEC_PER_SEC);
	net.said = false;
	systemd_set("failed", "failed");
	began = systemd.now;
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_string_equal(systemd.jobs, "");
	assert_true(systemd.now - began < USEC_PER_SEC);
	session_close(&session);
}

static void a_free_port_is_no_excuse(void **unused)
{
	(void)unused;
	open_at(PHASE_TRIAL, PORTS_CLOSING, 0);
	systemd_set("failed", "failed");
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	session_close(&session);
}

static void what_holds_it_for_ever_is_not_waited_for_for_ever(void **unused)
{
	uint64_t began;

	(void)unused;
	open_at(PHASE_TRIAL, PORTS_HELD, USEC_INFINITY / 2);
	systemd_set("failed", "failed");
	began = systemd.now;
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_true(systemd.now - began <= switching_start_budget(&session) + 2 * USEC_PER_SEC);
	assert_string_equal(systemd.jobs, "stop b, ");
	session_close(&session);
}

static void the_old_release_waits_too(void **unused)
{
	(void)unused;
	systemd.slots[SLOT_A].start[0] = JOB_RESULT_FAILED;
	app_options.max_rollbacks = 1;
	open_at(PHASE_REVERTING, PORTS_CLOSING, 40 * USEC_PER_SEC);
	systemd_run(SLOT_B);
	step(reverting_run);
	assert_int_equal(app_load().transaction.outcome, OUTCOME_ROLLED_BACK);
	assert_string_equal(systemd.jobs, "restart a, stop a, restart a, ");
	session_close(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(the_job_failed_and_is_repeated),
		systemd_test(it_died_on_trial_and_is_started_again),
		systemd_test(it_seems_to_run_for_a_moment),
		systemd_test(what_runs_is_not_excused),
		systemd_test(what_says_nothing_of_it_is_condemned_at_once),
		systemd_test(a_free_port_is_no_excuse),
		systemd_test(what_holds_it_for_ever_is_not_waited_for_for_ever),
		systemd_test(the_old_release_waits_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
