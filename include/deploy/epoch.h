/*
 * The epoch of a release's data: a release reads data up to its own epoch, and brings older data up to it. Code can be taken back, such
 * data cannot: so the way back is barred once a release of a higher epoch has run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "deploy/session.h"

/*
 * Would the release in slot `to` find data that it cannot read, after the one in slot `from` has run? *ret_why (room bytes) says so then. No, if one of
 * the slots has no readable seal, or is SLOT_NONE.
 */
bool epoch_bars(int dirfd, enum slot from, enum slot to, char *ret_why, size_t room);

/* Is the way back of what is under way barred? Not if its data was kept aside (deploy/data.h). */
bool epoch_bars_return(const struct session *session, char *ret_why, size_t room);
