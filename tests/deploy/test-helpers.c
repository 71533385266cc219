/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=probe_begin,--wrap=probe_finish,--wrap=probe_fd,--wrap=probe_deadline,--wrap=probe_run_free,--wrap=probe_is_unheard,--wrap=spawn_is_through,--wrap=spawn_hail,--wrap=job_forget,--wrap=poll,--wrap=imposter_find */
/* Who asks the probes is away: what is done about it, and what a release has to do with it. */
#include "deploy/helpers.h"

#include <poll.h>
#include <sys/eventfd.h>

#include "base/spawn.h"
#include "deploy/imposter.h"
#include "deploy/judge.h"
#include "deploy/reverting.h"
#include "deploy/switching.h"
#include "deploy/trial.h"
#include "systemd.h"

#define START (30 * USEC_PER_SEC)
#define WATCH (60 * USEC_PER_SEC)
#define BOUND (600 * USEC_PER_SEC)
#define EVER  UINT64_MAX

static struct probe_options probes[2];
static uint64_t away_until; /* nobody can ask */
static uint64_t deaf_until; /* orders lie where nobody takes them; they are lost then */
static uint64_t asked_at;
static bool is_asked;
static bool is_through;
static bool masked;
static uint64_t patience;
static char mended[1024];
static char slot_paths[SLOT_MAX][128];

int __wrap_probe_begin(const struct probe_options *options, const struct probe_context *context,
		       struct probe_run **ret_run, struct error *err);
int __wrap_probe_finish(struct probe_run *run, struct probe_answer *ret_answer, struct error *err);
int __wrap_probe_fd(const struct probe_run *run);
uint64_t __wrap_probe_deadline(const struct probe_run *run);
void __wrap_probe_run_free(struct probe_run *run);
bool __wrap_probe_is_unheard(const struct probe_run *run);
bool __wrap_spawn_is_through(void);
int __wrap_spawn_hail(int msec, struct error *err);
int __wrap_job_forget(struct manager *manager, enum job_type type, const char *unit,
		      struct error *err);
int __wrap_poll(struct pollfd *fds, nfds_t n, int msec);

int __wrap_imposter_find(const struct imposter_look *look, char *ret_why, size_t room,
			 struct error *err);

int __wrap_imposter_find(const struct imposter_look *look, char *ret_why, size_t room,
			 struct error *err)
{
	return 0;
}

static int run_fd = -1;

int __wrap_probe_begin(const struct probe_options *options, const struct probe_context *context,
		       struct probe_run **ret_run, struct error *err)
{
	if (systemd.now < away_until) {
		(void)error_set(err, FAULT_UNIT, "nobody is there");
		return PROBE_UNASKED;
	}
	assert_false(is_asked);
	is_asked = true;
	asked_at = systemd.now;
	run_fd = eventfd(0, EFD_CLOEXEC);
	*ret_run = (struct probe_run *)&run_fd;
	return 0;
}

int __wrap_probe_finish(struct probe_run *run, struct probe_answer *ret_answer, struct error *err)
{
	if (asked_at < deaf_until && systemd.now < __wrap_probe_deadline(run))
		return PROBE_PENDING;
	if (asked_at < deaf_until) {
		(void)error_set(err, FAULT_UNIT, "nobody took it");
		return PROBE_UNASKED;
	}
	*ret_answer = (struct probe_answer){ .passed = true };
	return 0;
}

int __wrap_probe_fd(const struct probe_run *run)
{
	return run_fd;
}

uint64_t __wrap_probe_deadline(const struct probe_run *run)
{
	return asked_at + probes[0].timeout_usec;
}

void __wrap_probe_run_free(struct probe_run *run)
{
	if (!run)
		return;
	cleanup_close(&run_fd);
	is_asked = false;
}

bool __wrap_probe_is_unheard(const struct probe_run *run)
{
	return asked_at < deaf_until;
}

bool __wrap_spawn_is_through(void)
{
	return is_through;
}

int __wrap_spawn_hail(int msec, struct error *err)
{
	if (systemd.now >= away_until)
		return 0;
	(void)error_set(err, FAULT_UNIT, "nobody is there");
	return SPAWN_NOBODY;
}

