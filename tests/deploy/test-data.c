/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=durable_overwrite,--wrap=durable_exchange,--wrap=durable_sync_fs,--wrap=mkdirat,--wrap=unlinkat,--wrap=data_helper_run */
/* The service's data is kept aside before the switch, and put back with a rollback. */
#include "deploy/data.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "deploy/data-helper.h"
#include "deploy/recover.h"
#include "deploy/resume.h"
#include "deploy/reverting.h"
#include "deploy/switching.h"
#include "deploy/worker.h"
#include "store/durable.h"
#include "systemd.h"

#define KILLED 99

static struct session session;
static char path[300], kept[300];

/* What a killed process leaves for the others. */
static struct {
	unsigned int calls, kill_at; /* the process ends before that call; 0: never */
	bool old_code_saw_new_data;
} * shared;

/* ---- calls before which the process may die ---- */

static void die_maybe(void)
{
	if (shared->kill_at > 0 && ++shared->calls == shared->kill_at)
		_exit(KILLED);
}

#define WRAP(name, parameters, arguments)       \
	int __real_##name parameters;           \
	int __wrap_##name parameters;           \
	int __wrap_##name parameters            \
	{                                       \
		die_maybe();                    \
		return __real_##name arguments; \
	}

WRAP(durable_overwrite, (int fd, const void *data, size_t size, off_t offset, struct error *err),
     (fd, data, size, offset, err))
WRAP(durable_exchange, (int dirfd, const char *a, const char *b, struct error *err),
     (dirfd, a, b, err))
WRAP(durable_sync_fs, (int fd, struct error *err), (fd, err))
WRAP(mkdirat, (int dirfd, const char *name, mode_t mode), (dirfd, name, mode))
WRAP(unlinkat, (int dirfd, const char *name, int flags), (dirfd, name, flags))

int __real_data_helper_run(const struct data_run *run, struct shadow_figures *ret_figures,
			   struct error *err);
int __wrap_data_helper_run(const struct data_run *run, struct shadow_figures *ret_figures,
			   struct error *err);
int __wrap_data_helper_run(const struct data_run *run, struct shadow_figures *ret_figures,
			   struct error *err)
{
	if (shared->kill_at > 0 && shared->calls + 1 == shared->kill_at && run->errand == DATA_COPY)
		check_write(run->to_fd, "half", "x", 1);
	die_maybe();
	return __real_data_helper_run(run, ret_figures, err);
}

/* ---- a service with data ---- */

static void put_data(const char *text)
{
	check_write(check_fd, "data/db", text, strlen(text));
}

static const char *data(const char *file)
{
	static char text[16];
	ssize_t n = 0;
	int fd = openat(check_fd, file, O_RDONLY);

	if (fd < 0)
		return "-";
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	(void)close(fd);
	return text;
}

/* Release 1.0 in slot a cannot read what 2.0 in slot b makes of the data. */
static void run_code(enum slot slot)
{
	if (slot == SLOT_B)
		put_data("new");
	else if (strcmp(data("data/db"), "new") == 0)
		shared->old_code_saw_new_data = true;
}

static void seal_epoch(enum slot slot, const char *version, uint64_t epoch)
{
	struct descriptor descriptor = { .app = "gw", .origin = ORIGIN_SIDELOAD, .epoch = epoch };

	(void)text_copy(version, descriptor.version, sizeof(descriptor.version));
	(void)app_seal_as(slot, descriptor);
}

static struct state prepare(enum phase phase)
{
	const char *build = getenv("B");
	static char helper[300];
	struct state state = app_under_way(phase);
	struct descriptor descriptor;

