#include "deploy/gate.h"

#include <string.h>

#include "base/text.h"
#include "deploy/mailbox.h"
#include "unit/inhibitor.h"
#include "unit/wake.h"

#define LOOK_PERIOD_USEC USEC_PER_SEC

static bool is_free(const struct session *session)
{
	const struct state_transaction *transaction = &session->state.transaction;

	return transaction->now || transaction->origin == SLOT_NONE ||
	       !verb_stages(transaction->verb);
}

/* Nobody stays up for that: a timer starts the next worker. Without it the tick of the app does, somewhat later. */
static int leave_until(struct session *session, uint64_t opens, struct error *err)
{
	struct manager *manager;
	struct error no_timer = {};
	char name[128], worker[128];
	int r;

	session->state.transaction.attempts = 0;
	session->stop = true;
	r = session_store(session, err);
	if (r < 0)
		return r;
	(void)snprintf(name, sizeof(name), "flipslot-window-%.64s", session->options->app);
	(void)snprintf(worker, sizeof(worker), "flipslot@%.64s.service", session->options->app);
	if (session_own_manager(session, &manager, &no_timer) < 0 ||
	    wake_at(manager, name, worker, opens, &no_timer) < 0)
		session_tell(session, EVENT_WARNING, no_timer.fault, "%s", no_timer.text);
	return GATE_SHUT;
}

static int wait_for_window(struct session *session, struct error *err)
{
	uint64_t opens = window_opens(&session->options->window, clock_realtime_usec());
	char when[CLOCK_TEXT_MAX], why[STATE_REASON_MAX];
	int r;

	(void)snprintf(why, sizeof(why), "waits for Window=, which opens at %s",
		       clock_format(opens, when));
	r = session_note_waiting(session, why, err);
	return r < 0 ? r : leave_until(session, opens, err);
}

static int find_inhibitors(struct session *session, struct inhibitors *ret_inhibitors,
			   struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	int r = session_query(session, &unit, err);

	return r < 0 ? r : inhibitor_find(&unit, session->dirfd, ret_inhibitors, err);
}

/* Does it wait (on) for them? Not for ever. */
static int judge_inhibitors(struct session *session, bool *ret_waits, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	uint64_t now = clock_monotonic_usec();
	char who[STATE_REASON_MAX / 2], why[STATE_REASON_MAX], span[CLOCK_TEXT_MAX];
	struct inhibitors inhibitors;
	int r;

	*ret_waits = false;
	r = find_inhibitors(session, &inhibitors, err);
	if (r < 0 || inhibitors.n == 0)
		return r;
	(void)inhibitor_describe(&inhibitors, who, sizeof(who));
	(void)clock_format_span(session->options->max_inhibit_usec, span);
	if (transaction->inhibited == 0)
		transaction->inhibited = now;
	*ret_waits = now - transaction->inhibited < session->options->max_inhibit_usec;
	if (!*ret_waits)
		session_tell(session, EVENT_WARNING, FAULT_NONE,
			     "held off for %s (MaxInhibit=) by %s: it is switched all the same",
			     span, who);
	else
		(void)snprintf(why, sizeof(why), "held off for at most %s by process %s", span,
			       who);
	return *ret_waits ? session_note_waiting(session, why, err) : 0;
}

int gate_pass(struct session *session, struct error *err)
{
	bool waits = true;
	int r;

	while (!is_free(session) && waits) {
		if (!window_is_open(&session->options->window, clock_realtime_usec()))
			return wait_for_window(session, err);
		r = judge_inhibitors(session, &waits, err);
		if (r == 0 && waits)
			r = mailbox_pause(session, LOOK_PERIOD_USEC, err);
		if (r != 0)
			return r < 0 ? r : GATE_SHUT;
	}
	session->state.transaction.reason[0] = '\0';
	return 0;
}
