#include "deploy/vacancy.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "deploy/mailbox.h"
#include "deploy/switching.h"
#include "unit/complaint.h"
#include "unit/holder.h"
#include "unit/probe-port.h"
#include "unit/proof.h"

#define LOOK_PERIOD_USEC (100 * USEC_PER_MSEC)
#define CLOSING_USEC	 (75 * USEC_PER_SEC) /* the kernel keeps a closed connection for 60 s */
#define EVICT_USEC	 (2 * USEC_PER_SEC) /* then it is killed */

/* A daemon of its own that it has left behind excuses nobody. */
static bool is_anothers(const struct session *session, const struct unit *unit,
			const struct occupant *holder)
{
	const struct state_transaction *transaction = &session->state.transaction;
	bool back = session->state.phase == PHASE_REVERTING;
	enum slot other = back ? transaction->target : transaction->origin;

	if (!holder->ours)
		return true;
	return !unit_is_running(unit) && other != SLOT_NONE &&
	       proof_uses(holder->pid, session_slot_path(session, other), true);
}

/* Whoever listens there and is not what is to start; pid 0: nobody, or who cannot be seen. */
static struct occupant find_holder(const struct session *session, const struct unit *unit,
				   uint16_t port)
{
	struct occupants holders = {};

	(void)holder_find(unit, port, PORTS_MACHINE, &holders, NULL);
	for (size_t i = 0; i < holders.n; i++)
		if (is_anothers(session, unit, &holders.list[i]))
			return holders.list[i];
	return (struct occupant){};
}

/* A proxy may be there by rights: it is told, and remembered in case that the service does not start. */
static void note_occupied(struct session *session, const struct unit *unit)
{
	const struct deploy_options *options = session->options;
	struct session_vacancy *vacancy = &session->vacancy;
	char who[160];

	for (size_t i = 0; i < options->n_probes && vacancy->ports.n < PORTS_MAX; i++) {
		uint16_t port = probe_port(&options->probes[i]);
		struct occupant holder = { .pid = 0 };

		if (port > 0)
			holder = find_holder(session, unit, port);
		if (holder.pid == 0)
			continue;
		vacancy->ports.list[vacancy->ports.n++] = port;
		session_tell(session, EVENT_WARNING, FAULT_NONE,
			     "port %u, which probe %s asks, is held already: by %s", port,
			     options->probes[i].name, holder_describe(&holder, who, sizeof(who)));
	}
}

/* For the worker that comes after this one. */
static void keep(struct session *session)
{
	struct state_transaction *transaction = &session->state.transaction;
	const struct session_vacancy *vacancy = &session->vacancy;

	transaction->was_up = vacancy->was_up;
	transaction->ports[0] = '\0';
	for (size_t i = 0; i < vacancy->ports.n; i++)
		text_append(transaction->ports, sizeof(transaction->ports), "%u,",
			    vacancy->ports.list[i]);
}

/* Of a number that others listen on beside it, it cannot be said that it is free again, nor that somebody took it. */
void vacancy_note(struct session *session, const struct unit *unit)
{
	struct session_vacancy *vacancy = &session->vacancy;
	struct error why = {};

	*vacancy = (struct session_vacancy){ .was_up = unit_is_running(unit) };
	if (!vacancy->was_up)
		note_occupied(session, unit);
	else if (holder_ports(unit, PORTS_MACHINE, &vacancy->ports, &why) < 0)
		session_tell(session, EVENT_WARNING, why.fault,
			     "which ports it listens on is not known: %s", why.text);
	keep(session);
}

void vacancy_recall(struct session *session)
{
	const struct state_transaction *transaction = &session->state.transaction;
	struct session_vacancy *vacancy = &session->vacancy;
	const char *at = transaction->ports;

	*vacancy = (struct session_vacancy){ .was_up = transaction->was_up };
	while (*at && vacancy->ports.n < PORTS_MAX) {
		uint16_t port = (uint16_t)strtoul(at, NULL, 10);

		if (port > 0)
			vacancy->ports.list[vacancy->ports.n++] = port;
		at += strcspn(at, ",");
		at += *at == ',';
	}
}

/* Under Restart=always it may just be starting again. */
static bool has_died(const struct unit *unit)
{
	return unit->restarts > 0 || !unit_is_running(unit);
}

/* What was just written may not be in the journal yet: it is asked twice. */
static int is_blamed(struct session *session, const struct unit *unit, bool *ret_blamed,
		     struct error *err)
{
	const struct probe_context context = {
		.helper = session->options->helper,
		.app = session->options->app,
		.unit = session->options->unit,
		.invocation = unit->invocation,
		.started = unit->started_usec,
		.manager = session->manager,
	};
	int r;

	*ret_blamed = session->vacancy.was_up && session->vacancy.holder.pid > 0;
	r = *ret_blamed ? 0 : complaint_of_address(&context, ret_blamed, err);
	if (r < 0 || *ret_blamed)
		return r;
	r = manager_wait(session->manager, -1, LOOK_PERIOD_USEC, err);
	return r < 0 ? r : complaint_of_address(&context, ret_blamed, err);
}