	(void)snprintf(helper, sizeof(helper), "%s/flipslot", build ? build : "build");
	(void)snprintf(path, sizeof(path), "%s/data", check_path);
	(void)snprintf(kept, sizeof(kept), "%s/.data.flipslot", check_path);
	shared->calls = shared->kill_at = 0;
	shared->old_code_saw_new_data = false;
	(void)mkdir(path, 0750);
	put_data("old");
	app_options.helper = helper;
	app_options.data = (struct data_options){ .path = path,
						  .snapshot = SNAPSHOT_COPY,
						  .max_copy = 1 << 20,
						  .timeout_usec = 60 * USEC_PER_SEC };
	seal_epoch(SLOT_B, "2.0", 2);
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	state.transaction.release.digest = descriptor.index;
	state.transaction.data = phase != PHASE_STAGED;
	(void)text_copy(systemd.invocation, state.transaction.old_invocation,
			sizeof(state.transaction.old_invocation));
	systemd.on_run = run_code;
	return state;
}

static void open_at(enum phase phase)
{
	const struct state state = prepare(phase);

	app_open(&session, &state);
}

static void it_need_not_be_asked_for_then(void **unused)
{
	open_at(PHASE_STAGED);
	assert_int_equal(switching_prepare(&session, NULL), 0);
	session_close(&session);
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
	assert_true(app_load().transaction.data);
	/* without an epoch that is higher nothing is done */
	open_at(PHASE_STAGED);
	seal_epoch(SLOT_B, "2.0", 0);
	assert_int_equal(switching_prepare(&session, NULL), 0);
	session_close(&session);
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
	assert_false(app_load().transaction.data);
}

static void kept_while_the_service_is_stopped(void **unused)
{
	struct stat st;

	open_at(PHASE_SWITCHING);
	assert_int_equal(switching_run(&session, NULL), 0);
	session_close(&session);
	assert_string_equal(systemd.jobs, "stop a, stop a, start b, ");
	assert_int_equal(app_load().phase, PHASE_TRIAL);
	assert_string_equal(data("data/db"), "new");
	assert_string_equal(data(".data.flipslot/db"), "old");
	assert_int_equal(stat(kept, &st), 0);
	assert_int_equal(app_load().transaction.data_inode, st.st_ino);
	assert_int_equal(st.st_mode & 07777, 0750);
}

static void back_with_a_rollback(void **unused)
{
	open_at(PHASE_SWITCHING);
	systemd.slots[SLOT_B].start[0] = JOB_RESULT_FAILED;
	assert_int_equal(switching_run(&session, NULL), 0);
	put_data("new"); /* by the start that failed */
	assert_int_equal(session.state.phase, PHASE_REVERTING);
	session.working = PHASE_REVERTING;
	assert_int_equal(reverting_run(&session, NULL), 0);
	assert_int_equal(session.state.transaction.outcome, OUTCOME_ROLLED_BACK);
	assert_string_equal(data("data/db"), "old");
	assert_string_equal(data(".data.flipslot/db"), "new");
	assert_false(shared->old_code_saw_new_data);
	data_drop(&session);
	session_close(&session);
	assert_int_equal(access(kept, F_OK), -1);
	assert_int_equal(app_load().transaction.data_inode, 0);
}

/* Worker after worker has died on the way back, before the data was where it should be. */
static void revert_in_haste(unsigned int attempts, bool flipped)
{
	open_at(PHASE_SWITCHING);
	assert_int_equal(data_take(&session, NULL), 0);
	put_data("new");
	systemd_run(flipped ? SLOT_A : SLOT_B);
	app_point(flipped ? SLOT_A : SLOT_B);
	shared->old_code_saw_new_data = false; /* until now it could not be helped */
	systemd.jobs[0] = '\0';
	session.state.phase = session.working = PHASE_REVERTING;
	session.state.transaction.attempts = attempts;
	assert_int_equal(reverting_run(&session, NULL), 0);
	assert_int_equal(session.state.transaction.outcome, OUTCOME_BOTH_BAD);
	assert_string_equal(data("data/db"), "old");
	assert_string_equal(data(".data.flipslot/db"), "new");
	assert_int_equal(app_current(), SLOT_A);
	assert_false(shared->old_code_saw_new_data);
	data_drop(&session);
	session_close(&session);
	assert_int_equal(access(kept, F_OK), -1);
}

