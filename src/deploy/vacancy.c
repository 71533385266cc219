#include "deploy/vacancy.h"

#include "base/text.h"
#include "deploy/mailbox.h"
#include "deploy/switching.h"
#include "unit/complaint.h"

#define LOOK_PERIOD_USEC (100 * USEC_PER_MSEC)
#define CLOSING_USEC	 (75 * USEC_PER_SEC) /* the kernel keeps a closed connection for 60 s */
#define MACHINE		 1 /* the process that sees the machine's network */

void vacancy_note(struct session *session, const struct unit *unit)
{
	struct error why = {};

	if (ports_find(unit, &session->vacancy.ports, &why) < 0)
		session_tell(session, EVENT_WARNING, why.fault,
			     "which ports it listens on is not known: %s", why.text);
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
	int r = complaint_of_address(&context, ret_blamed, err);

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

static int wait_until_free(struct session *session, uint64_t end, struct error *err)
{
	uint64_t began = clock_monotonic_usec();
	struct session_vacancy *vacancy = &session->vacancy;
	char took[CLOCK_TEXT_MAX];
	uint16_t port;
	int r;

	while (ports_look(&vacancy->ports, MACHINE, &port) != PORTS_FREE) {
		if (clock_monotonic_usec() >= end)
			return 0;
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

	state = ports_look(&vacancy->ports, MACHINE, &port);
	if (state == PORTS_FREE)
		return 0;
	end = find_end(session, state);
	if (clock_monotonic_usec() >= end)
		return 0;
	r = session_query(session, &unit, err);
	if (r == 0 && has_died(&unit))
		r = is_blamed(session, &unit, &blamed, err);
	if (r < 0 || !blamed)
		return r;
	vacancy->port = port;
	session_tell(session, EVENT_NOTE, FAULT_NONE,
		     "%s found its address in use: port %u is %s; that is waited for", unit.name,
		     port,
		     state == PORTS_HELD ?
			     "held by a process that was left behind" :
			     "not free yet, connections of the old process are being closed");
	r = switching_job(session, JOB_STOP, &result, err);
	if (r != 0)
		return r < 0 ? r : VACANCY_INTERRUPTED;
	return wait_until_free(session, end, err);
}

char *vacancy_remark(const struct session *session, char *ret_text, size_t room)
{
	char took[CLOCK_TEXT_MAX];

	if (session->vacancy.waited == 0)
		return text_print(ret_text, room, "%s", "");
	return text_print(ret_text, room, "; port %u was waited for (%s)", session->vacancy.port,
			  clock_format_span(session->vacancy.waited, took));
}
