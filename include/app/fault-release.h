/*
 * A release that is broken on purpose, for `flipslot drill --fault`: the program that ExecStart= names through `current` is the fault app
 * (PREFIX/lib/flipslot/fault-app), which does nothing but to fail in one way: it opens no file of the service, and writes nothing but the
 * marker (app/marker.h), if the kind does that.
 */
#pragma once

#include "base/digest.h"
#include "deploy/options.h"
#include "unit/unit.h"

struct fault_kind {
	const char *name; /* "crash" */
	const char *behaviour; /* lines of the fault app's file `behaviour` */
	const char *text; /* one line for people */
	bool for_scripts; /* also where an interpreter is started, and current has only its script */
	bool marks; /* writes the marker */
};

/* NULL: there is none of that name. The table ends with a NULL name. */
extern const struct fault_kind fault_release_kinds[];
const struct fault_kind *fault_release_find_kind(const char *name);

/*
 * Where below `current` the program of the unit is: "bin/gateway". *ret_script: the program is an interpreter, and it is a
 * script that is there. FAULT_CONFIG: nothing of ExecStart= is.
 */
int fault_release_find_program(const struct unit *unit, const char *root, char *ret_path,
			       size_t room, bool *ret_script, struct error *err);

/*
 * Writes the archive `path` (which must not be there) of such a release, for this configuration: Check= passes in it. It is the
 * caller's to remove. marker: its absolute path, of a kind that writes it; otherwise NULL. ret_digest: of the archive.
 */
int fault_release_write(const struct fault_kind *kind, const struct deploy_options *options,
			const struct unit *unit, const char *marker, const char *path,
			struct digest *ret_digest, struct error *err);
