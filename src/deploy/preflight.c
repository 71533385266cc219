#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/scope.h"
#include "base/text.h"
#include "deploy/data.h"
#include "deploy/epoch.h"
#include "deploy/landlord.h"
#include "deploy/preflight.h"
#include "deploy/sharing.h"
#include "deploy/shipped.h"
#include "deploy/siblings.h"
#include "deploy/source.h"
#include "install/seal.h"
#include "store/layout.h"
#include "unit/cgroup.h"
#include "unit/exec.h"
#include "unit/occupant.h"
#include "unit/unitfile.h"

struct check {
	const struct deploy_options *options;
	const struct preflight_input *input;
	struct manager *manager;
	const struct unit *unit;
	char current_path[4096];
	char systemctl_text[SCOPE_COMMAND_MAX];
	const char *systemctl; /* as a person says it of the unit */
	struct preflight *preflight;
};

void preflight_complain(struct preflight *preflight, enum fault fault, const char *format, ...)
{
	struct preflight_finding *finding;
	va_list args;

	if (preflight->n_findings == PREFLIGHT_FINDINGS)
		return;
	finding = &preflight->findings[preflight->n_findings++];
	finding->fault = fault;
	va_start(args, format);
	(void)vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
}

#define complain(check, ...) preflight_complain((check)->preflight, __VA_ARGS__)

static void check_hold(struct check *check)
{
	const struct state_hold *hold = &check->input->state->hold;
	char since[CLOCK_TEXT_MAX];

	if (check->input->attended_override ||
	    !state_is_held(check->input->state, clock_realtime_usec()))
		return;
	complain(check, FAULT_BUSY, "held since %s by %s (%s): `flipslot unhold %s` lifts it",
		 clock_format(hold->since, since), hold->who, hold->why, check->options->app);
}

static void check_exec_start(struct check *check)
{
	const struct unit *unit = check->unit;

	if (exec_goes_through(unit, check->current_path))
		return;
	if (unit->is_owned) { /* his files are not read */
		complain(
			check, FAULT_UNIT,
			"ExecStart= of %s does not begin with %s/, so a switch would change nothing: "
			"`%s cat %s` shows where it is set; `flipslot init %s --unit %s` writes a "
			"drop-in that does",
			unit->name, check->current_path, check->systemctl, unit->name,
			check->options->app, unit->name);
		return;
	}
	complain(check, FAULT_UNIT,
		 "ExecStart= of %s does not go through %s, so a switch would change nothing: it is "
		 "set in %s; make it start the program below %s",
		 unit->name, check->current_path, unitfile_of_exec_start(unit),
		 check->current_path);
}

static void check_root_directory(struct check *check)
{
	const struct unit *unit = check->unit;

	if (check->input->start || !exec_has_linked_root(unit, check->current_path))
		return;
	complain(
		check, FAULT_UNIT,
		"RootDirectory=%s of %s leads through a link, where systemd (252 for one) makes no "
		"root directory (226/NAMESPACE): instead of it, ExecStart=/usr/sbin/chroot %s "
		"PROGRAM; or try it all the same, with --start",
		unit->root_directory, unit->name, check->current_path);
}

/* Also with --start: it would be condemned as soon as it has done its work. */
static void check_stays(struct check *check)
{
	const char *name = check->unit->name;

	if (!unit_never_stays(check->unit))
		return;
	complain(check, FAULT_UNIT,
		 "%s is Type=oneshot and does not stay up, so nothing could be said of a release: "
		 "give it RemainAfterExit=yes (`%s edit %s`), or another Type=",
		 name, scope_systemctl(), name);
}

static void check_running(struct check *check)
{
	char why[160];

	if (check->input->start || check->input->current == SLOT_NONE ||
	    !unit_may_be_stopped(check->unit))
		return;
	complain(
		check, FAULT_UNIT,
		"%s is not running (%s), and flipslot does not start what somebody may have stopped: "
		"`%s start %s`, or ask with --start",
		check->unit->name, unit_explain(check->unit, why, sizeof(why)), check->systemctl,
		check->unit->name);
}

