#include "app/status.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "app/cli.h"
#include "app/look.h"
#include "app/tail.h"
#include "base/scope.h"
#include "deploy/allowance.h"
#include "deploy/soundness.h"
#include "install/seal.h"
#include "store/layout.h"

#define SETTLED_USEC \
	(60 * USEC_PER_SEC) /* a unit that systemd started again and that lasts so long is fine */

/* Scope=user:NAME; NULL: Scope=system. */
static const char *user_of(const struct status *status)
{
	return status->user[0] ? status->user : NULL;
}

/* ---- slots ---- */

static void gather_soundness(int dirfd, enum slot slot, struct status_slot *it)
{
	struct scrubbed_slot found;

	if (soundness_find(dirfd, slot, &found) != 0)
		return;
	it->verified = found.when;
	it->differences = found.differences;
	(void)text_copy(found.first, it->damage, sizeof(it->damage));
	(void)text_copy(found.text, it->unmended, sizeof(it->unmended));
}

static void gather_slot(int dirfd, enum slot slot, struct status *status)
{
	struct status_slot *it = &status->slots[slot];
	const struct state *state = &status->state;
	struct error err = {};
	int r;

	it->current = status->current == slot;
	r = seal_peek(dirfd, slot, &it->descriptor, &err);
	if (r < 0)
		(void)text_copy(err.text, it->problem, sizeof(it->problem));
	it->sealed = r == 0;
	gather_soundness(dirfd, slot, it);
	if (!it->sealed)
		return;
	it->good = digest_equal(&it->descriptor.index, &state->good.digest);
	it->fallback = !it->good && digest_equal(&it->descriptor.index, &state->fallback.digest);
	it->bad = state_is_bad(state, &it->descriptor.index);
}

