/*
 * Dedupe=hardlink makes a file that both releases have one file: may the service that runs be trusted with that?
 */
#pragma once

#include "deploy/preflight.h"
#include "unit/unit.h"

/* A finding if it could write to its slots. */
void sharing_check(const struct deploy_options *options, const struct unit *unit,
		   struct preflight *preflight);
