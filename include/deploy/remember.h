/*
 * A state that was lost (both records damaged, the file removed) is put together again from what else is on the disk: links, seals, history.
 */
#pragma once

#include "deploy/session.h"

/*
 * Does nothing unless session->state_lost. Otherwise, and it is told:
 *
 * - Known good is the sealed release in the slot that is current; but the one in the other slot, if the history says only of that one that it was committed.
 * - The other one is what `rollback` goes to, if the history says that it was committed, and nobody has rolled back since; it is remembered as bad, if it was rolled back, also by hand.
 * - Updates are held, if the last that was committed was a rollback or a switch by hand.
 * - What was asked and done is not done again.
 */
int remember_state(struct session *session, struct error *err);
