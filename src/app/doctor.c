#include "app/doctor.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "app/checkup-probes.h"
#include "app/checkup-source.h"
#include "app/checkup.h"
#include "app/cli.h"
#include "app/format.h"
#include "app/init-enable.h"
#include "app/status.h"
#include "base/confine.h"
#include "base/scope.h"
#include "base/text.h"
#include "deploy/preflight.h"
#include "install/scrub.h"
#include "store/scrubbed.h"

struct doctor {
	const char *app;
	bool online;
	struct doctor_tally tally;
	struct config *config;
	const struct deploy_options *options;
	int dirfd;
	struct status status;
	struct manager *manager; /* of the scope: that of our own units */
	struct manager *
		owner; /* that has the app's unit, if it is another user's; NULL: `manager` has it */
};

static void tell(struct doctor_tally *tally, enum fault fault, bool warning, char *text)
{
	const struct doctor_finding finding = { .fault = fault,
						.warning = warning,
						.text = text_hide_logins(text) };

	tally->problems += !warning;
	tally->listener->handle(tally->listener->data, &finding);
}

void doctor_complain(struct doctor_tally *tally, enum fault fault, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tell(tally, fault, false, text);
}

void doctor_warn(struct doctor_tally *tally, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tell(tally, FAULT_NONE, true, text);
}

/* ---- configuration ---- */

static void take_config_finding(void *data, const char *text)
{
	doctor_complain(data, FAULT_CONFIG, "%s", text);
}

static int look_at_config(struct doctor *doctor, struct error *err)
{
	unsigned int problems = 0;
	struct error why = {};

	if (config_check(doctor->app, take_config_finding, &doctor->tally, &problems, &why) < 0) {
		doctor_complain(&doctor->tally, why.fault, "%s", why.text);
		return 0;
	}
	if (problems > 0)
		return 0;
	if (cli_open(doctor->app, &doctor->config, &doctor->dirfd, &why) < 0) {
		doctor_complain(&doctor->tally, why.fault, "%s", why.text);
		return 0;
	}
	doctor->options = config_deploy(doctor->config);
	return status_gather(doctor->app, &doctor->status, err);
}

/* ---- state and slots ---- */

static void look_at_state(struct doctor *doctor)
{
	const struct state *state = &doctor->status.state;
	char log[SCOPE_LOG_MAX];
	struct state again;

	if (state_load(doctor->dirfd, &again, NULL) == STATE_TORN)
		doctor_warn(&doctor->tally,
			    "one of the two state records is damaged: the next transaction writes "
			    "it anew; if it comes again, the disk is failing");
	if (doctor->status.problem[0])
		doctor_complain(&doctor->tally, FAULT_CORRUPT,
				"%s: `%s start flipslot@%s` puts it right", doctor->status.problem,
				scope_systemctl(), doctor->app);
	if (state->phase != PHASE_IDLE)
		doctor_complain(&doctor->tally, FAULT_BUSY,
				"a transaction is under way (%s): `flipslot follow %s` shows it",
				phase_name(state->phase), doctor->app);
	else if (state->transaction.outcome == OUTCOME_BOTH_BAD)
		doctor_complain(&doctor->tally, FAULT_UNHEALTHY,
				"the last transaction ended with both releases bad: %s; see `%s`",
				state->transaction.reason,
				scope_log_of(doctor->options->user, doctor->options->unit, log));
}

/* The way back is repaired where it can be; what runs is not written. */
static const char *way_out(const struct doctor *doctor, const struct status_slot *it,
			   char *ret_text, size_t room)
{
	if (it->fallback)
		return text_print(ret_text, room,
				  "`flipslot scrub %s` has it repaired if the source has it still, "
				  "or install %s again",
				  doctor->app, it->descriptor.version);
	return text_print(ret_text, room, "install %s again", it->descriptor.version);
}

static void look_at_slot(struct doctor *doctor, enum slot slot)
{
	const struct status_slot *it = &doctor->status.slots[slot];
	uint64_t differences = 0;
	char remedy[256];
	struct error why = {};
	int r;

	if (!it->sealed && !it->problem[0])
		return;
	r = scrub_slot(doctor->dirfd, slot, NULL, NULL, NULL, &differences, &why);
	if (r < 0)
		doctor_complain(&doctor->tally, why.fault, "slot %s: %s", slot_name(slot),
				why.text);
	else if (r != SEAL_ABSENT && differences > 0)
		doctor_complain(
			&doctor->tally, FAULT_CORRUPT,
			"slot %s (%s) is not what was installed, in %llu places: `flipslot verify "
			"%s %s` shows them; %s",
			slot_name(slot), it->descriptor.version, (unsigned long long)differences,
			doctor->app, slot_name(slot), way_out(doctor, it, remedy, sizeof(remedy)));
}

