/*
 * A failure after the commit, found by the tick: for a unit of another user's manager (Scope=user:NAME), whose OnFailure=
 * cannot start a unit of the system. Elsewhere `flipslot failed` is told by systemd.
 */
#pragma once

#include "deploy/session.h"

/*
 * With nothing under way, and for Scope=user:NAME only: has systemd given up on the unit, or does it start it again and
 * again? Then an alert is recorded, once for each invocation; and a unit that is failed is started again, with what
 * was committed. What cannot be found out is told as a warning.
 */
void late_look(struct session *session);
