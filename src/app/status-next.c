#include "app/status-next.h"

#include <stdio.h>
#include <string.h>

#include "app/look.h"
#include "base/scope.h"
#include "store/layout.h"

/* Scope=user:NAME; NULL: Scope=system. */
static const char *user_of(const struct status *status)
{
	return status->user[0] ? status->user : NULL;
}

static void next_of_transaction(const struct status *status, char ret_text[static STATUS_NEXT_MAX])
{
	const char *app = status->app;
	enum phase phase = status->state.phase;

	if (status->used_up && !status->worker_alive)
		(void)snprintf(
			ret_text, STATUS_NEXT_MAX,
			"MaxBytesPerDay= is used up: the timer goes on with it tomorrow; stop it: "
			"flipslot cancel %s",
			app);
	else if (status->state.transaction.reason[0] &&
		 (phase == PHASE_STAGING || phase == PHASE_STAGED))
		(void)snprintf(ret_text, STATUS_NEXT_MAX, "%s; stop it: flipslot cancel %s",
			       status->state.transaction.reason, app);
	else if (status->worker_known && !status->worker_alive)
		(void)snprintf(ret_text, STATUS_NEXT_MAX,
			       "its worker is not running: %s start flipslot@%s goes on with it",
			       scope_systemctl(), app);
	else if (phase == PHASE_STAGING || phase == PHASE_STAGED)
		(void)snprintf(ret_text, STATUS_NEXT_MAX,
			       "watch it: flipslot follow %s; stop it: flipslot cancel %s", app,
			       app);
	else if (phase == PHASE_REVERTING)
		(void)snprintf(ret_text, STATUS_NEXT_MAX, "watch it: flipslot follow %s", app);
	else
		(void)snprintf(ret_text, STATUS_NEXT_MAX,
			       "watch it: flipslot follow %s; go back: flipslot rollback %s", app,
			       app);
}

static void next_of_crash(const struct status *status, char ret_text[static STATUS_NEXT_MAX])
{
	const char *app = status->app;
	char log[SCOPE_LOG_MAX];

	(void)scope_log_of(user_of(status), status->unit_name, log);

	if (status_rollback_slot(status) != SLOT_NONE)
		(void)snprintf(ret_text, STATUS_NEXT_MAX,
			       "find out why: %s; go back: flipslot rollback %s%s", log, app,
			       status->unit.running ? "" : " --start");
	else
		(void)snprintf(ret_text, STATUS_NEXT_MAX,
			       "find out why: %s; bring in a better release: flipslot install %s",
			       log, app);
}

static void next_of_unit(const struct status *status, char ret_text[static STATUS_NEXT_MAX])
{
	const char *unit = status->unit_name;
	char reset[UNIT_NAME_MAX + SCOPE_COMMAND_MAX + 64] = "";
	char back[96] = "";
	char systemctl_text[SCOPE_COMMAND_MAX], log[SCOPE_LOG_MAX];
	const char *systemctl = scope_systemctl_of(user_of(status), systemctl_text);

	if (strcmp(status->unit.load, "loaded") != 0) {
		(void)snprintf(ret_text, STATUS_NEXT_MAX, "%s is %s: %s status %s", unit,
			       status->unit.load, systemctl, unit);
		return;
	}
	if (strcmp(status->unit.active, "failed") == 0 && status->unit.restarts > 0)
		(void)text_print(reset, sizeof(reset), "%s reset-failed %s && ", systemctl,
				 unit); /* or the start limit refuses it */
	if (status_rollback_slot(status) != SLOT_NONE)
		(void)text_print(back, sizeof(back), "; or go back: flipslot rollback %s --start",
				 status->app);
	(void)snprintf(ret_text, STATUS_NEXT_MAX, "find out why: %s; start it: %s%s start %s%s",
		       scope_log_of(user_of(status), unit, log), reset, systemctl, unit, back);
}

/* The slot to run from when `current` does not tell: the known good one, else one that is whole. */
static enum slot find_whole(const struct status *status, bool *ret_good)
{
	enum slot found = SLOT_NONE;

	*ret_good = false;
	for (enum slot slot = SLOT_A; slot < SLOT_MAX && !*ret_good; slot++) {
		if (!status->slots[slot].sealed)
			continue;
		*ret_good = status->slots[slot].good;
		found = *ret_good || found == SLOT_NONE ? slot : found;
	}
	return found;
}

