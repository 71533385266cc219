/* LDFLAGS: @tests/deploy/systemd.flags */
/* Each finding by itself, and all of them at once. */
#include "deploy/preflight.h"

#include "systemd.h"

static struct preflight preflight;
static struct state state;
static struct preflight_input input;

static int setup(void **unused)
{
	int r = systemd_setup(unused);

	state = app_under_way(PHASE_STAGED);
	input = (struct preflight_input){
		.state = &state, .dirfd = check_fd, .target = SLOT_B, .current = SLOT_A
	};
	return r;
}

#define preflight_test(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

static size_t run(void)
{
	assert_int_equal(preflight_run(&app_options, &input, (struct manager *)&systemd, &preflight,
				       NULL),
			 0);
	return preflight.n_findings;
}

static void check_finding(enum fault fault, const char *word)
{
	assert_int_equal(run(), 1);
	assert_string_equal(fault_name(preflight.findings[0].fault), fault_name(fault));
	if (!strstr(preflight.findings[0].text, word))
		fail_msg("\"%s\" does not say \"%s\"", preflight.findings[0].text, word);
}

static void nothing_stands_in_the_way(void **unused)
{
	assert_int_equal(run(), 0);
}

static void a_hold(void **unused)
{
	state.hold = (struct state_hold){ .held = true, .who = "boss", .why = "holidays" };
	check_finding(FAULT_BUSY, "by boss (holidays): `flipslot unhold gw`");
	input.attended_override = true;
	assert_int_equal(run(), 0);
	input.attended_override = false;
	state.hold.until = 1; /* over */
	assert_int_equal(run(), 0);
}

static void a_unit_that_is_down(void **unused)
{
	systemd_set("inactive", "dead");
	check_finding(FAULT_UNIT, "systemctl start gw.service");
	input.start = true;
	assert_int_equal(run(), 0);
	input.start = false;
	systemd_set("failed", "failed"); /* nobody stopped that */
	assert_int_equal(run(), 0);
	systemd_set("activating", "auto-restart");
	systemd.job_pending = true; /* nor that, and there may be no end of it */
	assert_int_equal(run(), 0);
	systemd.job_pending = false;
	systemd_set("inactive", "dead");
	input.current = SLOT_NONE; /* a first install */
	assert_int_equal(run(), 0);
}

static void a_unit_that_never_stays(void **unused)
{
	systemd.oneshot = true;
	check_finding(FAULT_UNIT, "RemainAfterExit=yes");
	input.start = true;
	check_finding(FAULT_UNIT, "RemainAfterExit=yes");
}

static void a_job_in_the_queue(void **unused)
{
	systemd.job_pending = true;
	check_finding(FAULT_BUSY, "systemctl list-jobs");
	input.start = true;
	check_finding(FAULT_BUSY, "systemctl list-jobs"); /* a stop, it may be */
	systemd_set("activating", "start");
	assert_int_equal(run(), 0);
	input.start = false;
	check_finding(FAULT_BUSY, "or with --start");
}

static void old_processes_in_the_slot_to_be_emptied(void **unused)
{
	systemd.left = 4712;
	systemd.left_in = SLOT_B;
	assert_int_equal(run(), 0); /* it is staged already */
	input.target = SLOT_NONE;
	check_finding(FAULT_BUSY,
		      "slot b, which would be emptied, is still used by old processes of "
		      "gw.service: 4712 (run); `kill 4712`");
	systemd.left = 4711; /* its main process: `current` was put elsewhere under it */
	check_finding(FAULT_BUSY, "gw.service: 4711 (run); `systemctl restart gw.service`");
	check_finding(FAULT_BUSY, "or with --force");
	state.transaction.force = true;
	assert_int_equal(run(), 0);
	state.transaction.force = false;
	input.current = SLOT_B;
	app_point(SLOT_B);
	assert_int_equal(run(), 0); /* slot a would be */
}

static void a_unit_of_the_same_name_of_a_user(void **unused)
{
	systemd.user_unit = CGROUP_OURS;
	check_finding(FAULT_UNIT, "unit of user alice");
	/* by a name alone nobody else keeps a machine from its updates */
	systemd.user_unit = CGROUP_OF_OTHERS;
	assert_int_equal(run(), 0);
	assert_non_null(
		strstr(preflight.warning, "user alice runs a unit of the same name, gw.service"));
}

