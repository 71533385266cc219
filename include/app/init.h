/*
 * `flipslot init APP`: puts an app under flipslot. Writes its configuration and the drop-in for its
 * unit, makes its directory, and takes an existing installation over as the first release if asked.
 *
 * Everything is looked at and decided first; the first byte is written only when nothing is left that
 * could be refused. Running it again with the same arguments changes nothing and succeeds. A file that
 * is there and says something else is never overwritten without `force`. The running service is not
 * touched.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "app/config.h"
#include "install/stage.h"

#define INIT_DROP_IN "50-flipslot.conf" /* in UNIT.d/ of the scope's units (base/scope.h) */

/* As on the command line, borrowed; NULL: not given. Nothing is checked yet. */
struct init_options {
	const char *app;
	const char *unit; /* --unit: "gateway.service"; must be given */
	const char *scope; /* --scope: "system", or "user:NAME" */
	const char *root; /* --root: CONFIG_ROOT/APP */
	const char *adopt; /* --adopt: directory to take over as the first release; absolute */
	const char *version; /* --version: of what is adopted; "adopted" */
	const char *exec_start; /* --exec-start: the unit's new ExecStart= line, as in a unit file */
	const char *probe_http; /* --probe-http: URL */
	const char *probe_tcp; /* --probe-tcp: HOST:PORT */
	const char *watch; /* --watch: span, as in Watch= */
	bool no_timer; /* leave flipslot@APP.timer as it is; otherwise it is enabled and started */
	bool dry_run; /* show what would be written, write nothing */
	bool force; /* overwrite files that differ */
	const char *who; /* for the history: who asked; "" is fine */
	const struct stage_listener *listener; /* progress of the copy of --adopt */

	const struct config_places *places; /* NULL: the system's (tests name their own) */
	const char *unit_dir; /* NULL: those of the scope */
};

/*
 * Says on `out` what was (or would be) written, with content, and what is left to do; on failure what was
 * done up to then, or, before anything was, each of several problems in a line. FAULT_CONFIG: arguments, files in the way;
 * FAULT_UNIT: the unit or the manager; FAULT_BUSY: a worker has the app's lock, or the app has a
 * release already and --adopt was given.
 */
int init_run(const struct init_options *options, FILE *out, struct error *err);