static void back_in_haste_too(void **unused)
{
	revert_in_haste(RESUME_ATTEMPTS_MAX + 1, false);
	assert_string_equal(systemd.jobs, "stop b, restart a, ");
}

/* Of a service that does not stop in time for any of them nothing is waited for at last. */
static void back_in_haste_without_a_stop(void **unused)
{
	revert_in_haste(100, false);
	assert_string_equal(systemd.jobs, "restart a, ");
}

static void old_code_that_runs_on_new_data_is_not_left_alone(void **unused)
{
	revert_in_haste(RESUME_ATTEMPTS_MAX + 1, true);
	assert_string_equal(systemd.jobs, "stop a, restart a, ");
}

/* A user's manager that never answers: what it starts one day is the old code. */
static void back_without_a_manager(void **unused)
{
	struct manager *manager;

	open_at(PHASE_SWITCHING);
	assert_int_equal(data_take(&session, NULL), 0);
	put_data("new");
	assert_int_equal(session_manager(&session, &manager, NULL), 0);
	app_options.user = "ada";
	systemd.gone = true;
	session.state.phase = session.working = PHASE_REVERTING;
	session.state.transaction.attempts = RESUME_ATTEMPTS_MAX + 1;
	assert_int_equal(reverting_run(&session, NULL), 0);
	session_close(&session);
	assert_int_equal(app_load().transaction.outcome, OUTCOME_BOTH_BAD);
	assert_int_equal(app_current(), SLOT_A);
	assert_string_equal(data("data/db"), "old");
}

/* Once: what has happened since is not undone by a second time. */
static void put_back_once(void **unused)
{
	open_at(PHASE_SWITCHING);
	assert_int_equal(data_take(&session, NULL), 0);
	put_data("new");
	assert_int_equal(data_restore(&session, NULL), 0);
	assert_string_equal(data("data/db"), "old");
	put_data("later");
	assert_int_equal(data_restore(&session, NULL), 0);
	assert_string_equal(data("data/db"), "later");
	session_close(&session);
}

/* The release has taken its data away, or put something else in its place. */
static void whatever_became_of_the_name_it_is_put_back(void **unused)
{
	for (unsigned int what = 0; what < 3; what++) {
		open_at(PHASE_SWITCHING);
		assert_int_equal(data_take(&session, NULL), 0);
		assert_int_equal(unlinkat(check_fd, "data/db", 0), 0);
		assert_int_equal(unlinkat(check_fd, "data", AT_REMOVEDIR), 0);
		if (what == 1)
			assert_int_equal(symlinkat("/etc", check_fd, "data"), 0);
		if (what == 2)
			check_write(check_fd, "data", "x", 1);
		session.state.phase = session.working = PHASE_REVERTING;
		assert_int_equal(reverting_run(&session, NULL), 0);
		assert_string_equal(data("data/db"), "old");
		assert_int_equal(app_told(EVENT_NOTE, "was put back"), what + 1);
		data_drop(&session);
		session_close(&session);
		assert_int_equal(faccessat(check_fd, ".data.flipslot", F_OK, AT_SYMLINK_NOFOLLOW),
				 -1);
		assert_int_equal(app_load().transaction.data_inode, 0);
	}
}

static void what_is_lost_is_said(void **unused)
{
	open_at(PHASE_SWITCHING);
	assert_int_equal(data_take(&session, NULL), 0);
	session.state.transaction.data_inode++;
	assert_int_equal(data_restore(&session, NULL), DATA_LOST);
	session_close(&session);
}

/* The old code has run since: what it wrote must not be lost. */
static void taken_anew_is_taken_anew(void **unused)
{
	open_at(PHASE_SWITCHING);
	assert_int_equal(data_take(&session, NULL), 0);
	put_data("more");
	assert_int_equal(data_take(&session, NULL), 0);
	session_close(&session);
	assert_string_equal(data(".data.flipslot/db"), "more");
}

