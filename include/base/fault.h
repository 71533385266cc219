/*
 * The closed list of faults: what decides the exit status, the journal field and the retry policy.
 */
#pragma once

enum fault {
	FAULT_NONE,
	FAULT_NETWORK, /* a server or the way to it; trying again later may help */
	FAULT_UNTRUSTED, /* not signed, not by whom, digest differs from what was promised */
	FAULT_CORRUPT, /* bytes that are not what their format says, or that rotted on our disk */
	FAULT_STALE, /* older than what is already known, or expired */
	FAULT_NO_SPACE, /* bytes, inodes, quota, links or a configured limit */
	FAULT_UNIT, /* systemd or the unit's definition */
	FAULT_UNHEALTHY, /* the release ran and did not pass */
	FAULT_BUSY, /* locked, held, inhibited, another transaction */
	FAULT_CONFIG, /* the configuration or the command line */
	FAULT_INTERNAL, /* everything else: I/O errors, no memory */
	FAULT_MAX,
};

/* "none", "network", … as written in the journal, in state and in JSON. */
const char *fault_name(enum fault fault);

/* The fault of that name, or FAULT_NONE if there is none of that name. */
enum fault fault_from_name(const char *name);

/* The exit status of the program for a fault: 0 for FAULT_NONE; the table stands in docs/CLI.md. */
int fault_exit_status(enum fault fault);
