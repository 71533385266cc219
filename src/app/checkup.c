#include "app/checkup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/round.h"
#include "base/confine.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/text.h"
#include "store/history.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/request.h"

#define ATTEMPTS_MANY 3 /* at delivering one alert */
#define HOLD_OLD_USEC (7 * USEC_PER_DAY)

/* ---- the app's directory ---- */

/* What must be written on a full disk must be there, and of its size. */
static void look_at_files(const struct checkup *checkup)
{
	_cleanup_free_ struct history_entry *entries = NULL;
	_cleanup_free_ struct outbox_entry *alerts = NULL;
	struct error why = {};
	struct request request;
	size_t n;

	if (history_load(checkup->dirfd, 1, &entries, &n, &why) < 0)
		doctor_complain(
			checkup->tally, why.fault,
			"%s: no outcome could be recorded: `flipslot init %s --unit %s` makes it "
			"anew, once the damaged one is moved away",
			why.text, checkup->app, checkup->options->unit);
	if (request_load(checkup->dirfd, &request, &why) < 0)
		doctor_complain(
			checkup->tally, why.fault,
			"%s: nothing can be asked for: `flipslot init %s --unit %s` makes it "
			"anew, once the damaged one is moved away",
			why.text, checkup->app, checkup->options->unit);
	if (outbox_load(checkup->dirfd, &alerts, &n, &why) < 0)
		doctor_warn(checkup->tally,
			    "%s: nobody could be alerted; move it away, and it is made anew",
			    why.text);
}

/* Held while nothing is under way and no worker is at work, it is held by somebody who should not. */
static void look_at_lock(const struct checkup *checkup)
{
	_cleanup_unit_ struct unit worker = {};
	_cleanup_close_ int lock_fd = -1;
	struct error why = {};
	char name[CLI_UNIT_MAX];
	int r = lock_take(checkup->dirfd, LAYOUT_LOCK, &lock_fd, &why);

	if (r < 0)
		doctor_complain(checkup->tally, why.fault,
				"%s/%s: `flipslot init %s --unit %s` mends it",
				checkup->options->root, why.text, checkup->app,
				checkup->options->unit);
	if (r != LOCK_TAKEN || checkup->status->state.phase != PHASE_IDLE || !checkup->manager ||
	    unit_query(checkup->manager, cli_worker_unit(checkup->app, name), &worker, NULL) < 0 ||
	    unit_is_running(&worker))
		return;
	doctor_complain(checkup->tally, FAULT_BUSY,
			"%s/" LAYOUT_LOCK
			" is locked, and no worker is at work: `fuser %s/" LAYOUT_LOCK
			"` says by whom; end that process",
			checkup->options->root, checkup->options->root);
}

static void look_at_inodes(const struct checkup *checkup)
{
	enum slot current = checkup->status->current;
	struct statvfs fs;
	uint64_t files;

	if (current == SLOT_NONE || checkup->status->slots[slot_other(current)].sealed ||
	    fstatvfs(checkup->dirfd, &fs) < 0 || fs.f_files == 0)
		return;
	files = checkup->status->slots[current].descriptor.files;
	if (fs.f_favail < files)
		doctor_complain(
			checkup->tally, FAULT_NO_SPACE,
			"%s has %llu inodes left; a release like the one that runs needs %llu: "
			"remove files",
			checkup->options->root, (unsigned long long)fs.f_favail,
			(unsigned long long)files);
}

/* ---- the machine ---- */

const char *checkup_judge_clock(uint64_t now, uint64_t build)
{
	if (now >= build)
		return NULL;
	return "the clock is before the day on which this flipslot was built: certificates and "
	       "metadata cannot be judged, and outcomes get wrong times: set it, or enable "
	       "systemd-timesyncd";
}

