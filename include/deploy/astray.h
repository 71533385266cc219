/*
 * A unit that no longer goes through `current`: a release (its install script, its "repair") has written the unit anew. Preflight saw to it before
 * the switch; the next start runs something else.
 */
#pragma once

#include "deploy/session.h"

/* Is it so, or does systemd not take the unit at all? False if it cannot be asked. */
bool astray_is(struct session *session);

/* "; ExecStart= of gateway.service does not go through CURRENT any more: it is set in FILE" is added to a reason, if it is so. */
void astray_blame(struct session *session, char *reason, size_t room);

/* A release is about to be committed: the same as a warning. */
void astray_warn(struct session *session);