int __wrap_job_forget(struct manager *manager, enum job_type type, const char *unit,
		      struct error *err)
{
	size_t size = strlen(mended);

	if (masked && type == JOB_RESTART)
		return error_set(err, FAULT_UNIT, "restarting %s: it is masked", unit);
	(void)snprintf(mended + size, sizeof(mended) - size, "%s %s, ",
		       type == JOB_STOP	   ? "stop" :
		       type == JOB_RESTART ? "restart" :
					     "?",
		       unit);
	return 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int msec)
{
	systemd_pass((uint64_t)msec * USEC_PER_MSEC);
	return 0;
}

static int setup(void **state)
{
	int r = systemd_setup(state);

	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		(void)snprintf(slot_paths[slot], sizeof(slot_paths[slot]), "%s/%s", check_path,
			       slot_dir_name(slot));
	probe_options_init(&probes[0]);
	probes[0].name = (char *)"web";
	probes[0].kind = PROBE_TCP;
	probes[1] = app_probe;
	app_options.probes = probes;
	app_options.n_probes = 1;
	away_until = deaf_until = 0;
	is_asked = masked = false;
	is_through = true;
	patience = 0;
	mended[0] = '\0';
	systemd_run(SLOT_B);
	return r;
}

static int interrupt(void *data)
{
	return 0;
}

static struct judge_report report;

static int judge(enum judge_phase phase, uint64_t span)
{
	static struct state state;
	const struct judge_options how = {
		.phase = phase,
		.deadline = systemd.now + span,
		.patience = patience,
		.unasked_usec = BOUND,
		.slot_path = slot_paths[SLOT_B],
		.other_path = slot_paths[SLOT_A],
		.current_path = "/nonexistent",
		.invocation = systemd.invocation,
		.interrupt = interrupt,
		.wake_fd = -1,
	};
	struct manager *manager = NULL;
	struct error err = {};
	int r;

	report = (struct judge_report){};
	assert_int_equal(__wrap_manager_open(&manager, &err), 0);
	r = judge_run(&app_options, &how, manager, &app_listener, &state, &report, &err);
	if (r < 0)
		fail_msg("%s", err.text);
	return r;
}

#define MENDED "stop flipslot-helper@gw.service, restart flipslot-helper@gw.socket, "

/* ---- what is done about it ---- */

static void both_are_begun_anew_by_the_manager_of_the_system(void **unused)
{
	struct error err = {};

	assert_int_equal(helpers_mend("gw", &err), 0);
	assert_string_equal(mended, MENDED);
	masked = true;
	check_error(helpers_mend("gw", &err), &err, FAULT_UNIT, "it is masked");
}

static void children_of_ours_need_nobody(void **unused)
{
	is_through = false;
	assert_int_equal(helpers_mend("gw", NULL), 0);
	assert_string_equal(mended, "");
}

static void it_is_mended_at_growing_intervals(void **unused)
{
	struct helpers_care care = {};
	unsigned int mends = 0;

	for (int i = 0; i < 600; i++) {
		mended[0] = '\0';
		helpers_care(&care, "gw");
		mends += mended[0] != '\0';
		if (i == 9) /* a spawner that was killed comes by itself, within a second */
			assert_int_equal(mends, 0);
		systemd.now += 100 * USEC_PER_MSEC;
	}
	assert_int_equal(mends, 6);
	assert_string_equal(care.why, "");
	masked = true;
	systemd.now += 20 * USEC_PER_SEC;
	helpers_care(&care, "gw");
	assert_non_null(strstr(care.why, "it is masked"));
}

/* ---- before a switch ---- */

static struct preflight look_before(bool attended)
{
	const struct preflight_input input = { .target = SLOT_B, .attended_override = attended };
	struct preflight preflight = {};
	struct error err = {};

	if (helpers_preflight(&app_options, &input, &preflight, &err) != 0)
		fail_msg("%s", err.text);
	return preflight;
}