/* The new code may have run: what it made of the data is not the old data. */
static void not_taken_behind_the_flip(void **unused)
{
	open_at(PHASE_SWITCHING);
	assert_int_equal(data_take(&session, NULL), 0);
	app_point(SLOT_B);
	put_data("new");
	assert_int_equal(switching_run(&session, NULL), 0);
	session_close(&session);
	assert_string_equal(data(".data.flipslot/db"), "old");
}

static void what_cannot_be_kept_is_not_switched_to(void **unused)
{
	open_at(PHASE_SWITCHING);
	app_options.data.max_copy = 1;
	assert_int_equal(switching_run(&session, NULL), 0);
	assert_int_equal(session.state.phase, PHASE_REVERTING);
	assert_non_null(strstr(session.state.transaction.reason, "could not be kept aside"));
	assert_int_equal(app_current(), SLOT_A);
	session.working = PHASE_REVERTING;
	assert_int_equal(reverting_run(&session, NULL), 0);
	assert_int_equal(session.state.transaction.outcome, OUTCOME_ROLLED_BACK);
	assert_string_equal(data("data/db"), "old");
	session_close(&session);
}

static size_t findings(char *ret_first, size_t room)
{
	struct preflight preflight = {};

	data_check(&app_options, &preflight);
	(void)text_copy(preflight.findings[0].text, ret_first, room);
	return preflight.n_findings;
}

static void what_is_in_the_way_is_found_before(void **unused)
{
	char text[ERROR_TEXT_MAX], link[300];

	(void)prepare(PHASE_STAGED);
	assert_int_equal(findings(text, sizeof(text)), 0);
	app_options.stage.reserve_bytes = UINT64_MAX / 2;
	assert_int_equal(findings(text, sizeof(text)), 1);
	assert_non_null(strstr(text, "are free"));
	app_options.stage.reserve_bytes = 0;
	app_options.data.max_copy = 1;
	assert_int_equal(findings(text, sizeof(text)), 1);
	assert_non_null(strstr(text, "MaxCopy="));
	app_options.data.max_copy = 100;
	assert_int_equal(chmod(check_path, 0777), 0);
	assert_int_equal(findings(text, sizeof(text)), 1);
	assert_non_null(strstr(text, "can be written by others"));
	assert_int_equal(chmod(check_path, 0700), 0);
	assert_int_equal(symlinkat("data", check_fd, "link"), 0);
	(void)snprintf(link, sizeof(link), "%s/link", check_path);
	app_options.data.path = link;
	assert_int_equal(findings(text, sizeof(text)), 1);
	assert_non_null(strstr(text, "is a link"));
	app_options.data.path = "/proc";
	assert_int_equal(findings(text, sizeof(text)), 1);
	assert_non_null(strstr(text, "mount of its own"));
}

/* By its owner, who is not root: nothing of somebody else's gets into it. */
static void it_is_its_owners(void **unused)
{
	struct stat st;

	if (geteuid() != 0)
		skip();
	open_at(PHASE_SWITCHING);
	assert_int_equal(chmod(check_path, 0711), 0);
	assert_int_equal(chown(path, 4711, 4712), 0);
	assert_int_equal(fchownat(check_fd, "data/db", 4711, 4712, 0), 0);
	assert_int_equal(data_take(&session, NULL), 0);
	session_close(&session);
	assert_int_equal(fstatat(check_fd, ".data.flipslot/db", &st, 0), 0);
	assert_int_equal(st.st_uid, 4711);
	assert_int_equal(st.st_gid, 4712);
	/* a file that only root may read: not root's is the copy */
	check_write(check_fd, "data/secret", "s", 1);
	assert_int_equal(fchmodat(check_fd, "data/secret", 0600, 0), 0);
	open_at(PHASE_SWITCHING);
	assert_true(data_take(&session, NULL) < 0);
	session_close(&session);
	assert_string_equal(data(".data.flipslot/secret"), "-");
	assert_int_equal(unlinkat(check_fd, "data/secret", 0), 0);
}

