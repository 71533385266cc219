/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=ports_look,--wrap=holder_ports,--wrap=complaint_of_address,--wrap=holder_find,--wrap=holder_signal,--wrap=proof_uses */
/* A port that is not free yet is waited for, and not held against a release. */
#include "deploy/vacancy.h"

#include <signal.h>

#include "deploy/reverting.h"
#include "deploy/switching.h"
#include "deploy/trial.h"
#include "deploy/worker.h"
#include "systemd.h"

static struct session session;

static struct {
	enum ports_state state;
	uint64_t free_at; /* of the played clock */
	bool said; /* in the journal */
	struct occupant holder; /* pid 0: nobody who can be seen */
	int signal; /* that frees the port; 0: none */
	char signals[64];
	enum slot held_from; /* whose code the holder runs */
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

int __wrap_holder_ports(const struct unit *unit, pid_t pid, struct ports *ret_ports,
			struct error *err);

int __wrap_holder_ports(const struct unit *unit, pid_t pid, struct ports *ret_ports,
			struct error *err)
{
	assert_int_equal(pid, 1);
	*ret_ports = (struct ports){ .list = { 8080 }, .n = 1 };
	return 0;
}

int __wrap_complaint_of_address(const struct probe_context *context, bool *ret_said,
				struct error *err)
{
	assert_string_equal(context->invocation, systemd.invocation);
	*ret_said = net.said;
	return 0;
}

int __wrap_holder_find(const struct unit *unit, uint16_t port, pid_t pid,
		       struct occupants *ret_holders, struct error *err);
int __wrap_holder_signal(const struct unit *unit, const struct occupant *holder, int signal);

int __wrap_holder_find(const struct unit *unit, uint16_t port, pid_t pid,
		       struct occupants *ret_holders, struct error *err)
{
	assert_int_equal(port, 8080);
	*ret_holders = (struct occupants){};
	if (net.holder.pid > 0 && systemd.now < net.free_at)
		occupant_add(ret_holders, &net.holder);
	return 0;
}

int __wrap_holder_signal(const struct unit *unit, const struct occupant *holder, int signal)
{
	size_t size = strlen(net.signals);

	assert_true(holder->own);
	if (size < sizeof(net.signals) - 4)
		(void)snprintf(net.signals + size, sizeof(net.signals) - size, "%d ", signal);
	if (signal == net.signal)
		net.free_at = systemd.now;
	return 0;
}

bool __wrap_proof_uses(pid_t pid, const char *path, bool closely);

bool __wrap_proof_uses(pid_t pid, const char *path, bool closely)
{
	return net.held_from != SLOT_NONE &&
	       strcmp(path + strlen(check_path) + 1, slot_dir_name(net.held_from)) == 0;
}

static void hold(bool ours, int signal)
{
	net.holder = (struct occupant){ .pid = 812, .comm = "nginx", .ours = ours, .own = ours };
	(void)snprintf(net.holder.service, sizeof(net.holder.service), "%s",
		       ours ? "gw.service" : "nginx.service");
	net.signal = signal;
}

static void open_at(enum phase phase, enum ports_state port_is, uint64_t for_usec)
{
	struct state state = app_under_way(phase);

	app_open(&session, &state);
	session.vacancy.ports = (struct ports){ .list = { 8080 }, .n = 1 };
	session.vacancy.was_up = true;
	net.holder.pid = 0;
	net.signals[0] = '\0';
	net.held_from = SLOT_NONE;
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

static void ready(void *data)
{
	(void)data;
}

/* The worker that noted the port was killed since. */
static void another_worker_knows_of_the_port(void **unused)
{
	_cleanup_unit_ struct unit unit = {};
	struct error err = {};

	(void)unused;
	open_at(PHASE_TRIAL, PORTS_CLOSING, 0);
	assert_int_equal(session_query(&session, &unit, NULL), 0);
	vacancy_note(&session, &unit);
	assert_int_equal(session_store(&session, NULL), 0);
	session_close(&session);
	net.free_at = systemd.now + 40 * USEC_PER_SEC;
	systemd_set("failed", "failed");
	if (worker_run(&app_options, &app_listener, ready, NULL, -1, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(app_load().transaction.outcome, OUTCOME_COMMITTED);
	assert_string_equal(systemd.jobs, "stop b, start b, ");
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

/* It said nothing of an address: that somebody else has the port is enough. */
static void who_took_the_port_is_named_and_waited_for(void **unused)
{
	(void)unused;
	open_at(PHASE_TRIAL, PORTS_HELD, 2 * USEC_PER_SEC);
	net.said = false;
	hold(false, 0);
	systemd_set("failed", "failed");
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_WATCHING);
	assert_string_equal(systemd.jobs, "stop b, start b, ");
	assert_int_equal(app_told(EVENT_NOTE, "port 8080 is held by 812 (nginx) of nginx.service"),
			 1);
	session_close(&session);
}

static void who_keeps_it_is_in_the_reason(void **unused)
{
	(void)unused;
	open_at(PHASE_TRIAL, PORTS_HELD, USEC_INFINITY / 2);
	net.said = false;
	hold(false, 0);
	systemd_set("failed", "failed");
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_non_null(strstr(app_load().transaction.reason,
			       "; port 8080 is held by 812 (nginx) of nginx.service"));
	assert_string_equal(net.signals, "");
	session_close(&session);
}

/* What the unit's own processes hold while it runs is no excuse, nor what a proxy held before a first start. */
static void no_excuse_without_a_word(void **unused)
{
	(void)unused;
	open_at(PHASE_TRIAL, PORTS_HELD, USEC_INFINITY / 2);
	session.vacancy.was_up = false;
	net.said = false;
	hold(false, 0);
	systemd_set("failed", "failed");
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_string_equal(systemd.jobs, "");
	assert_non_null(strstr(app_load().transaction.reason, "; port 8080 is held by 812"));
	session_close(&session);
	open_at(PHASE_TRIAL, PORTS_HELD, USEC_INFINITY / 2);
	net.said = false;
	hold(true, 0);
	net.held_from = SLOT_A;
	systemd.restarts = 1;
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_string_equal(systemd.jobs, "");
	session_close(&session);
}

/* The code of before keeps it; a daemon that it has left behind itself is no excuse. */
static void left_by_the_other_or_by_itself(void **unused)
{
	(void)unused;
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++) {
		systemd.jobs[0] = '\0';
		open_at(PHASE_TRIAL, PORTS_HELD, USEC_INFINITY / 2);
		net.said = false;
		hold(true, 0);
		net.held_from = slot;
		systemd_set("failed", "failed");
		step(trial_run);
		assert_int_equal(app_load().phase, PHASE_REVERTING);
		assert_string_equal(systemd.jobs, slot == SLOT_A ? "stop b, " : "");
		session_close(&session);
	}
}

static void what_the_failed_one_left_is_ended(void **unused)
{
	static const int signals[] = { SIGTERM, SIGKILL };

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		systemd.jobs[0] = '\0';
		systemd.slots[SLOT_A].start[0] = JOB_RESULT_FAILED;
		systemd.starts[SLOT_A] = 0;
		app_options.max_rollbacks = 1;
		open_at(PHASE_REVERTING, PORTS_HELD, USEC_INFINITY / 2);
		hold(true, signals[i]);
		systemd_run(SLOT_B);
		step(reverting_run);
		assert_int_equal(app_load().transaction.outcome, OUTCOME_ROLLED_BACK);
		assert_string_equal(systemd.jobs, "restart a, stop a, restart a, ");
		assert_int_equal(app_told(EVENT_WARNING, "which the failed release has left"),
				 i + 1);
		session_close(&session);
	}
}

/* Of gw@2.service, which listens at another address. */
static void another_instance_is_not_ended(void **unused)
{
	(void)unused;
	systemd.slots[SLOT_A].start[0] = JOB_RESULT_FAILED;
	app_options.max_rollbacks = 1;
	open_at(PHASE_REVERTING, PORTS_HELD, USEC_INFINITY / 2);
	hold(true, SIGTERM);
	net.holder.own = false;
	systemd_run(SLOT_B);
	step(reverting_run);
	assert_string_equal(net.signals, "");
	session_close(&session);
}

/* Before it is given up, not to the old code that keeps the port from the new one. */
static void what_the_old_one_left_is_not_ended(void **unused)
{
	(void)unused;
	open_at(PHASE_TRIAL, PORTS_HELD, USEC_INFINITY / 2);
	hold(true, SIGTERM);
	systemd_set("failed", "failed");
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_string_equal(net.signals, "");
	session_close(&session);
}

static void what_is_held_before_a_first_start_is_told(void **unused)
{
	struct probe_options probe = app_options.probes[0];
	struct unit unit = { .active_state = "inactive" };

	(void)unused;
	open_at(PHASE_SWITCHING, PORTS_HELD, USEC_INFINITY / 2);
	session.vacancy = (struct session_vacancy){};
	app_options.probes[0] = (struct probe_options){ .name = (char *)"web",
							.kind = PROBE_HTTP,
							.url = (char *)"http://127.0.0.1:8080/" };
	vacancy_note(&session, &unit);
	assert_int_equal(app_told(EVENT_WARNING, ""), 0);
	hold(false, 0);
	vacancy_note(&session, &unit);
	assert_int_equal(app_told(EVENT_WARNING, "port 8080, which probe web asks, is held "
						 "already: by 812 (nginx) of nginx.service"),
			 1);
	assert_int_equal(session.vacancy.ports.n, 1);
	app_options.probes[0] = probe;
	session_close(&session);
}

/* A worker may do one transaction after another: what was waited for in one is not counted in the next. */
static void the_next_transaction_begins_anew(void **unused)
{
	const struct unit unit = { .active_state = "active" };
	char remark[80];

	(void)unused;
	open_at(PHASE_TRIAL, PORTS_CLOSING, 40 * USEC_PER_SEC);
	session.vacancy.end = systemd.now;
	session.vacancy.waited = 7 * USEC_PER_SEC;
	vacancy_note(&session, &unit);
	assert_string_equal(vacancy_remark(&session, remark, sizeof(remark)), "");
	systemd_set("failed", "failed");
	step(trial_run);
	assert_int_equal(app_load().phase, PHASE_WATCHING);
	assert_string_equal(systemd.jobs, "stop b, start b, ");
	session_close(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(the_job_failed_and_is_repeated),
		systemd_test(it_died_on_trial_and_is_started_again),
		systemd_test(another_worker_knows_of_the_port),
		systemd_test(it_seems_to_run_for_a_moment),
		systemd_test(what_runs_is_not_excused),
		systemd_test(what_says_nothing_of_it_is_condemned_at_once),
		systemd_test(a_free_port_is_no_excuse),
		systemd_test(what_holds_it_for_ever_is_not_waited_for_for_ever),
		systemd_test(the_old_release_waits_too),
		systemd_test(who_took_the_port_is_named_and_waited_for),
		systemd_test(who_keeps_it_is_in_the_reason),
		systemd_test(no_excuse_without_a_word),
		systemd_test(left_by_the_other_or_by_itself),
		systemd_test(what_the_failed_one_left_is_ended),
		systemd_test(another_instance_is_not_ended),
		systemd_test(what_the_old_one_left_is_not_ended),
		systemd_test(what_is_held_before_a_first_start_is_told),
		systemd_test(the_next_transaction_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