static void no_way_back(void **unused)
{
	assert_int_equal(unlinkat(check_fd, slot_seal_name(SLOT_A), 0), 0);
	check_finding(FAULT_CORRUPT, "has no seal");
	check_finding(FAULT_CORRUPT, "`flipslot init gw --unit gw.service --version V --adopt /");
	check_write(check_fd, slot_seal_name(SLOT_A), "?", 1);
	check_finding(FAULT_CORRUPT, "no way back");
}

/* Or a service whose slot was lost could never be updated again. */
static void no_way_back_and_none_to_lose(void **unused)
{
	assert_int_equal(unlinkat(check_fd, slot_seal_name(SLOT_A), 0), 0);
	systemd_set("failed", "failed");
	assert_int_equal(run(), 0);
	assert_string_equal(preflight.warning,
			    "no way back: slot a, which is current, is not whole");
	systemd_set("activating", "auto-restart");
	assert_int_equal(run(), 0);
}

static void a_target_that_is_not_whole(void **unused)
{
	assert_int_equal(unlinkat(check_fd, slot_seal_name(SLOT_B), 0), 0);
	check_finding(FAULT_CORRUPT, "slot b holds no complete release");
	input.target = SLOT_NONE; /* before the staging */
	assert_int_equal(run(), 0);
}

static void a_target_that_is_something_else(void **unused)
{
	(void)app_seal(SLOT_B, "6.6");
	check_finding(FAULT_CORRUPT, "slot b holds 6.6, which is not what was staged");
}

static void a_program_that_is_missing(void **unused)
{
	assert_int_equal(unlinkat(check_fd, "slots/b/run", 0), 0);
	check_finding(FAULT_UNIT, "2.0 would not start");
}

/* Stripping is only advised where it would bring the program to its place. */
static void a_release_in_a_folder_of_its_own(void **unused)
{
	assert_int_equal(unlinkat(check_fd, "slots/b/run", 0), 0);
	assert_int_equal(mkdirat(check_fd, "slots/b/gw-2.0", 0755), 0);
	(void)run();
	assert_null(strstr(preflight.findings[0].text, "--strip-components"));
	check_write(check_fd, "slots/b/gw-2.0/run", "", 0);
	check_finding(FAULT_UNIT, "--strip-components 1?");
	state.transaction.strip_components = 1;
	check_finding(FAULT_UNIT, "--strip-components 2?");
}

static void a_root_directory_that_is_a_link(void **unused)
{
	systemd.root_is_current = true;
	check_finding(FAULT_UNIT, "leads through a link");
	check_finding(FAULT_UNIT, "/current PROGRAM; or");
	input.start = true; /* as a person asked */
	assert_int_equal(run(), 0);
}

static void a_unit_that_goes_elsewhere(void **unused)
{
	app_options.root = "/srv/elsewhere";
	assert_true(run() >= 1);
	assert_non_null(
		strstr(preflight.findings[0].text, "does not go through /srv/elsewhere/current"));
}

/* But who only goes back shares nothing more. */
static void a_service_of_root_whose_releases_would_share_files(void **unused)
{
	app_options.dedupe = DEDUPE_HARDLINK;
	check_finding(FAULT_CONFIG, "gw.service runs as root");
	input.attended_override = true;
	assert_int_equal(run(), 0);
	input.attended_override = false;
	systemd.user = "gateway";
	assert_int_equal(run(), 0);
}

static void all_at_once(void **unused)
{
	state.hold.held = true;
	systemd_set("inactive", "dead");
	systemd.job_pending = true;
	assert_int_equal(unlinkat(check_fd, slot_seal_name(SLOT_A), 0), 0);
	assert_int_equal(unlinkat(check_fd, slot_seal_name(SLOT_B), 0), 0);
	assert_int_equal(run(), 4);
	assert_non_null(strstr(preflight.warning, "no way back"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		preflight_test(nothing_stands_in_the_way),
		preflight_test(a_hold),
		preflight_test(a_unit_that_is_down),
		preflight_test(a_unit_that_never_stays),
		preflight_test(a_job_in_the_queue),
		preflight_test(old_processes_in_the_slot_to_be_emptied),
		preflight_test(a_unit_of_the_same_name_of_a_user),
		preflight_test(no_way_back),
		preflight_test(no_way_back_and_none_to_lose),
		preflight_test(a_target_that_is_not_whole),
		preflight_test(a_target_that_is_something_else),
		preflight_test(a_program_that_is_missing),
		preflight_test(a_release_in_a_folder_of_its_own),
		preflight_test(a_root_directory_that_is_a_link),
		preflight_test(a_unit_that_goes_elsewhere),
		preflight_test(a_service_of_root_whose_releases_would_share_files),
		preflight_test(all_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
