#include "app/result.h"

#include <string.h>

#include "app/cli.h"
#include "app/format.h"
#include "base/scope.h"

void result_of_state(const struct state *state, struct result *ret_result)
{
	const struct state_transaction *transaction = &state->transaction;

	*ret_result = (struct result){
		.entry = history_entry_of(transaction),
		.is_last = true,
		.switched = transaction->switched != 0,
		.remembered_bad = state_is_bad(state, &transaction->release.digest),
		.has_fallback = !digest_is_null(&state->fallback.digest),
	};
	(void)text_copy(transaction->invocation, ret_result->invocation,
			sizeof(ret_result->invocation));
}

static int find_in_history(int dirfd, const char *id, struct result *ret_result, struct error *err)
{
	_cleanup_free_ struct history_entry *entries = NULL;
	size_t n;
	int r;

	r = history_load(dirfd, HISTORY_ENTRIES, &entries, &n, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(entries[i].id, id) != 0)
			continue;
		*ret_result = (struct result){ .entry = entries[i] };
		return 0;
	}
	return RESULT_UNKNOWN;
}

int result_find(int dirfd, const char *id, struct result *ret_result, struct error *err)
{
	struct state state;
	int r;

	r = state_load(dirfd, &state, err);
	if (r < 0)
		return r;
	if (strcmp(state.transaction.id, id) != 0)
		return find_in_history(dirfd, id, ret_result, err);
	if (state.phase != PHASE_IDLE || state.transaction.outcome == OUTCOME_NONE)
		return RESULT_NOT_YET;
	result_of_state(&state, ret_result);
	return 0;
}

void result_to_line(const struct result *result, const char *app, struct event_line *ret_line)
{
	const struct history_entry *entry = &result->entry;

	*ret_line = (struct event_line){
		.kind = EVENT_OUTCOME,
		.time = entry->ended,
		.verb = entry->verb,
		.phase = PHASE_IDLE,
		.slot = entry->slot,
		.began = entry->began,
		.duration = entry->ended > entry->began ? entry->ended - entry->began : 0,
		.outcome = entry->outcome,
		.fault = entry->fault,
	};
	(void)text_copy(app, ret_line->app, sizeof(ret_line->app));
	(void)text_copy(entry->id, ret_line->transaction, sizeof(ret_line->transaction));
	(void)text_copy(entry->to_version, ret_line->version, sizeof(ret_line->version));
	(void)text_copy(entry->from_version, ret_line->from_version,
			sizeof(ret_line->from_version));
	(void)text_copy(entry->reason, ret_line->reason, sizeof(ret_line->reason));
	(void)text_copy(result->invocation, ret_line->invocation, sizeof(ret_line->invocation));
}

/* ---- in words ---- */

static const char *or_text(const char *text, const char *otherwise)
{
	return text[0] ? text : otherwise;
}

/* What was asked for is what runs already. */
static bool was_nothing_to_do(const struct result *result)
{
	return result->is_last && !result->switched;
}

/* What was fled from by a rollback is no longer what a rollback goes to. */
static void add_way_back(const struct result *result, const char *app, struct text *text)
{
	const struct history_entry *entry = &result->entry;
	bool fled = entry->verb == VERB_ROLLBACK;

	if (!entry->from_version[0])
		return;
	if (result->is_last && !fled && !result->has_fallback)
		text_add(
			text,
			"  there is no way back to %s: it has the same content, or was never known "
			"good\n",
			entry->from_version);
	else
		text_add(text, "  back to %s: flipslot %s %s\n", entry->from_version,
			 fled ? "switch" : "rollback", app);
}

static void describe_fetch(const struct history_entry *entry, struct text *text)
{
	char size[FORMAT_MAX];

	if (entry->requests == 0)
		return;
	text_add(text, "  fetched %s in %llu request%s", format_size(entry->fetched, size),
		 (unsigned long long)entry->requests, entry->requests == 1 ? "" : "s");
	if (entry->files > 0)
		text_add(text, "; %llu of %llu files were here already",
			 (unsigned long long)entry->reused, (unsigned long long)entry->files);
	text_add(text, "\n");
}

static void describe_commit(const struct result *result, const char *app, const char *unit,
			    struct text *text)
{
	const struct history_entry *entry = &result->entry;
	char span[CLOCK_TEXT_MAX];

	if (was_nothing_to_do(result)) {
		text_add(text, "%s: nothing to do: %s\n", app,
			 or_text(entry->reason, "it runs already"));
		return;
	}
	text_add(text, "%s: %s is committed: %s runs it from slot %s", app,
		 or_text(entry->to_version, "the release"), unit, slot_name(entry->slot));
	if (entry->downtime > 0 && entry->from_version[0])
		text_add(text, " (it was down for %s)", clock_format_span(entry->downtime, span));
	text_add(text, "\n");
	describe_fetch(entry, text);
	if (entry->reason[0])
		text_add(text, "  %s\n", entry->reason);
	add_way_back(result, app, text);
	if (entry->verb == VERB_SWITCH || entry->verb == VERB_ROLLBACK)
		text_add(text, "  it is held, so that no timer undoes it: flipslot unhold %s\n",
			 app);
}

