/*
 * The phases of a transaction, as the state record keeps them. The table of transitions and what is
 * true on disk in each of them stand in deploy/machine.h and src/deploy/machine.c.
 */
#pragma once

enum phase {
	PHASE_IDLE,
	PHASE_STAGING,
	PHASE_STAGED,
	PHASE_SWITCHING,
	PHASE_TRIAL,
	PHASE_WATCHING,
	PHASE_REVERTING,
	PHASE_MAX,
};

const char *phase_name(enum phase phase); /* "idle", "staging", … */
enum phase phase_from_name(const char *name); /* PHASE_MAX if unknown */