static void look_at_machine(const struct checkup *checkup)
{
	const char *clock =
		checkup_judge_clock(clock_realtime_usec() / USEC_PER_SEC, FLIPSLOT_BUILD_TIME);

	if (clock)
		doctor_warn(checkup->tally, "%s", clock);
	if (access("/var/log/journal", F_OK) < 0)
		doctor_warn(
			checkup->tally,
			"the journal is not kept over a reboot (no /var/log/journal): why a release "
			"failed is lost then: Storage=persistent in journald.conf");
	if (!scope_is_user() &&
	    syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0)
		doctor_warn(
			checkup->tally,
			"this kernel has no Landlock: the helper that fetches is kept from files by "
			"its user and seccomp alone; a kernel from 5.13 on with "
			"CONFIG_SECURITY_LANDLOCK has it");
}

/* ---- alerts, hold ---- */

static void look_at_alerts(const struct checkup *checkup)
{
	static const char alert_user[] = "flipslot-alert";
	const struct status_alerts *alerts = &checkup->status->alerts;

	if (checkup->options->n_alerts > 0 && !scope_is_user() &&
	    strcmp(confine_user_or_nobody(alert_user), alert_user) != 0)
		doctor_warn(checkup->tally, "there is no user %s: `systemd-sysusers` makes it",
			    alert_user);
	if (alerts->waiting > 0 && alerts->attempts >= ATTEMPTS_MANY)
		doctor_warn(
			checkup->tally,
			"%zu alerts could not be delivered, the oldest to %s in %u attempts: %s; "
			"`flipslot alert test %s` tries it",
			alerts->waiting, alerts->receiver, alerts->attempts, alerts->error,
			checkup->app);
}

static void look_at_hold(const struct checkup *checkup)
{
	const struct state_hold *hold = &checkup->status->state.hold;
	uint64_t now = clock_realtime_usec();
	char span[CLOCK_TEXT_MAX];

	if (!state_is_held(&checkup->status->state, now) || hold->until > 0 || now < hold->since ||
	    now - hold->since < HOLD_OLD_USEC)
		return;
	doctor_warn(checkup->tally,
		    "it has been held for %s, by %s, without an end (--until): forgotten?",
		    clock_format_span(now - hold->since, span), hold->who);
}

/* ---- the unit ---- */

/* Without it nobody hears that the service has failed for good after the commit. */
static void look_at_on_failure(const struct checkup *checkup, const char *unit)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_(parse_argv_freep) char **names = NULL;
	char wanted[128];

	(void)snprintf(wanted, sizeof(wanted), "flipslot-failed@%s.service", checkup->app);
	if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0 ||
	    sd_bus_get_property_strv(manager_bus(checkup->manager), MANAGER_SERVICE, path,
				     "org.freedesktop.systemd1.Unit", "OnFailure", NULL,
				     &names) < 0)
		return;
	for (char **name = names; name && *name; name++)
		if (strcmp(*name, wanted) == 0)
			return;
	doctor_warn(
		checkup->tally,
		"OnFailure= of %s does not have %s: a failure after the commit is told to nobody: "
		"`flipslot init %s --unit %s` writes it into the drop-in",
		unit, wanted, checkup->app, unit);
}

static void look_at_unit(const struct checkup *checkup)
{
	const char *name = checkup->options->unit;
	_cleanup_unit_ struct unit unit = {};

	if (!checkup->manager || unit_query(checkup->manager, name, &unit, NULL) < 0 ||
	    strcmp(unit.load_state, "loaded") != 0)
		return;
	if (unit.stop_timeout_usec == USEC_INFINITY)
		doctor_warn(
			checkup->tally,
			"%s may take for ever to stop (TimeoutStopSec=infinity): an update, and a "
			"rollback, would wait as long",
			name);
	if (strcmp(unit.restart, "no") == 0 && strcmp(unit.type, "oneshot") != 0)
		doctor_warn(
			checkup->tally,
			"%s has Restart=no: when it dies after the commit, nothing starts it again "
			"but the timer of flipslot after `both-bad`",
			name);
	look_at_on_failure(checkup, name);
}

