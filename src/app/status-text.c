#include "app/status-text.h"

#include <inttypes.h>
#include <string.h>

#include "app/format.h"
#include "app/status-next.h"
#include "app/look.h"

#define LABEL "  %-8s"

static const char *or_text(const char *text, const char *otherwise)
{
	return text[0] ? text : otherwise;
}

static const char *version_of(const struct status *status, enum slot slot)
{
	const struct status_slot *it = &status->slots[slot];

	return it->sealed ? it->descriptor.version : "an unknown release";
}

/* ---- what runs ---- */

char *status_text_runs(const struct status *status, char *ret_text, size_t room)
{
	if (status->current == SLOT_NONE)
		(void)snprintf(ret_text, room, "nothing");
	else if (!status->unit.known)
		(void)snprintf(ret_text, room, "%s?", version_of(status, status->current));
	else if (!status->unit.running)
		(void)snprintf(ret_text, room, "nothing (%s)", status->unit.active);
	else
		(void)snprintf(ret_text, room, "%s%s", version_of(status, status->current),
			       status->unit.crashing	? " (crashing)" :
			       status->unit.before_slot ? " (not restarted yet)" :
							  "");
	return ret_text;
}

static void add_crashes(const struct status *status, struct text *text)
{
	if (status->unit.crashing)
		text_add(text, LABEL "it is crashing: systemd has started it again %u time%s\n", "",
			 status->unit.restarts, status->unit.restarts == 1 ? "" : "s");
}

static void add_runs(const struct status *status, struct text *text)
{
	const struct status_unit *unit = &status->unit;
	const char *slot = slot_name(status->current);
	char ago[FORMAT_MAX], since[CLOCK_TEXT_MAX];

	text_add(text, LABEL, "runs");
	if (status->problem[0])
		text_add(text, "unclear: %s\n", status->problem);
	else if (!unit->known)
		text_add(text, "not known: %s\n", unit->unknown);
	else if (!unit->running)
		text_add(text, "nothing: %s is %s%s%s\n", status->unit_name, unit->active,
			 unit->explanation[0] ? ": " : "", unit->explanation);
	else if (status->current == SLOT_NONE)
		text_add(text, "%s runs, but not from a slot: nothing is installed yet\n",
			 status->unit_name);
	else if (unit->before_slot)
		text_add(text,
			 "what it ran before: it was started %s, before `current` named slot %s\n",
			 format_ago(unit->since, status->now, ago), slot);
	else
		text_add(text, "%s from slot %s, started %s (%s)\n",
			 version_of(status, status->current), slot,
			 format_ago(unit->since, status->now, ago),
			 clock_format(unit->since, since));
	add_crashes(status, text);
}

static void add_proof(const struct status *status, struct text *text)
{
	const struct proof_verdict *proof = &status->unit.proof;
	char path[256];

	if (!status->unit.running || status->current == SLOT_NONE)
		return;
	text_add(text, LABEL, "proof");
	if (status->unit.before_slot) {
		text_add(text, "none yet: it runs from slot %s after a restart\n",
			 slot_name(status->current));
		return;
	}
	if (!status->unit.proved)
		text_add(text, "not known: %s\n",
			 or_text(status->unit.unproved, "it was not looked for"));
	else if (proof->proof == PROOF_STRONG)
		text_add(text, "strong: %s of process %d is %s\n", proof->what, proof->pid,
			 text_escape(proof->path, strlen(proof->path), path, sizeof(path)));
	else if (proof->proof == PROOF_WEAK)
		text_add(text,
			 "weak: its ExecStart= goes through `current`, but no process shows a "
			 "slot\n");
	else
		text_add(text, "none: no process uses slot %s\n", slot_name(status->current));
	if (status->unit.proved && proof->other_slot)
		text_add(text,
			 LABEL "a process still uses the other slot, or files that are gone\n", "");
}

/* ---- slots ---- */