/* The other way round: a user's unit, and the machine has one of the same name that runs. */
static int check_system_scope(struct check *check, struct error *err)
{
	bool found;
	int r = cgroup_find_in_system(check->unit->name, &found, err);

	if (r == 0 && found)
		complain(
			check, FAULT_UNIT,
			"%s also runs as a unit of the system: two of it would fight; have that one stopped "
			"first: `sudo systemctl disable --now %s`",
			check->unit->name, check->unit->name);
	return r;
}

static int check_scopes(struct check *check, struct error *err)
{
	struct preflight *preflight = check->preflight;
	enum cgroup_found found;
	char who[64];
	int r;

	if (scope_is_user() || check->options->user)
		return check_system_scope(check, err);
	r = cgroup_find_in_user_managers(check->unit->name, check->unit->user, &found, who,
					 sizeof(who), err);
	if (r < 0)
		return r;
	if (found == CGROUP_OF_OTHERS)
		(void)snprintf(
			preflight->warning, sizeof(preflight->warning),
			"user %s runs a unit of the same name, %s: if it is the same service, the "
			"two will fight",
			who, check->unit->name);
	if (found == CGROUP_OURS)
		complain(
			check, FAULT_UNIT,
			"%s also runs as a unit of user %s: two of it would fight; stop that one first: "
			"`systemctl --user -M %s@ disable --now %s`",
			check->unit->name, who, who, check->unit->name);
	return 0;
}

static bool is_starting(const struct unit *unit)
{
	return strcmp(unit->active_state, "activating") == 0;
}

bool preflight_ignores_job(const struct unit *unit, bool start)
{
	return unit_is_looping(unit) || (start && is_starting(unit));
}

/* Who goes back by hand does not wait for a start that may never end: our job takes its place. */
static void check_job(struct check *check)
{
	const struct unit *unit = check->unit;

	if (!unit->job_pending || check->input->attended_override ||
	    preflight_ignores_job(unit, check->input->start))
		return;
	if (!is_starting(unit))
		complain(check, FAULT_BUSY,
			 "systemd has a job for %s in its queue (`%s list-jobs`): try again "
			 "when it is done",
			 unit->name, check->systemctl);
	else
		complain(check, FAULT_BUSY,
			 "%s is still starting (`%s status %s`): try again when it is done, "
			 "or with --start, which does not wait for it",
			 unit->name, check->systemctl, unit->name);
}

static int check_lingering(struct check *check, struct error *err)
{
	const char *user = check->options->user;
	int r = user ? landlord_check(user, err) : 0;

	if (r == LANDLORD_LEAVES)
		complain(check, FAULT_UNIT,
			 "user %s does not linger: the service ends at the last logout, and nobody "
			 "could bring it back: `loginctl enable-linger %s`",
			 user, user);
	return r < 0 ? r : 0;
}

/* A first install may bring its unit. */
static bool is_to_come(const struct check *check)
{
	return check->input->current == SLOT_NONE &&
	       strcmp(check->unit->load_state, "loaded") != 0 &&
	       shipped_has(check->options, check->unit->name);
}

static int check_unit(struct check *check, struct error *err)
{
	const struct unit *unit = check->unit;

	if (is_to_come(check))
		return check_scopes(check, err);
	if (strcmp(unit->load_state, "loaded") != 0) {
		complain(check, FAULT_UNIT,
			 "%s is %s%s%s: look at `%s status %s`; Unit= in %s names it", unit->name,
			 unit->load_state, unit->load_error[0] ? ": " : "", unit->load_error,
			 check->systemctl, unit->name, check->options->conf_file);
		return 0;
	}
	check_exec_start(check);
	check_root_directory(check);
	check_stays(check);
	check_running(check);
	check_job(check);
	return check_scopes(check, err);
}

/* The service to restart to get rid of one: another instance, or the unit itself if it runs there. NULL: neither. */
static const char *find_service(const struct check *check, const struct occupants *occupants)
{
	for (size_t i = 0; i < occupants->n_ours; i++)
		if (occupants->list[i].service[0] &&
		    strcmp(occupants->list[i].service, check->unit->name) != 0)
			return occupants->list[i].service;
		else if (occupants->list[i].pid == check->unit->main_pid)
			return check->unit->name;
	return NULL;
}