/* The slots are read in the background, as long as the timer ticks. */
static void look_at_scrub(struct doctor *doctor)
{
	uint64_t period = doctor->options->scrub_usec;
	uint64_t now = clock_realtime_usec();
	struct scrubbed scrubbed;

	if (period == 0 || doctor->status.current == SLOT_NONE)
		return;
	if (scrubbed_load(doctor->dirfd, &scrubbed, NULL) < 0 || scrubbed.when == 0)
		return; /* the first tick does it */
	if (now > scrubbed.when && now - scrubbed.when > 2 * period + USEC_PER_DAY)
		doctor_warn(
			&doctor->tally,
			"the slots were read last %llu days ago (Scrub=): `flipslot scrub %s`, and is the "
			"timer at work?",
			(unsigned long long)((now - scrubbed.when) / USEC_PER_DAY), doctor->app);
}

static void look_at_way_back(struct doctor *doctor)
{
	const struct state *state = &doctor->status.state;

	if (doctor->status.current == SLOT_NONE || state->phase != PHASE_IDLE)
		return;
	if (status_rollback_slot(&doctor->status) != SLOT_NONE)
		return;
	if (digest_is_null(&state->fallback.digest))
		doctor_warn(&doctor->tally,
			    "there is no release to roll back to by hand: none was known good "
			    "before this one (an update that fails still comes back to this one)");
	else
		doctor_warn(
			&doctor->tally,
			"%s, which was known good before, is not on the disk any more: install it "
			"again to be able to go back to it by hand",
			state->fallback.version);
}

/* Where Root= lies: writable, programs may be started, room for another release as large as this one. */
static void look_at_disk(struct doctor *doctor)
{
	enum slot current = doctor->status.current;
	const struct descriptor *running =
		current == SLOT_NONE ? NULL : &doctor->status.slots[current].descriptor;
	uint64_t reserve = doctor->options->stage.reserve_bytes;
	uint64_t free_bytes, wanted;
	char has[FORMAT_MAX], needs[FORMAT_MAX];
	struct statvfs fs;

	if (fstatvfs(doctor->dirfd, &fs) < 0)
		return;
	if (fs.f_flag & ST_RDONLY)
		doctor_complain(&doctor->tally, FAULT_CONFIG,
				"%s is on a file system that is mounted read-only",
				doctor->options->root);
	if (fs.f_flag & ST_NOEXEC)
		doctor_complain(
			&doctor->tally, FAULT_CONFIG,
			"%s is on a file system mounted with noexec: no program of a release can "
			"be started; remount it or choose another Root=",
			doctor->options->root);
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	/* the slot that is overwritten is emptied first, or its files are taken over */
	wanted =
		reserve +
		(running && !doctor->status.slots[slot_other(current)].sealed ? running->bytes : 0);
	if (free_bytes < wanted)
		doctor_complain(
			&doctor->tally, FAULT_NO_SPACE,
			"%s has %s left; an update like the release that runs needs %s, with "
			"Reserve=: make room, or lower Reserve=",
			doctor->options->root, format_size(free_bytes, has),
			format_size(wanted, needs));
	if (fs.f_files > 0 && fs.f_favail < 64)
		doctor_complain(&doctor->tally, FAULT_NO_SPACE,
				"%s has %llu inodes left: remove files", doctor->options->root,
				(unsigned long long)fs.f_favail);
}

/* ---- systemd ---- */

/* ActiveState of any kind of unit, "" if it cannot be asked. */
static void active_state(struct doctor *doctor, const char *name, char *ret_state, size_t room)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *state = NULL;

	ret_state[0] = '\0';
	if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", name, &path) < 0 ||
	    sd_bus_get_property_string(manager_bus(doctor->manager), MANAGER_SERVICE, path,
				       "org.freedesktop.systemd1.Unit", "ActiveState", NULL,
				       &state) < 0)
		return;
	(void)text_copy(state, ret_state, room);
}

