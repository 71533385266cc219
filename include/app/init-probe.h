/*
 * What the probes of a new configuration say of the service as it runs now: one that fails today could not tell a good release from a bad
 * one tomorrow. Private to app/init*.
 */
#pragma once

#include "app/config.h"
#include "base/text.h"
#include "unit/unit.h"

/*
 * Asks each probe of kind http and tcp once (others look into the release, which need not run yet), and adds a line to `todo` for one
 * that fails. Asks nothing of a service that is not up, or has been up for less than SWITCHING_STEADY_USEC.
 */
void init_probe_ask(const struct config *config, const struct unit *unit, const char *conf_path,
		    struct text *todo);