/* `current` leads nowhere. The worker puts a link right, but moves nothing away that may hold something. */
static void next_of_current(const struct status *status, char ret_text[static STATUS_NEXT_MAX])
{
	const char *root = status->root;
	char systemctl[SCOPE_COMMAND_MAX];
	bool good;
	enum slot slot = find_whole(status, &good);

	if (!status->current_is_link)
		(void)text_print(ret_text, STATUS_NEXT_MAX,
				 "`current` is no link: mv %s/" LAYOUT_CURRENT " %s/" LAYOUT_CURRENT
				 ".away, then %s start flipslot@%s",
				 root, root, scope_systemctl(), status->app);
	else if (good)
		(void)text_print(ret_text, STATUS_NEXT_MAX,
				 "%s start flipslot@%s puts `current` right", scope_systemctl(),
				 status->app);
	else if (slot != SLOT_NONE)
		(void)text_print(ret_text, STATUS_NEXT_MAX,
				 "ln -sfn %s %s/" LAYOUT_CURRENT ", then %s restart %s",
				 slot_dir_name(slot), root,
				 scope_systemctl_of(user_of(status), systemctl), status->unit_name);
	else
		(void)text_print(ret_text, STATUS_NEXT_MAX,
				 "no slot is whole: rm %s/" LAYOUT_CURRENT
				 ", then flipslot install %s FILE --version V --sha256 HEX",
				 root, status->app);
}

/* Nothing runs, nothing whole is there to start, and nothing to go back to. */
static bool is_lost(const struct status *status)
{
	return status->unit.known && !status->unit.running &&
	       !status->slots[status->current].sealed && status_rollback_slot(status) == SLOT_NONE;
}

char *status_next(const struct status *status, char ret_text[static STATUS_NEXT_MAX])
{
	const struct status_unit *unit = &status->unit;
	char systemctl_text[SCOPE_COMMAND_MAX];
	const char *systemctl = scope_systemctl_of(user_of(status), systemctl_text);

	if (status->config_problem.fault != FAULT_NONE)
		(void)snprintf(ret_text, STATUS_NEXT_MAX,
			       "mend the configuration: flipslot config check %s", status->app);
	else if (status->state.phase != PHASE_IDLE)
		next_of_transaction(status, ret_text);
	else if (status->problem[0])
		next_of_current(status, ret_text);
	else if (status->current == SLOT_NONE || is_lost(status))
		(void)snprintf(ret_text, STATUS_NEXT_MAX,
			       "flipslot install %s FILE --version V --sha256 HEX", status->app);
	else if (unit->crashing && strcmp(unit->active, "failed") != 0)
		next_of_crash(status, ret_text);
	else if (unit->known && !unit->running)
		next_of_unit(status, ret_text);
	else if (unit->before_slot)
		(void)snprintf(ret_text, STATUS_NEXT_MAX,
			       "%s restart %s when it suits you: it then runs from slot %s",
			       systemctl, status->unit_name, slot_name(status->current));
	else if (unit->proved && unit->proof.other_slot)
		(void)snprintf(ret_text, STATUS_NEXT_MAX,
			       "a process still uses the other slot: %s restart %s", systemctl,
			       status->unit_name);
	else if (!status->slots[status->current].sealed)
		(void)text_print(ret_text, STATUS_NEXT_MAX,
				 "slot %s has no seal, so an update would have no way back: "
				 "flipslot init %s --unit %s --version V --adopt %s/" LAYOUT_CURRENT
				 " takes it over again",
				 slot_name(status->current), status->app, status->unit_name,
				 status->root);
	else if (state_is_held(&status->state, status->now))
		(void)snprintf(ret_text, STATUS_NEXT_MAX,
			       "nothing; timers change nothing until: flipslot unhold %s",
			       status->app);
	else if (status->has_source && look_has_news(&status->checked) &&
		 !state_is_bad(&status->state, &status->checked.offer.digest))
		(void)snprintf(ret_text, STATUS_NEXT_MAX, "flipslot update %s", status->app);
	else
		(void)snprintf(ret_text, STATUS_NEXT_MAX, "nothing");
	return ret_text;
}
