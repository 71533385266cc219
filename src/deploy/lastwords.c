#include "deploy/lastwords.h"

#include <string.h>

#include "base/text.h"
#include "deploy/resume.h"
#include "unit/complaint.h"

void lastwords_append(struct session *session, char *reason, size_t room)
{
	const struct state_transaction *transaction = &session->state.transaction;
	const struct probe_context context = {
		.helper = session->options->helper,
		.app = session->options->app,
		.unit = session->options->unit,
		.invocation = transaction->invocation,
		.manager = session->manager,
	};
	char line[LASTWORDS_MAX];

	if (!strstr(reason, "exited with status ") || transaction->attempts > RESUME_ATTEMPTS_MAX ||
	    complaint_last(&context, line, sizeof(line), NULL) != 0)
		return;
	text_append(reason, room, ", and said last: \"%s\"", line);
}
