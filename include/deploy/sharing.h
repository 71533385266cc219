/*
 * Dedupe=hardlink makes a file that both releases have one file: may the service that runs be trusted with that? Who switches or goes
 * back by hand is not asked: that shares nothing more, and must be possible.
 */
#pragma once

#include "deploy/preflight.h"
#include "unit/unit.h"

/* A finding for the unit, and for each of AlsoRestart= that runs a program of the release, if it could write to its slots. */
int sharing_check(const struct deploy_options *options, const struct preflight_input *input,
		  const struct unit *unit, struct manager *manager, struct preflight *preflight,
		  struct error *err);

/* The same for the unit that comes with the release of that version, unless it is said of the loaded one already. */
void sharing_check_coming(const struct deploy_options *options, const struct preflight_input *input,
			  const struct unit *loaded, const struct unit *coming, const char *version,
			  struct preflight *preflight);