static void nobody_who_could_ask_is_in_the_way_of_a_switch(void **unused)
{
	uint64_t came = systemd.now;
	struct preflight preflight;

	away_until = EVER;
	preflight = look_before(false);
	assert_int_equal(preflight.n_findings, 1);
	assert_int_equal(preflight.findings[0].fault, FAULT_UNIT);
	assert_non_null(
		strstr(preflight.findings[0].text, "nobody can ask the probes: nobody is there"));
	assert_non_null(strstr(preflight.findings[0].text, "`flipslot doctor gw`"));
	assert_in_range(systemd.now - came, 10 * USEC_PER_SEC, 11 * USEC_PER_SEC);
	assert_int_equal(strncmp(mended, MENDED, strlen(MENDED)), 0);
}

static void who_comes_back_is_waited_for(void **unused)
{
	away_until = systemd.now + 5 * USEC_PER_SEC;
	assert_int_equal(look_before(false).n_findings, 0);
}

static void it_does_not_bar_the_way_to_what_was_good(void **unused)
{
	uint64_t came = systemd.now;
	struct preflight preflight;

	away_until = EVER;
	preflight = look_before(true);
	assert_int_equal(preflight.n_findings, 0);
	assert_non_null(strstr(preflight.warning, "nobody can ask the probes"));
	assert_true(systemd.now - came < 3 * USEC_PER_SEC);
}

static void who_asks_nobody_needs_nobody(void **unused)
{
	away_until = EVER;
	app_options.probes = &probes[1];
	app_options.check = NULL;
	assert_int_equal(look_before(false).n_findings, 0);
	app_options.check = &app_check;
	assert_int_equal(look_before(false).n_findings, 1);
}

/* ---- the judge ---- */

static void the_clock_stands_still_meanwhile(void **unused)
{
	uint64_t came = systemd.now;

	away_until = came + 4 * START;
	assert_int_equal(judge(JUDGE_START, START), JUDGE_PASSED);
	assert_true(systemd.now >= away_until);
	assert_int_equal(app_told(EVENT_WARNING, "nobody can ask the probes"), 1);
	assert_int_equal(
		app_told(EVENT_WARNING, "probe web: nobody is there; `flipslot doctor gw`"), 1);
	came = systemd.now;
	away_until = came + 2 * WATCH;
	assert_int_equal(judge(JUDGE_WATCH, WATCH), JUDGE_PASSED);
	assert_true(systemd.now - came >= 3 * WATCH - USEC_PER_SEC);
}

/* Its deadline was over before this worker came; it gets the patience that it would get from any. */
static void a_worker_that_takes_over_is_as_patient(void **unused)
{
	away_until = systemd.now + 3 * START;
	deaf_until = away_until + START / 2;
	probes[0].timeout_usec = 2 * START;
	patience = START;
	assert_int_equal(judge(JUDGE_START, 0), JUDGE_PASSED);
	assert_true(systemd.now >= deaf_until);
}

static void a_moment_is_not_told(void **unused)
{
	away_until = systemd.now + 600 * USEC_PER_MSEC;
	assert_int_equal(judge(JUDGE_START, START), JUDGE_PASSED);
	assert_int_equal(app_told(EVENT_WARNING, ""), 0);
	assert_string_equal(mended, "");
}

static void but_not_for_ever(void **unused)
{
	uint64_t came = systemd.now;

	away_until = EVER;
	masked = true;
	assert_int_equal(judge(JUDGE_START, START), JUDGE_UNASKED);
	assert_in_range(systemd.now - came, BOUND, BOUND + 2 * USEC_PER_SEC);
	assert_non_null(strstr(report.reason, "for 10min nobody could ask its probes"));
	assert_non_null(strstr(report.reason, "it is masked"));
}

/* All in all: who is away again and again is not waited for without end. */
static void come_and_go(void)
{
	if (systemd.now % (100 * USEC_PER_SEC) < 90 * USEC_PER_SEC)
		away_until = EVER;
	else
		away_until = 0;
}

static void nor_again_and_again(void **unused)
{
	systemd.now = 1000 * USEC_PER_SEC;
	systemd_run(SLOT_B);
	systemd.on_wait = come_and_go;
	come_and_go();
	assert_int_equal(judge(JUDGE_WATCH, 100 * WATCH), JUDGE_UNASKED);
	assert_true(systemd.now < 1800 * USEC_PER_SEC);
}