/* " 4711 4712" */
static char *list_pids(const struct occupants *occupants, char *ret_text, size_t room)
{
	size_t at = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < occupants->n_ours && at < room; i++)
		at += (size_t)snprintf(ret_text + at, room - at, " %d", occupants->list[i].pid);
	return ret_text;
}

/* The slot that is about to be emptied must not have old processes of the service in it. */
static int check_leftovers(struct check *check, struct error *err)
{
	const struct preflight_input *input = check->input;
	struct occupants occupants;
	const char *service;
	char path[4096];
	char restart[SCOPE_COMMAND_MAX + 16];
	char who[256], pids[12 * OCCUPANT_MAX];
	int r;

	if (input->target != SLOT_NONE || input->current == SLOT_NONE ||
	    input->state->transaction.force)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s", check->options->root,
		       slot_dir_name(slot_other(input->current)));
	r = occupant_find(check->unit, path, &occupants, err);
	if (r < 0 || occupants.n_ours == 0)
		return r;
	service = find_service(check, &occupants);
	(void)snprintf(restart, sizeof(restart), "%s restart ", check->systemctl);
	complain(
		check, FAULT_BUSY,
		"slot %s, which would be emptied, is still used by old processes of %s: %s; `%s%s`, "
		"then try again, or with --force, which takes their files away under them",
		slot_name(slot_other(input->current)), service ? service : check->unit->name,
		occupant_describe(&occupants, occupants.n_ours, who, sizeof(who)),
		service ? restart : "kill",
		service ? service : list_pids(&occupants, pids, sizeof(pids)));
	return 0;
}

/* The slot to come back to must be whole, or there is no way back; who is down has none to lose. */
static void check_fallback(struct check *check)
{
	const enum slot slot = check->input->current;
	struct preflight *preflight = check->preflight;
	struct descriptor descriptor;
	struct error why = {};
	int r = slot == SLOT_NONE ? 0 : seal_peek(check->input->dirfd, slot, &descriptor, &why);

	if (r == 0)
		return;
	if (!unit_is_running(check->unit) || unit_is_looping(check->unit))
		(void)snprintf(preflight->warning, sizeof(preflight->warning),
			       "no way back: slot %s, which is current, is not whole",
			       slot_name(slot));
	else if (r < 0)
		complain(check, FAULT_CORRUPT, "there would be no way back: %s", why.text);
	else
		complain(
			check, FAULT_CORRUPT,
			"there would be no way back: slot %s, which runs now, has no seal; take it over again: "
			"`flipslot init %s --unit %s --version V --adopt %s`",
			slot_name(slot), check->options->app, check->options->unit,
			check->current_path);
}

/* The one folder in which everything lies; -1: it does not. */
static int open_one_folder(int slot_fd)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char name[NAME_MAX + 1] = "";
	int fd;

	fd = openat(slot_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return -1;
	}
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (entry->d_type != DT_DIR || name[0])
			return -1;
		(void)text_copy(entry->d_name, name, sizeof(name));
	}
	return name[0] ? fd_open_beneath(slot_fd, name, O_RDONLY | O_DIRECTORY, 0) : -1;
}

/* Is the program there once the one folder is stripped? That is what who packed it meant. */
static char *advise_stripping(const struct check *check, int slot_fd, char *ret_text, size_t room)
{
	_cleanup_close_ int below_fd = open_one_folder(slot_fd);

	ret_text[0] = '\0';
	if (below_fd >= 0 && exec_is_complete(check->unit, check->current_path, below_fd))
		(void)snprintf(ret_text, room,
			       "; all of the release lies in one folder: --strip-components %u?",
			       check->input->state->transaction.strip_components + 1);
	return ret_text;
}

/* The program of the unit as it will be. */
static int check_program(struct check *check, const struct descriptor *descriptor, int slot_fd,
			 struct error *err)
{
	_cleanup_unit_ struct unit shipped = {};
	const struct unit *loaded = check->unit;
	struct error why = {};
	char advice[96];
	int r = shipped_unit(check->options, check->input->dirfd, check->input->target, loaded,
			     &shipped, err);