static void note(char ret_text[static STATUS_TEXT_NOTE_MAX], bool is_so, const char *words)
{
	size_t n = strlen(ret_text);

	if (is_so)
		(void)snprintf(ret_text + n, STATUS_TEXT_NOTE_MAX - n, "%s%s", n > 0 ? ", " : "",
			       words);
}

char *status_text_slot(const struct status *status, enum slot slot,
		       char ret_text[static STATUS_TEXT_NOTE_MAX])
{
	const struct status_slot *it = &status->slots[slot];
	enum phase phase = status->state.phase;
	bool is_target = phase != PHASE_IDLE && status->state.transaction.target == slot;

	ret_text[0] = '\0';
	note(ret_text, it->current, "current");
	note(ret_text, it->good, "known good");
	note(ret_text, is_target && phase == PHASE_STAGING,
	     it->sealed ? "about to be replaced" : "being filled");
	note(ret_text, is_target && phase > PHASE_STAGING && !it->good, "on trial");
	note(ret_text, it->bad, "remembered as bad");
	note(ret_text, status_rollback_slot(status) == slot && it->differences == 0,
	     "ready for a rollback");
	note(ret_text, it->differences > 0, "damaged");
	note(ret_text, it->problem[0] != '\0', "its seal is damaged");
	note(ret_text, it->current && !it->sealed && !it->problem[0], "it has no seal");
	if (!ret_text[0])
		note(ret_text, true, it->sealed ? "complete" : "empty, or half-built");
	return ret_text;
}

static void add_damage(const struct status *status, const struct status_slot *it, struct text *text)
{
	char ago[FORMAT_MAX];

	if (it->differences == 0)
		return;
	text_add(text, LABEL "%" PRIu64 " difference%s found %s, the first: %s\n", "",
		 it->differences, it->differences == 1 ? "" : "s",
		 format_ago(it->verified, status->now, ago), it->damage);
	if (it->unmended[0])
		text_add(text, LABEL "not repaired: %s\n", "", it->unmended);
}

static void add_slot(const struct status *status, enum slot slot, struct text *text)
{
	const struct status_slot *it = &status->slots[slot];
	char words[STATUS_TEXT_NOTE_MAX], size[FORMAT_MAX], label[16];

	(void)snprintf(label, sizeof(label), "slot %s", slot_name(slot));
	text_add(text, LABEL, label);
	(void)status_text_slot(status, slot, words);
	if (it->sealed)
		text_add(text, "%s: %s; %s in %" PRIu64 " entr%s%s%s\n", it->descriptor.version,
			 words, format_size(it->descriptor.bytes, size), it->descriptor.files,
			 it->descriptor.files == 1 ? "y" : "ies",
			 it->descriptor.signer[0] ? ", minisign " : "", it->descriptor.signer);
	else
		text_add(text, "%s%s%s\n", words, it->problem[0] ? ": " : "", it->problem);
	add_damage(status, it, text);
}

/* ---- transactions ---- */

static void add_phase(const struct status *status, struct text *text)
{
	const struct state_transaction *transaction = &status->state.transaction;
	char ago[FORMAT_MAX], span[CLOCK_TEXT_MAX];

	text_add(text, LABEL, "phase");
	if (status->state.phase == PHASE_IDLE) {
		text_add(text, "idle\n");
		return;
	}
	text_add(text, "%s: %s %s in slot %s, %s, by %s\n", phase_name(status->state.phase),
		 verb_name(transaction->verb), or_text(transaction->release.version, "a release"),
		 slot_name(transaction->target), format_ago(transaction->began, status->now, ago),
		 or_text(transaction->who, "somebody"));
	text_add(text, LABEL "transaction %s\n", "", transaction->id);
	if (status->progress && status->total > 0)
		text_add(text, LABEL "%s: %u %%\n", "", stage_step_name(status->step),
			 (unsigned int)((double)status->done * 100 / (double)status->total));
	if (status->state.phase == PHASE_WATCHING)
		text_add(text, LABEL "probation of %s, began %s\n", "",
			 clock_format_span(status->watch_usec, span),
			 format_ago(transaction->phase_began, status->now, ago));
}

