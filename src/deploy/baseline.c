#include "deploy/baseline.h"

#include <string.h>

#include "base/text.h"
#include "deploy/ending.h"
#include "deploy/helpers.h"
#include "deploy/judge.h"
#include "deploy/mailbox.h"

int baseline_ask(struct session *session, struct manager *manager, const struct unit *unit,
		 struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	struct judge_options judge = {
		.phase = JUDGE_BASELINE,
		.slot_path = session_slot_path(session, transaction->origin),
		.other_path = session_slot_path(session, transaction->target),
		.current_path = session->current_path,
		.invocation = unit->invocation,
		.unasked_usec = verb_stages(transaction->verb) ? JUDGE_UNASKED_USEC :
								 HELPERS_HASTE_USEC,
		.interrupt = mailbox_interrupt,
		.interrupt_data = session,
		.wake_fd = session->wake_fd,
	};
	struct judge_report report = {};
	int r = judge_run(session->options, &judge, manager, session->listener, &session->state,
			  &report, err);

	if (r < 0)
		return r;
	if (r == JUDGE_UNASKED && verb_stages(transaction->verb)) {
		session_tell(session, EVENT_FINDING, FAULT_UNIT, "%s", report.reason);
		r = ending_end(session, OUTCOME_REFUSED, FAULT_UNIT, report.reason, err);
		return r < 0 ? r : BASELINE_NO_GO;
	}
	(void)text_copy(report.failed, transaction->baseline, sizeof(transaction->baseline));
	if (report.failed[0])
		session_tell(
			session, EVENT_NOTE, FAULT_NONE,
			"fails on the release that runs now, so it will not condemn the new one: "
			"probe %.*s",
			(int)strlen(report.failed) - 1, report.failed);
	return mailbox_interrupt(session) > 0 ? BASELINE_NO_GO : 0;
}
