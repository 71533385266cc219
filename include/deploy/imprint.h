/*
 * The unit's own files (its unit file, its drop-ins) as they were before the switch: a release may change them ("repairs" itself, as root or as
 * the user whose service it is), and a rollback that only exchanges slots would then start what the failed release has put there.
 *
 * Kept in the app's directory as `unit.before`. Put back is only what differs, and only when the way back leads nowhere: an operator's own change in
 * those seconds is no reason. What had taken its place is left beside it as NAME.flipslot-aside. Another user's files (Scope=user:NAME) are his, and are
 * neither read nor written.
 */
#pragma once

#include "deploy/session.h"

/* Before the switch. Best effort, as the switch must also be possible on a full disk: without it there is nothing to put back. */
void imprint_take(struct session *session, const struct unit *unit);

/*
 * Puts back what differs, and has systemd read it; told, and in the reason of the transaction. False: that gives the old release no better chance:
 * nothing differed, or it could not be, or it was done thrice already, and something writes it again each time.
 */
bool imprint_restore(struct session *session);