static void add_last(const struct status *status, struct text *text)
{
	const struct history_entry *entry = &status->last.entry;
	char ago[FORMAT_MAX];

	text_add(text, LABEL, "last");
	if (!status->last_known) {
		text_add(text, "there was no transaction yet\n");
		return;
	}
	text_add(text, "%s %s: %s %s", verb_name(entry->verb),
		 or_text(entry->to_version, "a release"), outcome_name(entry->outcome),
		 format_ago(entry->ended, status->now, ago));
	text_add(text, "%s%s%s\n", entry->who[0] ? ", asked by " : "", entry->who,
		 entry->trusted_by_word ? " with --trust-me" : "");
	if (entry->why[0])
		text_add(text, LABEL "why: %s\n", "", entry->why);
	if (entry->reason[0])
		text_add(text, LABEL "%s\n", "", entry->reason);
}

static void add_hold(const struct status *status, struct text *text)
{
	const struct state_hold *hold = &status->state.hold;
	char since[FORMAT_MAX], until[CLOCK_TEXT_MAX];

	if (!state_is_held(&status->state, status->now))
		return;
	text_add(text, LABEL "held by %s %s%s%s: %s\n", "hold", or_text(hold->who, "somebody"),
		 format_ago(hold->since, status->now, since), hold->until ? " until " : "",
		 hold->until ? clock_format(hold->until, until) : "",
		 or_text(hold->why, "no reason was given"));
}

static void add_alerts(const struct status *status, struct text *text)
{
	const struct status_alerts *alerts = &status->alerts;
	char since[FORMAT_MAX];

	if (alerts->waiting > 0)
		text_add(text, LABEL "%zu to be sent, the oldest to %s, of %s%s%s\n", "alerts",
			 alerts->waiting, alerts->receiver,
			 format_ago(alerts->oldest, status->now, since),
			 alerts->error[0] ? ": " : "", alerts->error);
	else if (alerts->error[0])
		text_add(text, LABEL "%s\n", "alerts", alerts->error);
	if (alerts->dropped > 0)
		text_add(text, LABEL "%u could not be kept and are lost\n", "", alerts->dropped);
}

/* Notes are lines of their own. */
static void add_notes(const char *notes, struct text *text)
{
	while (*notes) {
		size_t size = strcspn(notes, "\n");

		if (size > 0)
			text_add(text, LABEL "%.*s\n", "", (int)size, notes);
		notes += size + (notes[size] == '\n');
	}
}

static void add_source(const struct status *status, struct text *text)
{
	const struct checked *checked = &status->checked;
	char ago[FORMAT_MAX];
	char said[LOOK_MAX];

	if (!status->has_source)
		return;
	text_add(text, LABEL "%s", "source", look_say(checked, status->app, said));
	if (checked->when)
		text_add(text, " (looked %s)", format_ago(checked->when, status->now, ago));
	text_add(text, "\n");
	if (look_has_news(checked) && state_is_bad(&status->state, &checked->offer.digest))
		text_add(
			text,
			LABEL
			"known to be bad: no timer tries it; forget that: flipslot forgive %s %s\n",
			"", status->app, checked->offer.version);
	if (checked->fault == FAULT_NONE)
		add_notes(checked->text, text);
}

void status_text(const struct status *status, struct text *text)
{
	char next[STATUS_NEXT_MAX];

	text_add(text, "%s (%s, %s)\n", status->app, status->unit_name, status->root);
	add_runs(status, text);
	add_proof(status, text);
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		add_slot(status, slot, text);
	add_phase(status, text);
	add_last(status, text);
	add_source(status, text);
	add_hold(status, text);
	add_alerts(status, text);
	text_add(text, LABEL "%s\n", "next", status_next(status, next));
}