	if (r < 0)
		return r;
	if (r == 0) {
		check->unit = &shipped;
		sharing_check_coming(check->options, check->input, loaded, &shipped,
				     descriptor->version, check->preflight);
		if (!exec_goes_through(&shipped, check->current_path))
			complain(check, FAULT_UNIT,
				 "ExecStart= of the %s that comes with %s does not go through %s: "
				 "the next switch would change nothing",
				 shipped.name, descriptor->version, check->current_path);
	}
	if (exec_check(check->unit, check->current_path, slot_fd, &why) < 0)
		complain(check, why.fault, "%s would not start: %s%s", descriptor->version,
			 why.text, advise_stripping(check, slot_fd, advice, sizeof(advice)));
	check->unit = loaded;
	return 0;
}

/* Said before the switch: afterwards is too late. */
static void check_epoch(struct check *check)
{
	const struct preflight_input *input = check->input;
	char why[STATE_REASON_MAX];

	if (input->state->transaction.no_way_back)
		return;
	if (epoch_bars(input->dirfd, input->target, input->current, why, sizeof(why)) &&
	    data_is_kept(check->options))
		data_check(check->options, check->preflight);
	else if (epoch_bars(input->dirfd, input->target, input->current, why, sizeof(why)))
		complain(check, FAULT_CONFIG,
			 "a rollback would be impossible: %s; --accept-no-rollback installs it all "
			 "the same, and keeps it whatever happens",
			 why);
	else if (epoch_bars(input->dirfd, input->current, input->target, why, sizeof(why)))
		complain(check, FAULT_CONFIG,
			 "%s: bring the data back first, then ask with --accept-no-rollback", why);
}

static int check_target(struct check *check, struct error *err)
{
	_cleanup_close_ int slot_fd = -1;
	struct descriptor descriptor;
	struct error why = {};
	char barred[STATE_REASON_MAX];
	int r;

	if (check->input->target == SLOT_NONE)
		return 0;
	r = seal_peek(check->input->dirfd, check->input->target, &descriptor, &why);
	if (r < 0 || r == SEAL_ABSENT) {
		complain(check, FAULT_CORRUPT, "slot %s holds no complete release%s%s",
			 slot_name(check->input->target), r < 0 ? ": " : "", why.text);
		return 0;
	}
	if (!digest_equal(&descriptor.index, &check->input->state->transaction.release.digest))
		complain(check, FAULT_CORRUPT, "slot %s holds %s, which is not what was staged",
			 slot_name(check->input->target), descriptor.version);
	check_epoch(check);
	if (source_bars(check->input->dirfd, &descriptor, barred, sizeof(barred)))
		complain(check, FAULT_STALE, "%s", barred);
	r = layout_open_slot(check->input->dirfd, check->input->target, &slot_fd, err);
	if (r < 0)
		return r;
	return check_program(check, &descriptor, slot_fd, err);
}

int preflight_give_up(const struct error *why, struct preflight *ret_preflight)
{
	*ret_preflight = (struct preflight){};
	preflight_complain(ret_preflight, why->fault, "%s", why->text);
	return 0;
}

int preflight_run(const struct deploy_options *options, const struct preflight_input *input,
		  struct manager *manager, struct preflight *ret_preflight, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	struct check check = {
		.options = options,
		.input = input,
		.manager = manager,
		.unit = &unit,
		.preflight = ret_preflight,
	};
	int r;

	*ret_preflight = (struct preflight){};
	(void)snprintf(check.current_path, sizeof(check.current_path), "%s/" LAYOUT_CURRENT,
		       options->root);
	check.systemctl = scope_systemctl_of(options->user, check.systemctl_text);
	check_hold(&check);
	r = unit_query(manager, options->unit, &unit, err);
	if (r < 0)
		return r;
	check_fallback(&check);
	r = sharing_check(options, input, &unit, manager, ret_preflight, err);
	if (r == 0)
		r = check_lingering(&check, err);
	if (r == 0)
		r = check_unit(&check, err);
	if (r == 0)
		r = check_leftovers(&check, err);
	if (r == 0)
		r = siblings_check(options, &unit, manager, ret_preflight, err);
	if (r == 0)
		r = shipped_check(options, input, ret_preflight, err);
	if (r < 0)
		return r;
	return check_target(&check, err);
}