/* The service's own output, and what systemd said of it, of the run that was on trial. */
static void add_log(const struct result *result, const char *app, const char *unit,
		    struct text *text)
{
	char since[CLOCK_TEXT_MAX];

	if (result->invocation[0])
		text_add(text, "  log: %s INVOCATION_ID=%s + _SYSTEMD_INVOCATION_ID=%s\n",
			 scope_journalctl(), result->invocation, result->invocation);
	else
		text_add(text, "  log: %s -u %s --since \"%.10s %.8s UTC\"\n", scope_journalctl(),
			 unit, clock_format(result->entry.began, since), since + 11);
	text_add(text, "  all of it in one file: flipslot report %s\n", app);
}

/* When the same update is worth another try. */
static void add_next_update(const struct history_entry *entry, const char *app, struct text *text)
{
	if (entry->verb != VERB_UPDATE)
		return;
	if (entry->fault == FAULT_NETWORK)
		text_add(text, "  once the source can be reached: flipslot update %s\n", app);
	if (entry->fault == FAULT_UNTRUSTED)
		text_add(text,
			 "  once the source serves what its publisher signed (there, flipslot repo "
			 "verify says whether it does): flipslot update %s\n",
			 app);
}

static void describe_failure(const struct result *result, const char *app, const char *unit,
			     struct text *text)
{
	const struct history_entry *entry = &result->entry;

	text_add(text, "%s: failed: %s\n", app, or_text(entry->reason, "no reason is recorded"));
	if (!result->is_last || result->switched) {
		add_log(result, app, unit, text);
		return;
	}
	text_add(text, "  %s was not touched\n", unit);
	add_next_update(entry, app, text);
}

static void describe_rollback(const struct result *result, const char *app, const char *unit,
			      struct text *text)
{
	const struct history_entry *entry = &result->entry;
	const char *old = or_text(entry->from_version, "the release before");
	const char *new = or_text(entry->to_version, "the release");
	const char *reason = or_text(entry->reason, "no reason is recorded");

	if (entry->outcome == OUTCOME_BOTH_BAD)
		text_add(
			text,
			"%s: both releases are bad: %s\n  %s stays current, and is started again at "
			"each tick of flipslot@%s.timer; install a better one\n",
			app, reason, old, app);
	else if (entry->outcome == OUTCOME_ROLLED_BACK_UNHEALTHY)
		text_add(text, "%s: rolled back to %s, which is not healthy either: %s\n", app, old,
			 reason);
	else
		text_add(text, "%s: rolled back to %s: %s\n", app, old, reason);
	if (result->remembered_bad)
		text_add(text, "  %s is remembered as bad\n", new);
	add_log(result, app, unit, text);
}

void result_describe(const struct result *result, const char *app, const char *unit,
		     struct text *text)
{
	const struct history_entry *entry = &result->entry;

	switch (entry->outcome) {
	case OUTCOME_COMMITTED:
		describe_commit(result, app, unit, text);
		break;
	case OUTCOME_REFUSED:
		text_add(text, "%s: refused, nothing was touched: %s\n", app,
			 or_text(entry->reason, "no reason is recorded"));
		add_next_update(entry, app, text);
		break;
	case OUTCOME_CANCELLED:
		text_add(text, "%s: cancelled, %s was not touched%s%s\n", app, unit,
			 entry->reason[0] ? ": " : "", entry->reason);
		break;
	case OUTCOME_FAILED_FIRST:
		text_add(text, "%s: the first release failed, %s is stopped: %s\n", app, unit,
			 or_text(entry->reason, "no reason is recorded"));
		add_log(result, app, unit, text);
		break;
	case OUTCOME_FAILED:
		describe_failure(result, app, unit, text);
		break;
	default:
		describe_rollback(result, app, unit, text);
		break;
	}
}

/* ---- as a number ---- */

static bool is_wanted(enum outcome outcome, enum verb asked)
{
	return outcome == OUTCOME_COMMITTED ||
	       (outcome == OUTCOME_ROLLED_BACK && asked == VERB_ROLLBACK) ||
	       (outcome == OUTCOME_CANCELLED && asked == VERB_CANCEL);
}

/* By a person's will, not for a fault. */
static bool is_overruled(const struct history_entry *entry)
{
	return entry->outcome == OUTCOME_CANCELLED ||
	       (entry->outcome == OUTCOME_ROLLED_BACK && entry->fault == FAULT_NONE);
}

int result_exit_status(const struct history_entry *entry, enum verb asked)
{
	bool untouched = entry->outcome == OUTCOME_REFUSED || entry->outcome == OUTCOME_FAILED;

	if (is_wanted(entry->outcome, asked))
		return 0;
	if (is_overruled(entry))
		return CLI_CANCELLED;
	if (entry->fault != FAULT_NONE)
		return fault_exit_status(entry->fault);
	return fault_exit_status(untouched ? FAULT_INTERNAL : FAULT_UNHEALTHY);
}
