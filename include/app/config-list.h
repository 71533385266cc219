/*
 * Values that are lists of words.
 */
#pragma once

#include "base/error.h"

#define CONFIG_LIST_MAX 8

/*
 * Words with blanks between, each looked at by check; *ret_list (NULL-terminated, parse_argv_free) is made anew. FAULT_CONFIG: one is refused, is there
 * twice, or there are more than CONFIG_LIST_MAX.
 */
int config_list_take(const char *value, int (*check)(void *, const char *word, struct error *err),
		     char ***ret_list, struct error *err);

/* The path of a unit file in a release: "lib/systemd/gateway.service". */
int config_list_check_shipped(void *unused, const char *word, struct error *err);
