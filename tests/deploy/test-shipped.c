/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=scope_dir,--wrap=mounts_find,--wrap=intact_check */
/* Units that come with a release. */
#include "deploy/shipped.h"

#include "base/scope.h"
#include "deploy/flip.h"
#include "deploy/recover.h"
#include "deploy/switching.h"
#include "systemd.h"
#include "unit/mounts.h"

#define PATH "lib/systemd/gw.service"

static struct session session;
static char *paths[] = { (char[]){ PATH }, NULL };
static char units[200];
static const char *mount;

const char *__real_scope_dir(enum scope_dir which);
const char *__wrap_scope_dir(enum scope_dir which);
int __wrap_mounts_find(const char *table, const char *path, char *ret_point, size_t room,
		       struct error *err);

const char *__wrap_scope_dir(enum scope_dir which)
{
	return which == SCOPE_UNITS ? units : __real_scope_dir(which);
}

int __wrap_mounts_find(const char *table, const char *path, char *ret_point, size_t room,
		       struct error *err)
{
	assert_string_equal(path, check_path);
	(void)text_copy(mount, ret_point, room);
	return 0;
}

/* The units are put into the slots behind their seals' backs. */
int __wrap_intact_check(struct session *unused, const struct unit *unit, struct error *err);
int __wrap_intact_check(struct session *unused, const struct unit *unit, struct error *err)
{
	return 0;
}

static void put(enum slot slot, const char *text)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s/lib", slot_dir_name(slot));
	(void)mkdirat(check_fd, name, 0755);
	(void)snprintf(name, sizeof(name), "%s/lib/systemd", slot_dir_name(slot));
	(void)mkdirat(check_fd, name, 0755);
	(void)snprintf(name, sizeof(name), "%s/" PATH, slot_dir_name(slot));
	check_write(check_fd, name, text, strlen(text));
}

static char *unit_text(const char *also)
{
	static char text[400];

	(void)snprintf(text, sizeof(text), "[Service]\nExecStart=%s/current/run\n%s\n", check_path,
		       also);
	return text;
}

/* Both slots have the unit, and it is linked. */
static void prepare(void)
{
	char target[300], name[300];

	app_options.shipped = paths;
	mount = "/";
	(void)snprintf(units, sizeof(units), "%s/units", check_path);
	assert_int_equal(mkdir(units, 0755), 0);
	(void)snprintf(target, sizeof(target), "%s/current/" PATH, check_path);
	(void)snprintf(name, sizeof(name), "%s/gw.service", units);
	assert_int_equal(symlink(target, name), 0);
	put(SLOT_A, unit_text("Environment=A=1"));
	put(SLOT_B, unit_text("Environment=B=1"));
}

static void open_at(enum phase phase)
{
	struct state state = app_under_way(phase);

	app_open(&session, &state);
}

static struct preflight preflight_of(enum slot current, enum slot target)
{
	struct state state = { .phase = PHASE_IDLE };
	struct preflight preflight = {};
	const struct preflight_input input = {
		.state = &state, .dirfd = check_fd, .current = current, .target = target
	};

	assert_int_equal(shipped_check(&app_options, &input, &preflight, NULL), 0);
	return preflight;
}

static void all_is_well(void **unused)
{
	prepare();
	assert_int_equal(preflight_of(SLOT_A, SLOT_B).n_findings, 0);
	app_options.shipped = NULL;
	mount = "/var";
	assert_int_equal(preflight_of(SLOT_A, SLOT_B).n_findings, 0);
}

static void all_that_is_in_the_way_is_said(void **unused)
{
	struct preflight preflight;
	char name[300];

	prepare();
	mount = "/var";
	(void)snprintf(name, sizeof(name), "%s/gw.service", units);
	assert_int_equal(unlink(name), 0);
	(void)snprintf(name, sizeof(name), "%s/" PATH, slot_dir_name(SLOT_A));
	assert_int_equal(unlinkat(check_fd, name, 0), 0);
	preflight = preflight_of(SLOT_A, SLOT_B);
	assert_int_equal(preflight.n_findings, 3);
	assert_non_null(strstr(preflight.findings[0].text, "file system of its own (/var)"));
	assert_non_null(strstr(preflight.findings[1].text, "is not there"));
	assert_non_null(strstr(preflight.findings[2].text, "no way back"));
}

