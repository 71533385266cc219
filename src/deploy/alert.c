#include "deploy/alert.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "deploy/session.h"
#include "store/layout.h"
#include "store/request.h"
#include "unit/job.h"

struct outbox_entry alert_of(const struct state_transaction *transaction)
{
	struct outbox_entry entry = {
		.created = transaction->ended,
		.verb = transaction->verb,
		.outcome = transaction->outcome,
		.fault = transaction->fault,
	};

	(void)text_copy(transaction->id, entry.id, sizeof(entry.id));
	(void)text_copy(transaction->id, entry.transaction, sizeof(entry.transaction));
	(void)text_copy(transaction->from_version, entry.from_version, sizeof(entry.from_version));
	(void)text_copy(transaction->release.version, entry.to_version, sizeof(entry.to_version));
	(void)text_copy(transaction->reason, entry.reason, sizeof(entry.reason));
	return entry;
}

int alert_of_late_failure(const struct state *state, const char *unit,
			  struct outbox_entry *ret_entry, struct error *err)
{
	struct outbox_entry entry = {
		.created = clock_realtime_usec(),
		.late = true,
		.fault = FAULT_UNHEALTHY,
	};
	int r = request_new_id(entry.id, err);

	if (r < 0)
		return r;
	(void)text_copy(state->good.version, entry.to_version, sizeof(entry.to_version));
	(void)snprintf(entry.reason, sizeof(entry.reason),
		       "%.200s failed; systemd has given up on it", unit);
	*ret_entry = entry;
	return 0;
}

static bool wants(const struct alert_receiver *receiver, const struct outbox_entry *entry)
{
	int event = entry->damaged ? ALERT_DAMAGED : entry->late ? ALERT_LATE : (int)entry->outcome;

	return receiver->events & 1U << event;
}

/* An app that an older flipslot has set up has no outbox. */
static int make_outbox(int dirfd, struct error *err)
{
	if (faccessat(dirfd, LAYOUT_OUTBOX, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	    faccessat(dirfd, LAYOUT_OUTBOX_LOCK, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return layout_create(dirfd, err);
}

static int enqueue_one(int dirfd, const char *receiver, const struct outbox_entry *entry,
		       struct error *err)
{
	struct outbox_entry own = *entry;
	int r = make_outbox(dirfd, err);

	(void)text_copy(receiver, own.receiver, sizeof(own.receiver));
	return r < 0 ? r : outbox_append(dirfd, &own, err);
}

int alert_enqueue(int dirfd, const struct alert_receiver *receivers, size_t n_receivers,
		  const struct outbox_entry *entry, struct error *err)
{
	bool dropped = false;
	int first = 0;

	for (size_t i = 0; i < n_receivers; i++) {
		int r = 0;

		if (wants(&receivers[i], entry))
			r = enqueue_one(dirfd, receivers[i].name, entry, first < 0 ? NULL : err);
		if (r == OUTBOX_DROPPED)
			dropped = true;
		else if (first == 0)
			first = r;
	}
	return first == 0 && dropped ? ALERT_DROPPED : first;
}

int alert_raise(const struct session *session, const struct outbox_entry *entry, struct error *err)
{
	int r = alert_enqueue(session->dirfd, session->options->alerts, session->options->n_alerts,
			      entry, err);

	if (r == ALERT_DROPPED)
		session_tell(session, EVENT_WARNING, FAULT_NONE, ALERT_DROPPED_TEXT);
	return r < 0 ? r : 0;
}

bool alert_waits(int dirfd)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;
	size_t n = 0;

	return outbox_load(dirfd, &entries, &n, NULL) == 0 && n > 0;
}

int alert_wake(struct manager *manager, const char *app, struct error *err)
{
	char unit[128];

	(void)snprintf(unit, sizeof(unit), "flipslot-alert@%s.service", app);
	return job_start_and_forget(manager, unit, err);
}
