/*
 * Right before a switch: is what shall run still what was sealed, byte by byte, and what would be come back to?
 *
 *     the target   read in whole, unless this very worker has just built it. Damaged, it is refused, the service untouched. But by
 *                  hand (switch, rollback) one goes there all the same if asked so (--force), or if the service does not run: then a
 *                  damaged release is the better choice, and its probes judge it.
 *     the origin   of an update, unless it was built, or found whole, within Scrub=. Damaged, that is told, and the update goes on:
 *                  it may be the cure.
 *
 * On the way back (REVERTING) nothing is read: there is no choice, and no time.
 */
#pragma once

#include "deploy/session.h"
#include "unit/unit.h"

/* > 0: INTACT_NO_GO, it was refused, or something else is wanted. */
enum { INTACT_NO_GO = 1 };
int intact_check(struct session *session, const struct unit *unit, struct error *err);
