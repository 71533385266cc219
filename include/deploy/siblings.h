/*
 * The units of AlsoRestart=: services of the same manager that use the release as well, as a sidecar does. Those that are up
 * before the switch are kept in the state record, are restarted after the app's unit at the switch and at a
 * rollback, and are part of the verdict. The others may be off by intent: they are left as they are.
 */
#pragma once

#include "deploy/preflight.h"
#include "deploy/session.h"
#include "unit/unit.h"

/* What would go wrong is a finding: a unit that systemd does not have, another name of the app's own. */
int siblings_check(const struct deploy_options *options, const struct unit *own,
		   struct manager *manager, struct preflight *preflight, struct error *err);

/* STAGED: which of them are up, into session->state; not on disk yet. Tells of those that are not. */
int siblings_note(struct session *session, struct manager *manager, struct error *err);

/*
 * Restarts those that were noted, one after the other, each to its job's result; can be repeated. > 0: SIBLINGS_BAD: ret_reason
 * names the first that does not start; in REVERTING the others were restarted all the same.
 * SIBLINGS_INTERRUPTED: a request, a stop, or the machine goes down.
 */
enum { SIBLINGS_BAD = 1, SIBLINGS_INTERRUPTED = 2 };
int siblings_restart(struct session *session, char *ret_reason, size_t room, struct error *err);

/* The same without waiting, and whatever goes wrong. */
void siblings_restart_in_haste(struct session *session);

/* Is one of names (each with a comma behind) down or restarting? > 0: SIBLINGS_BAD. */
int siblings_look(struct manager *manager, const char *names, char *ret_reason, size_t room,
		  struct error *err);