static void file_state(struct manager *manager, const char *name, char *ret_state, size_t room)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	const char *state;

	ret_state[0] = '\0';
	if (manager_call(manager, MANAGER_PATH, MANAGER_INTERFACE, "GetUnitFileState", &bus_error,
			 &reply, "s", name) >= 0 &&
	    sd_bus_message_read(reply, "s", &state) >= 0)
		(void)text_copy(state, ret_state, room);
}

static void look_at_own_units(struct doctor *doctor)
{
	char timer[INIT_TIMER_MAX], worker[CLI_UNIT_MAX], state[32];
	_cleanup_unit_ struct unit unit = {};

	(void)init_enable_timer_name(doctor->app, timer);
	file_state(doctor->manager, INIT_RECOVER_UNIT, state, sizeof(state));
	if (strcmp(state, "enabled") != 0)
		doctor_complain(&doctor->tally, FAULT_UNIT,
				INIT_RECOVER_UNIT
				" is not enabled (%s): after a crash in mid-update nobody "
				"settles what runs: `%s enable " INIT_RECOVER_UNIT "`",
				state[0] ? state : "not installed", scope_systemctl());
	active_state(doctor, timer, state, sizeof(state));
	if (strcmp(state, "active") != 0)
		doctor_warn(
			&doctor->tally,
			"%s does not tick: nobody looks at the source, nor goes on with what is "
			"unfinished: `%s enable --now %s`",
			timer, scope_systemctl(), timer);
	(void)cli_worker_unit(doctor->app, worker);
	if (unit_query(doctor->manager, worker, &unit, NULL) < 0 ||
	    strcmp(unit.load_state, "loaded") != 0)
		doctor_complain(&doctor->tally, FAULT_UNIT,
				"%s is %s: reinstall flipslot, or `%s unmask %s`", worker,
				unit.load_state[0] ? unit.load_state : "not known",
				scope_systemctl(), worker);
	else if (strcmp(unit.active_state, "failed") == 0)
		doctor_warn(&doctor->tally, "the last worker failed: `%s -u %s` says why",
			    scope_journalctl(), worker);
}

static struct manager *manager_of_app(const struct doctor *doctor)
{
	return doctor->owner ? doctor->owner : doctor->manager;
}

/* A unit without [Install], or one that a socket starts, is for others to start. */
static void look_at_boot(struct doctor *doctor, const struct unit *unit)
{
	char systemctl[SCOPE_COMMAND_MAX], state[32];

	file_state(manager_of_app(doctor), unit->name, state, sizeof(state));
	if (strcmp(state, "disabled") == 0 && !(unit->triggered_by && unit->triggered_by[0]))
		doctor_warn(&doctor->tally,
			    "%s is not enabled: after a boot nothing starts it: `%s enable %s`",
			    unit->name, scope_systemctl_of(doctor->options->user, systemctl),
			    unit->name);
}

static void look_at_unit(struct doctor *doctor)
{
	const char *user = doctor->options->user;
	char systemctl[SCOPE_COMMAND_MAX], log[SCOPE_LOG_MAX];
	_cleanup_unit_ struct unit unit = {};
	char drop_in[128];
	bool found = user != NULL; /* for whom there is nothing in it that must be */

	if (unit_query(manager_of_app(doctor), doctor->options->unit, &unit, NULL) < 0)
		return;
	look_at_boot(doctor, &unit);
	if (unit.need_daemon_reload)
		doctor_warn(
			&doctor->tally,
			"files of %s have changed on the disk: `%s daemon-reload`, or an update "
			"starts it as it was before",
			unit.name, scope_systemctl_of(user, systemctl));
	(void)snprintf(drop_in, sizeof(drop_in), "/50-flipslot.conf");
	for (char **path = unit.drop_in_paths; path && *path; path++)
		found |= strlen(*path) > strlen(drop_in) &&
			 strcmp(*path + strlen(*path) - strlen(drop_in), drop_in) == 0;
	if (!found)
		doctor_warn(&doctor->tally,
			    "%s has no drop-in of flipslot: it is not started behind "
			    "" INIT_RECOVER_UNIT
			    ", and no late failure is told: `flipslot init %s --unit %s`",
			    unit.name, doctor->app, unit.name);
	if (unit_is_running(&unit) && unit.restarts > 0)
		doctor_warn(&doctor->tally,
			    "%s was restarted by systemd %u times since its start: `%s`", unit.name,
			    unit.restarts, scope_log_of(user, unit.name, log));
}

