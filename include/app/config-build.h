/*
 * From merged entries to one checked configuration. Private to app/config*.
 */
#pragma once

#include "app/config-table.h"

/*
 * Problems go to `findings`; *ret_config is set then, too, with what could be used of it. > 0:
 * CONFIG_ABSENT, there is no configuration (and nothing to find in it).
 */
int config_build(const struct config_places *places, const char *app, const char *etc_text,
		 struct config_findings *findings, struct config **ret_config, struct error *err);
void config_build_free(struct config *config);
CLEANUP_DEFINE(struct config, config_build_free);