static void gather_slots(int dirfd, struct status *status)
{
	struct error err = {};
	struct stat st;

	if (layout_current(dirfd, &status->current, &err) < 0) {
		status->current = SLOT_NONE;
		(void)text_copy(err.text, status->problem, sizeof(status->problem));
		status->current_is_link =
			fstatat(dirfd, LAYOUT_CURRENT, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISLNK(st.st_mode);
	}
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		gather_slot(dirfd, slot, status);
}

enum slot status_rollback_slot(const struct status *status)
{
	const struct status_slot *other;

	if (status->current == SLOT_NONE)
		return SLOT_NONE;
	other = &status->slots[slot_other(status->current)];
	if (status->slots[status->current].good ? other->fallback : other->good)
		return slot_other(status->current);
	return SLOT_NONE;
}

/* ---- the unit ---- */

static void gather_proof(const struct unit *unit, struct status *status)
{
	char slot[STATUS_PATH_MAX + 16], other[STATUS_PATH_MAX + 16];
	char current[STATUS_PATH_MAX + 16];
	struct error err = {};

	if (status->current == SLOT_NONE || !status->unit.running)
		return;
	if (!scope_may_write()) {
		(void)text_copy("only root may see what a process uses", status->unit.unproved,
				sizeof(status->unit.unproved));
		return;
	}
	(void)snprintf(slot, sizeof(slot), "%s/%s", status->root, slot_dir_name(status->current));
	(void)snprintf(other, sizeof(other), "%s/%s", status->root,
		       slot_dir_name(slot_other(status->current)));
	(void)snprintf(current, sizeof(current), "%s/" LAYOUT_CURRENT, status->root);
	status->unit.proved = proof_find(unit, slot, other, current, &status->unit.proof, &err) >=
			      0;
	(void)text_copy(err.text, status->unit.unproved, sizeof(status->unit.unproved));
}

/* Did systemd have to start it again, and it has not lasted since? */
static bool is_crashing(const struct unit *unit, uint64_t now)
{
	bool lasts = unit_is_running(unit) && strcmp(unit->active_state, "activating") != 0 &&
		     now >= unit->started_usec && now - unit->started_usec > SETTLED_USEC;

	return unit->restarts > 0 && !lasts;
}

/*
 * A process that is older than the link cannot have been started through it. Not asked while the link is being
 * exchanged: the restart comes right behind that.
 */
static bool runs_since_before(int dirfd, const struct status *status)
{
	const struct status_unit *unit = &status->unit;
	struct stat st;

	if (!unit->running || status->current == SLOT_NONE || status->state.phase > PHASE_STAGED ||
	    (unit->proved && unit->proof.proof == PROOF_STRONG) ||
	    fstatat(dirfd, LAYOUT_CURRENT, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return unit->since <
	       (uint64_t)st.st_ctim.tv_sec * USEC_PER_SEC + (uint64_t)st.st_ctim.tv_nsec / 1000;
}

static int gather_unit(struct manager *manager, struct status *status, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	struct status_unit *it = &status->unit;
	int r;

	r = unit_query(manager, status->unit_name, &unit, err);
	if (r < 0)
		return r;
	it->known = true;
	it->running = unit_is_running(&unit);
	it->main_pid = unit.main_pid;
	it->since = it->running ? unit.started_usec : 0;
	it->restarts = unit.restarts;
	it->crashing = is_crashing(&unit, status->now);
	(void)text_copy(unit.load_state, it->load, sizeof(it->load));
	(void)text_copy(unit.active_state, it->active, sizeof(it->active));
	(void)text_copy(unit.sub_state, it->sub, sizeof(it->sub));
	if (!it->running && strcmp(it->active, "inactive") != 0) /* which says it all */
		(void)unit_explain(&unit, it->explanation, sizeof(it->explanation));
	gather_proof(&unit, status);
	return 0;
}

static void gather_worker(struct status *status)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	_cleanup_unit_ struct unit unit = {};
	char name[CLI_UNIT_MAX];

	if (manager_open(&manager, NULL) < 0 ||
	    unit_query(manager, cli_worker_unit(status->app, name), &unit, NULL) < 0)
		return;
	status->worker_known = true;
	status->worker_alive = strcmp(unit.active_state, "inactive") != 0 &&
			       strcmp(unit.active_state, "failed") != 0;
}

static void ask_systemd(struct status *status)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	struct error err = {};
	int r = 0;

	if (!status->unit_name[0])
		r = error_set(&err, FAULT_CONFIG, "the configuration does not say which unit");
	if (r >= 0)
		r = manager_open_of(user_of(status), &manager, &err);
	if (r >= 0)
		r = gather_unit(manager, status, &err);
	if (r < 0)
		(void)text_copy(err.text, status->unit.unknown, sizeof(status->unit.unknown));
	gather_worker(status);
}

/* ---- what is under way, and what was ---- */

static void gather_progress(struct status *status)
{
	_cleanup_(tail_freep) struct tail *tail = NULL;
	struct event_line line;

	if (status->state.phase != PHASE_STAGING ||
	    tail_new(scope_dir(SCOPE_RUN), status->app, TAIL_BEGIN, &tail, NULL) < 0)
		return;
	while (tail_next(tail, &line, NULL, NULL) == 0) {
		if (line.kind != EVENT_PROGRESS ||
		    strcmp(line.transaction, status->state.transaction.id) != 0)
			continue;
		status->progress = true;
		status->step = line.step;
		status->done = line.done;
		status->total = line.total;
	}
}

static int gather_last(int dirfd, struct status *status, struct error *err)
{
	_cleanup_free_ struct history_entry *entries = NULL;
	size_t n;
	int r;

	if (status->state.phase == PHASE_IDLE && status->state.transaction.id[0]) {
		result_of_state(&status->state, &status->last);
		status->last_known = status->last.entry.outcome != OUTCOME_NONE;
		return 0;
	}
	r = history_load(dirfd, 1, &entries, &n, err);
	if (r < 0)
		return r;
	status->last_known = n > 0;
	if (n > 0)
		status->last = (struct result){ .entry = entries[0] };
	return 0;
}

/* Does an update wait because the day's bytes are used up? */
static bool is_used_up(const struct status *status, uint64_t most)
{
	return status->state.phase == PHASE_STAGING && most > 0 &&
	       status->checked.day == allowance_day(clock_realtime_usec()) &&
	       status->checked.day_bytes >= most;
}

/* What was news when it was found may have been installed since. */
static bool is_installed(const struct status *status)
{
	const struct state_release *offer = &status->checked.offer;

	if (offer->sequence > 0)
		return digest_equal(&offer->digest, &status->state.good.digest);
	return status->current != SLOT_NONE && status->slots[status->current].sealed &&
	       status->slots[status->current].descriptor.origin == ORIGIN_TARGET &&
	       digest_equal(&offer->digest, &status->slots[status->current].descriptor.promised);
}

static void gather_source(int dirfd, const struct config *config, struct status *status)
{
	const struct source_options *source = &config_deploy(config)->source;

	if (checked_load(dirfd, &status->checked, NULL) < 0)
		status->checked = (struct checked){};
	status->has_source = source->url;
	status->checked.news = status->checked.news && !is_installed(status);
	status->used_up = is_used_up(status, source->max_bytes_per_day);
}

static void gather_alerts(int dirfd, struct status_alerts *alerts)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;
	struct error err = {};
	size_t n = 0;

	if (outbox_load(dirfd, &entries, &n, &err) < 0)
		(void)text_copy(err.text, alerts->error, sizeof(alerts->error));
	alerts->waiting = n;
	for (size_t i = 0; i < n; i++)
		if (entries[i].dropped > alerts->dropped)
			alerts->dropped = entries[i].dropped;
	if (n == 0)
		return;
	alerts->oldest = entries[0].created;
	alerts->attempts = entries[0].attempts;
	(void)text_copy(entries[0].receiver, alerts->receiver, sizeof(alerts->receiver));
	(void)text_copy(entries[0].error, alerts->error, sizeof(alerts->error));
}