/* Not what lies behind a link, and nothing that is no file. */
static void a_link_is_no_unit(void **unused)
{
	_cleanup_free_ char *text = NULL;
	char name[300];

	prepare();
	(void)snprintf(name, sizeof(name), "%s/" PATH, slot_dir_name(SLOT_B));
	assert_int_equal(unlinkat(check_fd, name, 0), 0);
	assert_int_equal(symlinkat("/etc/shadow", check_fd, name), 0);
	assert_int_equal(shipped_read(check_fd, SLOT_B, PATH, &text, NULL), SHIPPED_ABSENT);
	assert_int_equal(unlinkat(check_fd, name, 0), 0);
	assert_int_equal(mkdirat(check_fd, name, 0755), 0);
	assert_int_equal(shipped_read(check_fd, SLOT_B, PATH, &text, NULL), SHIPPED_ABSENT);
}

static void somebody_elses_file_is_no_link(void **unused)
{
	char target[300], name[300];

	prepare();
	assert_int_equal(shipped_link(&app_options, PATH, target, sizeof(target), NULL), 0);
	(void)snprintf(name, sizeof(name), "%s/gw.service", units);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(shipped_link(&app_options, PATH, target, sizeof(target), NULL),
			 SHIPPED_UNLINKED);
	assert_int_equal(symlink("/elsewhere", name), 0);
	assert_int_equal(shipped_link(&app_options, PATH, target, sizeof(target), NULL),
			 SHIPPED_FOREIGN);
}

/* The manager reads them between the flip and the start, in both directions. */
static void read_anew_behind_the_flip(void **unused)
{
	enum job_result result;

	prepare();
	open_at(PHASE_SWITCHING);
	assert_int_equal(flip_to(&session, SLOT_B, &result, NULL), 0);
	assert_int_equal(flip_to(&session, SLOT_A, &result, NULL), 0);
	session_close(&session);
	assert_string_equal(systemd.jobs, "reload b, restart b, reload a, restart a, ");
}

/* A file that systemd does not take is a verdict, not an error that is tried again and again. */
static void one_that_is_not_taken_is_a_verdict(void **unused)
{
	prepare();
	open_at(PHASE_SWITCHING);
	systemd.load_state = "bad-setting";
	assert_int_equal(switching_run(&session, NULL), 0);
	session_close(&session);
	assert_string_equal(systemd.jobs, "reload b, ");
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_non_null(strstr(app_load().transaction.reason, "does not take its unit file"));
}

static void the_difference_is_told(void **unused)
{
	prepare();
	open_at(PHASE_STAGED);
	assert_int_equal(switching_prepare(&session, NULL), 0);
	session_close(&session);
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
	assert_int_equal(app_told(EVENT_NOTE, PATH ": -Environment=A=1"), 1);
	assert_int_equal(app_told(EVENT_NOTE, PATH ": +Environment=B=1"), 1);
	assert_int_equal(app_told(EVENT_NOTE, PATH ": -ExecStart"), 0);
}

/* The program is looked for that the new unit names, not the one that is loaded. */
static void the_new_unit_is_what_is_checked(void **unused)
{
	char text[400];

	prepare();
	(void)snprintf(text, sizeof(text), "[Service]\nExecStart=%s/current/walk\n", check_path);
	put(SLOT_B, text);
	open_at(PHASE_STAGED);
	assert_int_equal(switching_prepare(&session, NULL), 0);
	session_close(&session);
	assert_int_equal(app_load().transaction.outcome, OUTCOME_REFUSED);
	assert_non_null(strstr(app_load().transaction.reason, "walk"));
	put(SLOT_B, "[Service]\nExecStart=/bin/sleep 1000\n");
	open_at(PHASE_STAGED);
	assert_int_equal(switching_prepare(&session, NULL), 0);
	session_close(&session);
	assert_non_null(strstr(app_load().transaction.reason, "does not go through"));
}

