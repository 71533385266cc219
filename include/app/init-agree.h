/*
 * Does a configuration that is there say what the options of init say? Private to app/init*.
 */
#pragma once

#include "app/init.h"

/* Calls `note` for each difference, with a FAULT_CONFIG that names the file. */
void init_agree_check(const struct init_options *options, const struct config *config,
		      const char *conf_path, void (*note)(void *data, const struct error *why),
		      void *data);
