/*
 * Which slot a unit really runs: some process of its whole cgroup has its executable, working directory,
 * root, a mapped or an open file inside that slot's directory.
 */
#pragma once

#include "unit/unit.h"

enum proof {
	PROOF_NONE, /* it runs, if at all, something else */
	PROOF_WEAK, /* the unit goes through `current`; nothing shows either slot */
	PROOF_STRONG, /* a process uses the slot */
	PROOF_MAX,
};

const char *proof_name(enum proof proof);

struct proof_verdict {
	enum proof proof;
	int pid;
	char what[32]; /* "exe", "cwd", "root", "map", "fd" */
	char path[1024]; /* the file in the slot, as the kernel names it: escape before showing it */
	bool other_slot; /* some process uses the other slot, or what was deleted: old code is still about */
};

/*
 * Does the process use what is in that directory? closely: looks also at what it has mapped and open.
 */
bool proof_uses(pid_t pid, const char *path, bool closely);

/*
 * slot_path and other_path are absolute, without links (what `readlink /proc/PID/exe` would show);
 * current_path is the app's `current`. A process that cannot be read (gone meanwhile) is passed over. A
 * file that was deleted is no proof: the slot was built anew since. Weak says nothing of the time: that
 * the unit was started after the flip, the caller knows from its invocation.
 */
int proof_find(const struct unit *unit, const char *slot_path, const char *other_path,
	       const char *current_path, struct proof_verdict *ret_verdict, struct error *err);
