#include "deploy/growth.h"

#include "base/text.h"
#include "unit/complaint.h"
#include "unit/memory.h"

#define MEMORY_SLACK  (16ULL << 20) /* a small service may grow by that in any case */
#define ERRORS_SLACK  10 /* a release may log so many in any case */
#define SPAN_MIN_USEC (600 * USEC_PER_SEC) /* of the old release, that is looked back on */
#define SPAN_MAX_USEC (3600 * USEC_PER_SEC)
#define MINUTE_USEC   (60 * USEC_PER_SEC)

/* Records of priority err since then, of what runs now. False: not known. */
static bool count_errors(struct session *session, const struct unit *unit, uint64_t since,
			 uint64_t *ret_n)
{
	const struct probe_context context = {
		.helper = session->options->helper,
		.app = session->options->app,
		.unit = session->options->unit,
		.invocation = unit->invocation,
		.started = since,
	};
	unsigned int n;

	if (session->options->error_growth == 0 || complaint_count(&context, &n, NULL) != 0)
		return false;
	*ret_n = n;
	return true;
}

void growth_note(struct session *session, const struct unit *unit)
{
	struct state_transaction *transaction = &session->state.transaction;
	uint64_t now = clock_monotonic_usec();
	uint64_t up = now - unit->active_enter_usec;
	uint64_t span = session->options->watch_usec;

	span = span < SPAN_MIN_USEC ? SPAN_MIN_USEC : span;
	span = span > SPAN_MAX_USEC ? SPAN_MAX_USEC : span;
	span = span > up ? up : span;
	transaction->memory = memory_of(unit->control_group);
	transaction->errors_usec = 0;
	if (count_errors(session, unit, now - span, &transaction->errors))
		transaction->errors_usec = span;
}

/* A release may need more by rights. Small services do not count. */
static bool memory_has_grown(const struct session *session, const struct unit *unit, char *ret_text,
			     size_t room)
{
	const struct state_transaction *transaction = &session->state.transaction;
	uint64_t before = transaction->memory;
	uint64_t now;

	if (before == 0 || session->options->memory_growth == 0)
		return false;
	now = memory_of(unit->control_group);
	if (now <= before + MEMORY_SLACK ||
	    now <= before + before / 100 * session->options->memory_growth)
		return false;
	(void)snprintf(ret_text, room,
		       "%.60s uses %llu MiB of memory at the end of the watch window, %.60s used "
		       "%llu (MemoryGrowth=)",
		       transaction->release.version, (unsigned long long)(now >> 20),
		       transaction->from_version, (unsigned long long)(before >> 20));
	return true;
}

static bool errors_have_grown(struct session *session, const struct unit *unit, char *ret_text,
			      size_t room)
{
	const struct state_transaction *transaction = &session->state.transaction;
	uint64_t since = transaction->phase_began_monotonic;
	uint64_t now = clock_monotonic_usec();
	double rate, before;
	uint64_t n;

	if (unit->active_enter_usec > since) /* restarted by hand */
		since = unit->active_enter_usec;
	if (transaction->errors_usec == 0 || now <= since ||
	    !count_errors(session, unit, since, &n) || n <= ERRORS_SLACK)
		return false;
	rate = (double)n * MINUTE_USEC / (double)(now - since);
	before = (double)transaction->errors * MINUTE_USEC / (double)transaction->errors_usec;
	if (rate <= before * (100 + session->options->error_growth) / 100)
		return false;
	(void)snprintf(ret_text, room,
		       "%.60s has logged %s%.1f errors a minute in the watch window, %.60s %.1f "
		       "(ErrorGrowth=)",
		       transaction->release.version, n == COMPLAINT_MAX ? "at least " : "", rate,
		       transaction->from_version, before);
	return true;
}

int growth_judge(struct session *session, char *ret_reason, size_t room, struct error *err)
{
	const struct deploy_options *options = session->options;
	char errors[STATE_REASON_MAX], memory[STATE_REASON_MAX];
	_cleanup_unit_ struct unit unit = {};
	bool more_memory, more_errors;
	int r = session_query(session, &unit, err);

	if (r < 0)
		return r;
	more_memory = memory_has_grown(session, &unit, memory, sizeof(memory));
	more_errors = errors_have_grown(session, &unit, errors, sizeof(errors));
	if (more_memory)
		session_tell(session, EVENT_WARNING, FAULT_NONE, "%s", memory);
	if (more_errors)
		session_tell(session, EVENT_WARNING, FAULT_NONE, "%s", errors);
	if ((!more_memory || !options->memory_required) &&
	    (!more_errors || !options->errors_required))
		return 0;
	(void)text_copy(more_memory && options->memory_required ? memory : errors, ret_reason,
			room);
	return GROWTH_BAD;
}