static void recovery_has_them_read_if_it_flipped(void **unused)
{
	struct state state;
	bool resume, flipped;

	prepare();
	state = app_under_way(PHASE_REVERTING);
	app_store(&state);
	assert_int_equal(recover_app(&app_options, &app_listener, &resume, &flipped, NULL), 0);
	assert_true(flipped);
	assert_string_equal(systemd.jobs, "reload a, ");
	assert_int_equal(recover_app(&app_options, &app_listener, &resume, &flipped, NULL), 0);
	assert_string_equal(systemd.jobs, "reload a, ");
}

/* Before the first install there is no unit yet: it comes with it. */
static void a_first_install_brings_it(void **unused)
{
	struct preflight preflight;
	struct state state;
	struct preflight_input input = { .dirfd = 0, .current = SLOT_NONE, .target = SLOT_B };

	prepare();
	systemd.load_state = "not-found";
	state = app_under_way(PHASE_STAGED);
	input.state = &state;
	input.dirfd = check_fd;
	assert_int_equal(preflight_run(&app_options, &input, (struct manager *)&systemd, &preflight,
				       NULL),
			 0);
	assert_int_equal(preflight.n_findings, 0);
	app_options.shipped = NULL;
	assert_int_equal(preflight_run(&app_options, &input, (struct manager *)&systemd, &preflight,
				       NULL),
			 0);
	assert_non_null(strstr(preflight.findings[0].text, "gw.service is not-found"));
}

static struct preflight preflight_of_all(enum slot current)
{
	struct state state = app_under_way(PHASE_STAGED);
	struct preflight preflight;
	const struct preflight_input input = {
		.state = &state, .dirfd = check_fd, .current = current, .target = SLOT_B
	};

	assert_int_equal(preflight_run(&app_options, &input, (struct manager *)&systemd, &preflight,
				       NULL),
			 0);
	return preflight;
}

/* Both releases have one file of what is alike: root of the one that comes could write to it. */
static void who_runs_it_then_may_not_write_to_what_is_shared(void **unused)
{
	static const char drop_in[] = "[Service]\nUser=other\n";
	struct preflight preflight;
	char name[300];

	prepare();
	app_options.dedupe = DEDUPE_HARDLINK;
	systemd.user = "gateway";
	preflight = preflight_of_all(SLOT_A);
	assert_int_equal(preflight.n_findings, 1);
	assert_non_null(strstr(preflight.findings[0].text, "gw.service as it comes with"));
	put(SLOT_B, unit_text("User=gateway"));
	assert_int_equal(preflight_of_all(SLOT_A).n_findings, 0);
	put(SLOT_B, unit_text(""));
	check_write(check_fd, "drop-in", drop_in, strlen(drop_in));
	(void)snprintf(name, sizeof(name), "%s/drop-in", check_path);
	systemd.drop_in = name;
	assert_int_equal(preflight_of_all(SLOT_A).n_findings, 0);
	systemd.drop_in = NULL;
	systemd.user = NULL;
	assert_int_equal(preflight_of_all(SLOT_A).n_findings, 1);
	systemd.load_state = "not-found";
	put(SLOT_B, unit_text("DynamicUser=yes"));
	assert_int_equal(preflight_of_all(SLOT_NONE).n_findings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(all_is_well),
		systemd_test(all_that_is_in_the_way_is_said),
		systemd_test(a_link_is_no_unit),
		systemd_test(somebody_elses_file_is_no_link),
		systemd_test(read_anew_behind_the_flip),
		systemd_test(one_that_is_not_taken_is_a_verdict),
		systemd_test(the_difference_is_told),
		systemd_test(the_new_unit_is_what_is_checked),
		systemd_test(recovery_has_them_read_if_it_flipped),
		systemd_test(a_first_install_brings_it),
		systemd_test(who_runs_it_then_may_not_write_to_what_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
