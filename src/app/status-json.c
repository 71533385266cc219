#include "app/status-json.h"

#include <errno.h>
#include <string.h>

#include "app/look.h"
#include "app/status-next.h"
#include "base/text.h"

/* What is not valid UTF-8 is escaped; an empty text is null. */
static void put_text(json_t *object, const char *key, const char *text)
{
	char safe[1024];

	if (!text[0])
		(void)json_object_set_new(object, key, json_null());
	else if (json_object_set_new(object, key, json_string(text)) < 0)
		(void)json_object_set_new(
			object, key,
			json_string(text_escape(text, strlen(text), safe, sizeof(safe))));
}

static void put_number(json_t *object, const char *key, uint64_t value)
{
	(void)json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void put_bool(json_t *object, const char *key, bool value)
{
	(void)json_object_set_new(object, key, json_boolean(value));
}

static void put_slot(json_t *object, const char *key, enum slot slot)
{
	put_text(object, key, slot == SLOT_NONE ? "" : slot_name(slot));
}

static void put_digest(json_t *object, const char *key, const struct digest *digest)
{
	char hex[DIGEST_HEX_MAX];

	put_text(object, key, digest_is_null(digest) ? "" : digest_to_hex(digest, hex));
}

json_t *status_json_entry(const struct history_entry *entry)
{
	json_t *object = json_object();

	put_text(object, "transaction", entry->id);
	put_text(object, "verb", verb_name(entry->verb));
	put_text(object, "outcome", outcome_name(entry->outcome));
	put_text(object, "fault", entry->fault == FAULT_NONE ? "" : fault_name(entry->fault));
	put_text(object, "reason", entry->reason);
	put_text(object, "from_version", entry->from_version);
	put_text(object, "to_version", entry->to_version);
	put_slot(object, "slot", entry->slot);
	put_number(object, "began_usec", entry->began);
	put_number(object, "ended_usec", entry->ended);
	put_number(object, "downtime_usec", entry->downtime);
	put_number(object, "fetched_bytes", entry->fetched);
	put_number(object, "requests", entry->requests);
	put_number(object, "files", entry->files);
	put_number(object, "files_reused", entry->reused);
	put_bool(object, "trusted_by_word", entry->trusted_by_word);
	put_text(object, "signer", entry->signer);
	put_text(object, "group", entry->group);
	put_text(object, "who", entry->who);
	put_text(object, "why", entry->why);
	return object;
}

json_t *status_json_slot(const struct status *status, enum slot slot)
{
	const struct status_slot *it = &status->slots[slot];
	const struct descriptor *descriptor = &it->descriptor;
	json_t *object = json_object();

	put_bool(object, "sealed", it->sealed);
	put_text(object, "problem", it->problem);
	put_bool(object, "current", it->current);
	put_bool(object, "good", it->good);
	put_bool(object, "fallback", it->fallback);
	put_bool(object, "bad", it->bad);
	put_number(object, "verified_usec", it->verified);
	put_number(object, "differences", it->differences);
	put_text(object, "damage", it->damage);
	put_text(object, "version", descriptor->version);
	put_digest(object, "digest", &descriptor->index);
	put_digest(object, "source_digest", &descriptor->source);
	put_text(object, "origin", it->sealed ? descriptor_origin_name(descriptor->origin) : "");
	put_text(object, "signer", descriptor->signer);
	put_number(object, "bytes", descriptor->bytes);
	put_number(object, "files", descriptor->files);
	put_number(object, "installed_usec", descriptor->installed);
	return object;
}

static json_t *make_unit(const struct status *status)
{
	const struct status_unit *unit = &status->unit;
	json_t *object = json_object();

	put_text(object, "name", status->unit_name);
	put_text(object, "user", status->user);
	put_text(object, "problem", unit->unknown);
	put_text(object, "load", unit->load);
	put_text(object, "active", unit->active);
	put_text(object, "sub", unit->sub);
	put_bool(object, "running", unit->running);
	put_text(object, "explanation", unit->explanation);
	put_number(object, "main_pid", unit->main_pid > 0 ? (uint64_t)unit->main_pid : 0);
	put_number(object, "since_usec", unit->since);
	put_number(object, "restarts", unit->restarts);
	put_bool(object, "crashing", unit->crashing);
	put_bool(object, "restart_needed", unit->before_slot);
	put_text(object, "proof", unit->proved ? proof_name(unit->proof.proof) : "");
	put_text(object, "proof_what", unit->proved ? unit->proof.what : "");
	put_text(object, "proof_path", unit->proved ? unit->proof.path : "");
	put_bool(object, "other_slot_in_use", unit->proved && unit->proof.other_slot);
	return object;
}

/* The release that `current` names, whether its unit runs or not. */
static json_t *make_current(const struct status *status)
{
	json_t *object;

	if (status->current == SLOT_NONE)
		return json_null();
	object = json_object();
	put_slot(object, "slot", status->current);
	put_text(object, "version", status->slots[status->current].descriptor.version);
	return object;
}

static json_t *make_transaction(const struct status *status)
{
	const struct state_transaction *transaction = &status->state.transaction;
	json_t *object;

	if (status->state.phase == PHASE_IDLE)
		return json_null();
	object = json_object();
	put_text(object, "transaction", transaction->id);
	put_text(object, "verb", verb_name(transaction->verb));
	put_text(object, "from_version", transaction->from_version);
	put_text(object, "to_version", transaction->release.version);
	put_slot(object, "slot", transaction->target);
	put_number(object, "began_usec", transaction->began);
	put_number(object, "phase_began_usec", transaction->phase_began);
	put_text(object, "reason", transaction->reason);
	put_text(object, "who", transaction->who);
	put_text(object, "why", transaction->why);
	put_text(object, "step", status->progress ? stage_step_name(status->step) : "");
	put_number(object, "done", status->done);
	put_number(object, "total", status->total);
	return object;
}

static json_t *make_hold(const struct status *status)
{
	static const struct state_hold none;
	bool held = state_is_held(&status->state, status->now);
	const struct state_hold *hold = held ? &status->state.hold : &none;
	json_t *object = json_object();

	put_bool(object, "held", held);
	put_number(object, "since_usec", hold->since);
	put_number(object, "until_usec", hold->until);
	put_text(object, "who", hold->who);
	put_text(object, "why", hold->why);
	return object;
}

static json_t *make_alerts(const struct status_alerts *alerts)
{
	json_t *object = json_object();

	put_number(object, "waiting", alerts->waiting);
	put_number(object, "dropped", alerts->dropped);
	put_number(object, "oldest_usec", alerts->oldest);
	put_text(object, "receiver", alerts->receiver);
	put_number(object, "attempts", alerts->attempts);
	put_text(object, "error", alerts->error);
	return object;
}

static json_t *make_source(const struct status *status)
{
	const struct checked *checked = &status->checked;
	json_t *object;

	if (!status->has_source)
		return json_null();
	object = json_object();
	put_number(object, "checked_usec", checked->when);
	put_text(object, "fault", checked->fault == FAULT_NONE ? "" : fault_name(checked->fault));
	put_text(object, "text", checked->text);
	put_bool(object, "update", look_has_news(checked));
	put_text(object, "version", checked->offer.version);
	put_number(object, "sequence", checked->offer.sequence);
	return object;
}

static json_t *make_bad(const struct state *state)
{
	json_t *array = json_array();

	for (size_t i = 0; i < STATE_BAD_MAX && !digest_is_null(&state->bad[i].digest); i++) {
		json_t *object = json_object();

		put_text(object, "version", state->bad[i].version);
		put_digest(object, "digest", &state->bad[i].digest);
		(void)json_array_append_new(array, object);
	}
	return array;
}

json_t *status_json(const struct status *status)
{
	json_t *object = json_object();
	json_t *slots = json_object();
	char next[STATUS_NEXT_MAX];

	put_text(object, "app", status->app);
	put_text(object, "root", status->root);
	put_text(object, "problem", status->problem);
	put_text(object, "config_problem", status->config_problem.text);
	(void)json_object_set_new(object, "current", make_current(status));
	(void)json_object_set_new(object, "unit", make_unit(status));
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		(void)json_object_set_new(slots, slot_name(slot), status_json_slot(status, slot));
	(void)json_object_set_new(object, "slots", slots);
	put_slot(object, "rollback_slot", status_rollback_slot(status));
	put_text(object, "good_version", status->state.good.version);
	put_text(object, "phase", phase_name(status->state.phase));
	(void)json_object_set_new(object, "transaction", make_transaction(status));
	(void)json_object_set_new(object, "worker_alive",
				  status->worker_known ? json_boolean(status->worker_alive) :
							 json_null());
	(void)json_object_set_new(object, "last",
				  status->last_known ? status_json_entry(&status->last.entry) :
						       json_null());
	(void)json_object_set_new(object, "hold", make_hold(status));
	(void)json_object_set_new(object, "alerts", make_alerts(&status->alerts));
	(void)json_object_set_new(object, "source", make_source(status));
	(void)json_object_set_new(object, "bad", make_bad(&status->state));
	put_text(object, "next", status_next(status, next));
	return object;
}

int status_json_print(json_t *consumed, struct error *err)
{
	int r = consumed ? json_dumpf(consumed, stdout, JSON_INDENT(2)) : -1;

	json_decref(consumed);
	if (r < 0)
		return error_code(err, -ENOMEM, "printing JSON");
	(void)putchar('\n');
	return 0;
}
