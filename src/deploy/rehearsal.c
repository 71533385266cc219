#include "deploy/rehearsal.h"

#include <poll.h>

#include "base/text.h"
#include "deploy/ending.h"
#include "deploy/helpers.h"
#include "deploy/mailbox.h"
#include "install/seal.h"

#define LOOK_MSEC    1000
#define UNASKED_MSEC 500 /* until one that could not be asked is asked again */
#define UNASKED_MAX  20

/* > 0: REHEARSAL_NO_GO, something else is wanted; PROBE_UNASKED. */
static int wait_for_answer(struct session *session, struct probe_run *run,
			   struct probe_answer *ret_answer, struct error *err)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = probe_fd(run), .events = POLLIN },
			{ .fd = session->wake_fd, .events = POLLIN },
		};
		int r = probe_finish(run, ret_answer, err);

		if (r != PROBE_PENDING)
			return r;
		(void)poll(fds, 2, LOOK_MSEC);
		if (mailbox_interrupt(session) > 0)
			return REHEARSAL_NO_GO;
	}
}

static int refuse(struct session *session, const char *whose, const struct probe_answer *answer,
		  struct error *err)
{
	const struct state_release *release = &session->state.transaction.release;
	char reason[STATE_REASON_MAX];

	(void)text_print(reason, sizeof(reason), "the check of %.80s (%s) failed: %s",
			 release->version, whose, answer->text);
	state_remember_bad(&session->state, release);
	session_tell(session, EVENT_FINDING, FAULT_UNHEALTHY, "%s", reason);
	return ending_end(session, OUTCOME_REFUSED, FAULT_UNHEALTHY, reason, err);
}

/* Nobody can ask it, which says nothing about the release. */
static int give_up(struct session *session, const char *whose, const struct error *why,
		   struct error *err)
{
	char reason[STATE_REASON_MAX];

	(void)text_print(reason, sizeof(reason),
			 "the check of the release (%s) cannot be asked: %s", whose, why->text);
	session_tell(session, EVENT_FINDING, why->fault, "%s", reason);
	return ending_end(session, OUTCOME_REFUSED, why->fault, reason, err);
}

/* > 0: REHEARSAL_NO_GO; PROBE_UNASKED, after a pause. */
static int try_to_ask(struct session *session, const struct probe_context *context,
		      const struct probe_options *check, struct probe_answer *ret_answer,
		      struct error *err)
{
	_cleanup_(probe_run_freep) struct probe_run *run = NULL;
	int r = probe_begin(check, context, &run, err);

	if (r == 0)
		r = wait_for_answer(session, run, ret_answer, err);
	if (r == PROBE_UNASKED)
		(void)poll(NULL, 0, UNASKED_MSEC);
	return r;
}

static int ask(struct session *session, const struct probe_context *context,
	       const struct probe_options *check, const char *whose, struct error *err)
{
	struct probe_answer answer = {};
	struct helpers_care care = {};
	struct error why = {};
	int r = PROBE_UNASKED;

	session_tell(session, EVENT_NOTE, FAULT_NONE, "the release checks itself (%s)", whose);
	for (int i = 0; i < UNASKED_MAX && r == PROBE_UNASKED; i++) {
		if (i > 0)
			helpers_care(&care, session->options->app);
		r = try_to_ask(session, context, check, &answer, &why);
	}
	if (r < 0)
		return error_set(err, why.fault, "%s", why.text);
	if (r == REHEARSAL_NO_GO || (r == 0 && answer.passed))
		return r;
	r = r == PROBE_UNASKED ? give_up(session, whose, &why, err) :
				 refuse(session, whose, &answer, err);
	return r < 0 ? r : REHEARSAL_NO_GO;
}

/* What came with the release is in its seal, which a restart leaves there. */
static int ask_own(struct session *session, const struct probe_context *context, struct error *err)
{
	struct probe_options check = *session->options->check;
	char *argv[COMMAND_WORDS_MAX + 1];
	struct descriptor descriptor;
	int r = seal_peek(session->dirfd, session->state.transaction.target, &descriptor, err);

	if (r == SEAL_ABSENT)
		return error_set(err, FAULT_CORRUPT, "slot %s has no seal",
				 slot_name(session->state.transaction.target));
	if (r < 0 || descriptor.check.n_words == 0)
		return r;
	command_argv(&descriptor.check, argv);
	check.command = argv;
	return ask(session, context, &check, "its own", err);
}

int rehearsal_run(struct session *session, const struct unit *unit, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	const struct deploy_options *options = session->options;
	const struct probe_context context = {
		.helper = options->helper,
		.app = options->app,
		.unit = options->unit,
		.slot_path = session_slot_path(session, transaction->target),
		.user = unit->user,
		.group = unit->group,
		.dynamic_user = unit->dynamic_user,
		.invocation = "",
		.manager = session->manager,
	};
	int r = 0;

	if (transaction->verb == VERB_ROLLBACK)
		return 0;
	if (options->check->command)
		r = ask(session, &context, options->check, "Check=", err);
	return r == 0 ? ask_own(session, &context, err) : r;
}
