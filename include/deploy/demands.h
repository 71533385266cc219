/*
 * What a release requires of the machine and of the release before it: asked before anything is fetched.
 */
#pragma once

#include "release/offer.h"

struct demands_machine {
	const char *kernel; /* as `uname -r` */
	uint64_t memory; /* bytes */
	bool installed; /* some release runs: its sequence is known */
	const char *version; /* of it */
	uint64_t sequence;
};

/* Pure. FAULT_CONFIG says what is missing, and what to do. */
int demands_judge(const struct offer *offer, const struct demands_machine *machine,
		  struct error *err);

/* The same with this machine; running: NULL at a first installation. */
int demands_check(const struct offer *offer, const struct descriptor *running, struct error *err);
