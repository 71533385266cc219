/*
 * Which slot a unit really runs: some process of its whole cgroup has its executable, working directory,
 * root, a mapped or an open file inside that slot's directory.
 */
#pragma once

#include "unit/unit.h"

enum proof {
	PROOF_NONE,   /* it runs, if at all, something else */
	PROOF_WEAK,   /* started after the flip, ExecStart= resolves through `current`; nothing shows the slot */
	PROOF_STRONG, /* a process uses the slot */
	PROOF_MAX,
};

const char *proof_name(enum proof proof);

struct proof_verdict {
	enum proof proof;
	int pid;
	char what[32];	/* "exe", "cwd", "root", "map", "fd" */
	char path[1024]; /* the file in the slot */
	bool other_slot; /* some process uses the other slot (old code is still about) */
};

/*
 * slot_path and other_path are absolute, without links (what `readlink /proc/PID/exe` would show);
 * current_path is the app's `current`. A process that cannot be read (gone meanwhile) is passed over.
 */
int proof_find(const struct unit *unit, const char *slot_path, const char *other_path,
	       const char *current_path, struct proof_verdict *ret_verdict, struct error *err);