/* Until when: what closes ends by itself, what somebody holds may not. Once for each direction. */
static uint64_t find_end(struct session *session, enum ports_state state)
{
	struct session_vacancy *vacancy = &session->vacancy;
	bool reverting = session->state.phase == PHASE_REVERTING;
	uint64_t span = state == PORTS_CLOSING ? CLOSING_USEC : switching_start_budget(session);

	if (vacancy->end == 0 || vacancy->reverting != reverting)
		vacancy->end = clock_monotonic_usec() + span;
	vacancy->reverting = reverting;
	return vacancy->end;
}

/*
 * The release before comes back, and what the failed one has left in the unit's cgroup (KillMode=process) has its port: nobody else would ever end that.
 */
static void evict(struct session *session, const struct unit *unit, uint16_t port, uint64_t since)
{
	bool hard = clock_monotonic_usec() - since >= EVICT_USEC;
	struct session_vacancy *vacancy = &session->vacancy;
	struct occupants holders = {};
	char who[160];

	(void)holder_find(unit, port, PORTS_MACHINE, &holders, NULL);
	for (size_t i = 0; i < holders.n_ours; i++) {
		if (!holders.list[i].own) /* another instance of its template is another service */
			continue;
		if (!vacancy->is_told)
			session_tell(
				session, EVENT_WARNING, FAULT_NONE,
				"port %u is held by %s, which the failed release has left behind: "
				"it is ended",
				port, holder_describe(&holders.list[i], who, sizeof(who)));
		vacancy->is_told = true;
		(void)holder_signal(unit, &holders.list[i], hard ? SIGKILL : SIGTERM);
	}
}

/* The unit is as it was before it was stopped. */
static int wait_until_free(struct session *session, const struct unit *unit, uint64_t end,
			   struct error *err)
{
	uint64_t began = clock_monotonic_usec();
	struct session_vacancy *vacancy = &session->vacancy;
	char took[CLOCK_TEXT_MAX];
	uint16_t port;
	int r;

	while (ports_look(&vacancy->ports, PORTS_MACHINE, &port) != PORTS_FREE) {
		if (clock_monotonic_usec() >= end)
			return 0;
		if (session->state.phase == PHASE_REVERTING)
			evict(session, unit, port, began);
		r = mailbox_pause(session, LOOK_PERIOD_USEC, err);
		if (r != 0)
			return r < 0 ? r : VACANCY_INTERRUPTED;
	}
	vacancy->waited += clock_monotonic_usec() - began;
	session_tell(session, EVENT_NOTE, FAULT_NONE,
		     "port %u is free after %s; %s is started again", vacancy->port,
		     clock_format_span(vacancy->waited, took), session->options->unit);
	return VACANCY_FREE;
}

static void tell_wait(struct session *session, const struct unit *unit, enum ports_state state)
{
	const struct session_vacancy *vacancy = &session->vacancy;
	char who[160] = "a process that was left behind";

	if (vacancy->holder.pid > 0)
		holder_describe(&vacancy->holder, who, sizeof(who));
	session_tell(session, EVENT_NOTE, FAULT_NONE,
		     "%s did not find its address free: port %u is %s%s; that is waited for",
		     unit->name, vacancy->port,
		     state == PORTS_HELD ?
			     "held by " :
			     "not free yet, connections of the old process are being closed",
		     state == PORTS_HELD ? who : "");
}

int vacancy_wait(struct session *session, struct error *err)
{
	struct session_vacancy *vacancy = &session->vacancy;
	enum job_result result = JOB_RESULT_OTHER;
	_cleanup_unit_ struct unit unit = {};
	enum ports_state state;
	bool blamed = false;
	uint16_t port;
	uint64_t end;
	int r;

	vacancy->holder.pid = 0;
	state = ports_look(&vacancy->ports, PORTS_MACHINE, &port);
	if (state == PORTS_FREE)
		return 0;
	r = session_query(session, &unit, err);
	if (r < 0 || !has_died(&unit))
		return r;
	vacancy->port = port;
	vacancy->holder = find_holder(session, &unit, port);
	end = find_end(session, state);
	if (clock_monotonic_usec() >= end)
		return 0;
	r = is_blamed(session, &unit, &blamed, err);
	if (r < 0 || !blamed)
		return r;
	tell_wait(session, &unit, state);
	r = switching_job(session, JOB_STOP, &result, err);
	if (r != 0)
		return r < 0 ? r : VACANCY_INTERRUPTED;
	return wait_until_free(session, &unit, end, err);
}

void vacancy_blame(const struct session *session, char *reason, size_t room)
{
	const struct session_vacancy *vacancy = &session->vacancy;
	char who[160];

	if (vacancy->holder.pid > 0)
		text_append(reason, room, "; port %u is held by %s", vacancy->port,
			    holder_describe(&vacancy->holder, who, sizeof(who)));
}

char *vacancy_remark(const struct session *session, char *ret_text, size_t room)
{
	char took[CLOCK_TEXT_MAX];

	if (session->vacancy.waited == 0)
		return text_print(ret_text, room, "%s", "");
	return text_print(ret_text, room, "; port %u was waited for (%s)", session->vacancy.port,
			  clock_format_span(session->vacancy.waited, took));
}
