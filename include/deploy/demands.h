/*
 * What a release requires of the machine and of the release before it: asked before anything is fetched.
 */
#pragma once

#include "release/offer.h"

struct demands_machine {
	const char *kernel; /* as `uname -r` */
	uint64_t memory; /* bytes */
	uint64_t available; /* of it for us now; UINT64_MAX: not known */
	bool spills; /* files can have what there is for each entry, beyond what a process has of its own (base/bulk.h) */
	bool installed; /* some release runs: its sequence is known */
	const char *version; /* of it */
	uint64_t sequence;
	const char *glibc; /* version */
	const char *os_id, *os_version; /* os-release(5) */
	bool (*has_library)(const char *soname);
	bool (*has_command)(const char *name);
};

/* Memory that an update to a release with so many entries and bytes takes at most, of all processes; docs/BENCH.md has what was measured. */
uint64_t demands_memory(uint64_t files, uint64_t bytes, bool spills);

/* FAULT_CONFIG says all that is missing, and what to do. */
int demands_judge(const struct offer *offer, const struct demands_machine *machine,
		  struct error *err);

/* The same with this machine; running: NULL at a first installation; built: it is in a slot already, so that no memory is needed to make it. */
int demands_check(const struct offer *offer, const struct descriptor *running, bool built,
		  struct error *err);