/* A damaged state is made anew by the worker, of what `current` names. */
static int load_state(const char *app, int dirfd, struct state *ret_state, struct error *err)
{
	struct error why = {};
	int r = state_load(dirfd, ret_state, &why);

	if (r >= 0)
		return 0;
	if (why.fault != FAULT_CORRUPT)
		return error_set(err, why.fault, "%s", why.text);
	return error_set(err, FAULT_CORRUPT,
			 "%s: `%s start flipslot@%s` makes a new one of what else is there",
			 why.text, scope_systemctl(), app);
}

static int gather_disk(const char *app, struct status *status, int *ret_dirfd, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int dirfd = -1;
	int r;

	*status = (struct status){ .now = clock_realtime_usec(), .current = SLOT_NONE };
	r = cli_open_rough(app, &config, &dirfd, &status->config_problem, err);
	if (r < 0)
		return r;
	(void)text_copy(app, status->app, sizeof(status->app));
	(void)text_copy(config_unit(config), status->unit_name, sizeof(status->unit_name));
	if (config_user(config))
		(void)text_copy(config_user(config), status->user, sizeof(status->user));
	(void)text_copy(config_root(config), status->root, sizeof(status->root));
	status->watch_usec = config_deploy(config)->watch_usec;
	status->scrub_usec = config_deploy(config)->scrub_usec;
	r = load_state(app, dirfd, &status->state, err);
	if (r < 0)
		return r;
	gather_slots(dirfd, status);
	gather_source(dirfd, config, status);
	gather_alerts(dirfd, &status->alerts);
	r = gather_last(dirfd, status, err);
	*ret_dirfd = r < 0 ? -1 : TAKE_FD(dirfd);
	return r;
}

int status_gather_disk(const char *app, struct status *ret_status, struct error *err)
{
	_cleanup_close_ int dirfd = -1;

	return gather_disk(app, ret_status, &dirfd, err);
}

int status_gather(const char *app, struct status *ret_status, struct error *err)
{
	_cleanup_close_ int dirfd = -1;
	struct status *status = ret_status;
	int r = gather_disk(app, status, &dirfd, err);

	if (r < 0)
		return r;
	gather_progress(status);
	ask_systemd(status);
	status->unit.before_slot = runs_since_before(dirfd, status);
	return 0;
}
