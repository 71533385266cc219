/*
 * What the unit has logged in the run that failed, kept in the app's directory before journald rotates it away:
 *
 *     failure.log	text, mode 0600, at most FAILURE_LOG_MAX bytes; of the last transaction that failed
 *
 * Made when the outcome is recorded, also of one that a killed worker has left: what the unit and the manager about it have logged
 * since the transaction began, and flipslot's own of it; the newest count if there are too many.
 */
#pragma once

#include "base/error.h"
#include "store/state.h"

#define FAILURE_LOG	"failure.log"
#define FAILURE_LOG_MAX (256 * 1024)

/* Is there something to keep of such an outcome? */
bool failure_log_is_due(const struct state_transaction *transaction);

int failure_log_keep(int dirfd, const struct state_transaction *transaction, struct error *err);