static void an_order_that_nobody_takes_is_no_silence_of_the_service(void **unused)
{
	deaf_until = systemd.now + START;
	probes[0].timeout_usec = 2 * START; /* the deadline comes first */
	assert_int_equal(judge(JUDGE_START, START), JUDGE_PASSED);
	assert_true(systemd.now >= deaf_until);
}

static void what_the_unit_shows_counts_all_the_same(void **unused)
{
	uint64_t came = systemd.now;

	away_until = EVER;
	systemd.slots[SLOT_B].dies_after_usec = 5 * USEC_PER_SEC;
	assert_int_equal(judge(JUDGE_START, START), JUDGE_BAD);
	assert_true(systemd.now - came < 7 * USEC_PER_SEC);
	assert_non_null(strstr(report.reason, "failed"));
}

static void and_so_does_a_probe_that_can_be_asked(void **unused)
{
	uint64_t came = systemd.now;

	away_until = EVER;
	app_options.n_probes = 2;
	systemd.slots[SLOT_B].sick = true;
	assert_int_equal(judge(JUDGE_START, START), JUDGE_BAD);
	assert_true(systemd.now - came < START + 2 * USEC_PER_SEC);
}

/* ---- what becomes of the release ---- */

static struct session session;

static struct state on_trial(enum verb verb, enum phase phase)
{
	away_until = EVER;
	systemd_open(&session, phase);
	session.state.transaction.verb = verb;
	return app_step(&session, phase == PHASE_TRIAL ? trial_run : trial_watch);
}

static void a_new_release_goes_back_and_is_not_remembered_as_bad(void **unused)
{
	struct history_entry newest = {};
	struct error err = {};
	struct state after = on_trial(VERB_INSTALL, PHASE_TRIAL);

	assert_int_equal(after.phase, PHASE_REVERTING);
	assert_int_equal(after.transaction.fault, FAULT_UNIT);
	app_open(&session, &after);
	if (reverting_run(&session, &err) < 0)
		fail_msg("%s", err.text);
	session_close(&session);
	after = app_load();
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_ROLLED_BACK);
	assert_int_equal(newest.fault, FAULT_UNIT);
	assert_non_null(strstr(newest.reason, "for 10min nobody could ask its probes"));
	assert_non_null(strstr(newest.reason, "; after the rollback: for 10s nobody could ask"));
	assert_int_equal(systemd.runs, SLOT_A);
	assert_false(state_is_bad(&after, &after.transaction.release.digest));
}

static void what_was_good_before_stays(void **unused)
{
	struct history_entry newest = {};
	uint64_t came = systemd.now;

	assert_int_equal(on_trial(VERB_ROLLBACK, PHASE_TRIAL).phase, PHASE_WATCHING);
	assert_true(systemd.now - came < 12 * USEC_PER_SEC);
	assert_int_equal(app_told(EVENT_WARNING, "it was good before, and stays"), 1);
	assert_int_equal(on_trial(VERB_ROLLBACK, PHASE_WATCHING).phase, PHASE_IDLE);
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_COMMITTED);
	assert_non_null(strstr(newest.reason, "nobody could ask its probes"));
}

#define helpers_test(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		helpers_test(both_are_begun_anew_by_the_manager_of_the_system),
		helpers_test(children_of_ours_need_nobody),
		helpers_test(it_is_mended_at_growing_intervals),
		helpers_test(nobody_who_could_ask_is_in_the_way_of_a_switch),
		helpers_test(who_comes_back_is_waited_for),
		helpers_test(it_does_not_bar_the_way_to_what_was_good),
		helpers_test(who_asks_nobody_needs_nobody),
		helpers_test(the_clock_stands_still_meanwhile),
		helpers_test(a_worker_that_takes_over_is_as_patient),
		helpers_test(a_moment_is_not_told),
		helpers_test(but_not_for_ever),
		helpers_test(nor_again_and_again),
		helpers_test(an_order_that_nobody_takes_is_no_silence_of_the_service),
		helpers_test(what_the_unit_shows_counts_all_the_same),
		helpers_test(and_so_does_a_probe_that_can_be_asked),
		helpers_test(a_new_release_goes_back_and_is_not_remembered_as_bad),
		helpers_test(what_was_good_before_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