static void look_at_timer_file(const struct checkup *checkup)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	char timer[128];
	const char *state;

	(void)snprintf(timer, sizeof(timer), "flipslot@%s.timer", checkup->app);
	if (!checkup->manager ||
	    manager_call(checkup->manager, MANAGER_PATH, MANAGER_INTERFACE, "GetUnitFileState",
			 NULL, &reply, "s", timer) < 0 ||
	    sd_bus_message_read(reply, "s", &state) < 0 || strcmp(state, "enabled") == 0)
		return;
	doctor_warn(checkup->tally,
		    "%s is %s: after the next boot it does not tick: `%s enable %s`", timer, state,
		    scope_systemctl(), timer);
}

/* ---- who starts helpers ---- */

static void ask_unit(const struct checkup *checkup, const char *unit, const char *property,
		     char ret_value[static 32])
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *value = NULL;

	ret_value[0] = '\0';
	if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) >= 0 &&
	    sd_bus_get_property_string(manager_bus(checkup->manager), MANAGER_SERVICE, path,
				       "org.freedesktop.systemd1.Unit", property, NULL,
				       &value) >= 0)
		(void)text_copy(value, ret_value, 32);
}

/* It need not be up while no worker is at work, which brings it along; but nothing may be in the way of that. */
static void look_at_helper_unit(const struct checkup *checkup, const char *kind)
{
	static const char without[] = "so that the worker can neither fetch nor probe";
	char unit[CLI_UNIT_MAX];
	char load[32], active[32], file[32];

	(void)snprintf(unit, sizeof(unit), "flipslot-helper@%s.%s", checkup->app, kind);
	ask_unit(checkup, unit, "LoadState", load);
	ask_unit(checkup, unit, "ActiveState", active);
	ask_unit(checkup, unit, "UnitFileState", file);
	if (strcmp(load, "masked") == 0)
		doctor_complain(checkup->tally, FAULT_UNIT,
				"%s is masked, %s: `systemctl unmask%s %s`", unit, without,
				strcmp(file, "masked-runtime") == 0 ? " --runtime" : "", unit);
	else if (load[0] && strcmp(load, "loaded") != 0)
		doctor_complain(checkup->tally, FAULT_UNIT,
				"%s is missing (%s), %s: install the program once more", unit, load,
				without);
	else if (strcmp(active, "failed") == 0)
		doctor_complain(
			checkup->tally, FAULT_UNIT,
			"%s has failed, %s: `systemctl restart flipslot-helper@%s.socket "
			"flipslot-helper@%s.service`; if it fails again, `systemctl status %s` says why",
			unit, without, checkup->app, checkup->app, unit);
}

static void look_at_spawner(const struct checkup *checkup)
{
	if (scope_is_user() || !checkup->manager)
		return;
	look_at_helper_unit(checkup, "socket");
	look_at_helper_unit(checkup, "service");
}

/* ---- the group ---- */

static void look_at_group(const struct checkup *checkup)
{
	const char *name = checkup->options->group;
	struct group group = {};
	struct error why = {};

	if (!name)
		return;
	if (round_members(name, &group, &why) < 0)
		doctor_complain(checkup->tally, why.fault, "%s", why.text);
	if (round_load(name, &group, &why) < 0)
		doctor_complain(checkup->tally, why.fault,
				"%s: the group cannot be updated: move %s/%s" GROUP_SUFFIX " away",
				why.text, scope_dir(SCOPE_STATE), name);
}

void checkup_run(const struct checkup *checkup)
{
	look_at_files(checkup);
	look_at_lock(checkup);
	look_at_inodes(checkup);
	look_at_machine(checkup);
	look_at_alerts(checkup);
	look_at_hold(checkup);
	look_at_unit(checkup);
	look_at_timer_file(checkup);
	look_at_spawner(checkup);
	look_at_group(checkup);
}
