/*
 * What is to be told to whom goes into the outbox (store/outbox.h), before it is told to anybody else. Sending it is
 * the work of a unit of its own, flipslot-alert@APP.service, which is started and not waited for.
 */
#pragma once

#include <stddef.h>

#include "store/outbox.h"
#include "unit/manager.h"

#define ALERT_LATE    OUTCOME_MAX /* the unit failed when nothing was under way */
#define ALERT_DAMAGED (ALERT_LATE + 1) /* a slot is not what was installed */
#define ALERT_ALL     ((1U << (ALERT_DAMAGED + 1)) - 2U)
#define ALERT_DEFAULT (ALERT_ALL & ~(1U << OUTCOME_COMMITTED))

struct session;

struct alert_receiver { /* [Alert NAME] */
	const char *name;
	unsigned int events; /* bits of 1 << enum outcome 1 << ALERT_LATE and 1 << ALERT_DAMAGED */
};

/* What there is to tell of a transaction that has ended. */
struct outbox_entry alert_of(const struct state_transaction *transaction);

/* … and of a unit that failed later on. */
int alert_of_late_failure(const struct state *state, const char *unit,
			  struct outbox_entry *ret_entry, struct error *err);

/*
 * An alert for each receiver that wants to hear of such a thing. Without one nothing is written. Makes the
 * outbox of an app that has none yet. The first error is returned once the others have theirs. > 0: ALERT_DROPPED,
 * the outbox is full, and an older one was given up for it.
 */
#define ALERT_DROPPED_TEXT \
	"the outbox is full: the oldest alerts were dropped undelivered (flipslot status says whose)"
enum { ALERT_DROPPED = 1 };
int alert_enqueue(int dirfd, const struct alert_receiver *receivers, size_t n_receivers,
		  const struct outbox_entry *entry, struct error *err);

/* The same for a worker, who also tells that an older one was given up. 0, or the first error. */
int alert_raise(const struct session *session, const struct outbox_entry *entry, struct error *err);

/* Does any alert wait? What cannot be read has nothing. */
bool alert_waits(int dirfd);

/* Starts the sender of the app. */
int alert_wake(struct manager *manager, const char *app, struct error *err);