static void old_data_is_not_dropped(void **unused)
{
	open_at(PHASE_SWITCHING);
	assert_int_equal(data_take(&session, NULL), 0);
	session.state.phase = PHASE_IDLE;
	session.state.transaction.outcome = OUTCOME_BOTH_BAD; /* and it was not put back */
	data_drop(&session);
	assert_string_equal(data(".data.flipslot/db"), "old");
	assert_int_equal(app_told(EVENT_WARNING, "exchange the two by hand"), 1);
	session.state.transaction.outcome = OUTCOME_COMMITTED;
	data_drop(&session);
	session_close(&session);
	assert_string_equal(data(".data.flipslot/db"), "-");
}

/* ---- killed before each call, and booted anew ---- */

static void ready(void *unused)
{
}

static void work(void)
{
	struct error err = {};

	if (worker_run(&app_options, &app_listener, ready, NULL, -1, &err) < 0)
		fail_msg("%s", err.text);
}

/* The machine comes up: recovery first, then the app from where `current` leads, then the worker. */
static void boot(void)
{
	struct state state = app_load();
	struct error err = {};
	bool resume, flipped;

	systemd.runs = SLOT_NONE;
	systemd_set("inactive", "dead");
	(void)text_copy("another boot", state.transaction.boot_id,
			sizeof(state.transaction.boot_id));
	app_store(&state);
	if (recover_app(&app_options, &app_listener, &resume, &flipped, &err) < 0)
		fail_msg("%s", err.text);
	systemd_run(app_current());
	work();
}

static bool killed_before(unsigned int n)
{
	int status;
	pid_t pid;

	shared->kill_at = n;
	pid = fork();
	if (pid == 0) {
		work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	shared->kill_at = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == KILLED;
}

static void whenever_it_dies_the_data_fits_the_code(void **unused)
{
	unsigned int n;
	bool killed = true;

	for (n = 1; killed; n++) {
		struct state state = prepare(PHASE_SWITCHING);

		app_n_heard = 0;
		systemd_run(SLOT_A);
		systemd.starts[SLOT_A] = systemd.starts[SLOT_B] = 0;
		systemd.slots[SLOT_B].dies_after_usec = USEC_PER_SEC / 2;
		systemd.waits = 0;
		systemd.jobs[0] = '\0';
		app_store(&state);
		killed = killed_before(n);
		if (killed)
			boot();
		state = app_load();
		assert_int_equal(state.phase, PHASE_IDLE);
		assert_int_equal(state.transaction.outcome, OUTCOME_ROLLED_BACK);
		assert_int_equal(app_current(), SLOT_A);
		assert_string_equal(data("data/db"), "old");
		assert_false(shared->old_code_saw_new_data);
		assert_int_equal(access(kept, F_OK), -1);
		assert_int_equal(state.transaction.data_inode, 0);
	}
	assert_true(n > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(it_need_not_be_asked_for_then),
		systemd_test(kept_while_the_service_is_stopped),
		systemd_test(back_with_a_rollback),
		systemd_test(back_in_haste_too),
		systemd_test(back_in_haste_without_a_stop),
		systemd_test(old_code_that_runs_on_new_data_is_not_left_alone),
		systemd_test(back_without_a_manager),
		systemd_test(put_back_once),
		systemd_test(whatever_became_of_the_name_it_is_put_back),
		systemd_test(what_is_lost_is_said),
		systemd_test(taken_anew_is_taken_anew),
		systemd_test(not_taken_behind_the_flip),
		systemd_test(what_cannot_be_kept_is_not_switched_to),
		systemd_test(what_is_in_the_way_is_found_before),
		systemd_test(it_is_its_owners),
		systemd_test(old_data_is_not_dropped),
		systemd_test(whenever_it_dies_the_data_fits_the_code),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