static int look_at_preflight(struct doctor *doctor, struct error *err)
{
	const struct preflight_input input = {
		.state = &doctor->status.state,
		.dirfd = doctor->dirfd,
		.target = SLOT_NONE,
		.current = doctor->status.current,
	};
	struct preflight preflight;
	struct error why = {};
	int r = preflight_run(doctor->options, &input, manager_of_app(doctor), &preflight, &why);

	if (r < 0 && doctor->options->user) {
		doctor_complain(&doctor->tally, why.fault, "%s", why.text);
		return 0;
	}
	if (r < 0)
		return error_set(err, why.fault, "%s", why.text);
	for (size_t i = 0; i < preflight.n_findings; i++)
		tell(&doctor->tally, preflight.findings[i].fault, false,
		     preflight.findings[i].text);
	if (preflight.warning[0])
		tell(&doctor->tally, FAULT_NONE, true, preflight.warning);
	return 0;
}

static int look_at_systemd(struct doctor *doctor, struct error *err)
{
	struct error why = {};

	if (manager_open(&doctor->manager, &why) < 0) {
		doctor_complain(&doctor->tally, why.fault, "%s", why.text);
		return 0;
	}
	look_at_own_units(doctor);
	if (doctor->options->user &&
	    manager_open_of(doctor->options->user, &doctor->owner, &why) < 0) {
		doctor_complain(&doctor->tally, why.fault, "%s", why.text);
		return 0;
	}
	look_at_unit(doctor);
	return look_at_preflight(doctor, err);
}

/* ---- around it ---- */

/* Without users of their own the helpers run as nobody, and share that with whatever else does. */
static void look_at_users(struct doctor *doctor)
{
	static const char *const users[] = { "flipslot-probe", "flipslot-fetch" };

	for (size_t i = 0; !scope_is_user() && i < ARRAY_SIZE(users); i++)
		if (strcmp(confine_user_or_nobody(users[i]), users[i]) != 0)
			doctor_warn(&doctor->tally,
				    "there is no user %s: `systemd-sysusers` makes it", users[i]);
}

/* Nobody logged in: no manager, no service. */
static void look_at_lingering(struct doctor *doctor)
{
	struct passwd entry, *user = NULL;
	char path[256], buffer[4096];

	if (!scope_is_user() || getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &user) != 0 ||
	    !user)
		return;
	(void)snprintf(path, sizeof(path), "/var/lib/systemd/linger/%.200s", user->pw_name);
	if (access(path, F_OK) < 0)
		doctor_complain(
			&doctor->tally, FAULT_UNIT,
			"%s does not linger: the service and its updates stop at the last logout: "
			"`loginctl enable-linger`",
			user->pw_name);
}

static void done(struct doctor *doctor)
{
	manager_free(doctor->owner);
	manager_free(doctor->manager);
	cleanup_close(&doctor->dirfd);
	config_free(doctor->config);
}

static void look_further(struct doctor *doctor)
{
	struct checkup checkup = {
		.app = doctor->app,
		.options = doctor->options,
		.status = &doctor->status,
		.dirfd = doctor->dirfd,
		.online = doctor->online,
		.manager = doctor->manager,
		.owner = doctor->options->user ? doctor->owner : doctor->manager,
		.tally = &doctor->tally,
	};

	checkup_source(&checkup);
	checkup_run(&checkup);
	checkup_probes(&checkup);
}

int doctor_run(const char *app, bool online, const struct doctor_listener *listener,
	       unsigned int *ret_problems, struct error *err)
{
	_cleanup_(done) struct doctor doctor = {
		.app = app, .online = online, .tally = { .listener = listener }, .dirfd = -1
	};
	int r = look_at_config(&doctor, err);

	if (r >= 0 && doctor.options) {
		look_at_state(&doctor);
		for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
			look_at_slot(&doctor, slot);
		look_at_way_back(&doctor);
		look_at_scrub(&doctor);
		look_at_disk(&doctor);
		look_at_users(&doctor);
		look_at_lingering(&doctor);
		r = look_at_systemd(&doctor, err);
		if (r >= 0)
			look_further(&doctor);
	}
	if (r < 0)
		return r;
	*ret_problems = doctor.tally.problems;
	return 0;
}
