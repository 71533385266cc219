/*
 * Kind health, as asked by the child: what the service has said of itself last, by `flipslot health`, in this invocation. It says
 * so in the journal, whose field _SYSTEMD_INVOCATION_ID= comes from journald: nobody can speak for another service.
 */
#pragma once

#include "unit/probe-order.h"

#define PROBE_HEALTH_FIELD "FLIPSLOT_HEALTH"
#define PROBE_HEALTH_WHY   "FLIPSLOT_REASON"

#define PROBE_HEALTH_OKAY    "okay"
#define PROBE_HEALTH_WAITING "waiting" /* it is not ready yet */
#define PROBE_HEALTH_ERROR   "error" /* it will not be: ret_text begins with that */

/*
 * Says it, from a process of the service, and returns when journald has taken it: who it was from is asked of /proc, and this
 * process may end right after.
 */
int probe_health_say(const char *app, const char *health, const char *why, struct error *err);

/* Has it passed (okay)? ret_text says what was said. */
bool probe_health_ask(const struct probe_order *order, uint64_t deadline, char *ret_text,
		      size_t room);
