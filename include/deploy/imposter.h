/*
 * A probe that passes says something of the release only if that is who answered. Of the ports that required, local probes ask on this machine:
 * who listens on them?
 */
#pragma once

#include "deploy/options.h"
#include "unit/ports.h"

struct imposter_look {
	const struct deploy_options *options;
	const struct unit *unit;
	const char *slot_path; /* that must answer */
	const char *other_path;
	const struct ports *before; /* that the release before listened on itself; NULL: not known */
};

/*
 * > 0: IMPOSTER_FOUND: nobody of the release listens on a port, but a process that was left behind and runs the other slot does
 * (KillMode=process), or, on a port that was the service's before, one that is none of its. A proxy, a socket of systemd's, a unit of AlsoRestart=, and who
 * cannot be seen are none.
 */
enum { IMPOSTER_FOUND = 1 };
int imposter_find(const struct imposter_look *look, char *ret_why, size_t room, struct error *err);
