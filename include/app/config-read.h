/*
 * The configuration files of an app, found, checked for who may write them, and merged into one list of
 * "[section] key=value". Knows no keys.
 *
 * In this order, later ones override key by key:
 *
 *     VENDOR/APP.conf
 *     VENDOR/APP.conf.d/NAME.conf	by name; left out where ETC/APP.conf.d has one of the same name
 *     ETC/APP.conf
 *     ETC/APP.conf.d/NAME.conf		by name
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "app/config-findings.h"
#include "app/config.h"

struct config_entry {
	char *section;
	char *key;
	char *value; /* may be empty: as if the key were not there */
	char *where; /* "file:line" */
};

struct config_read {
	char *main_file; /* the last of the main files, full path */
	struct config_entry *entries;
	size_t n_entries;
	bool partial; /* some file was left out, whole or in part: what is missing may stand there */
};

void config_read_done(struct config_read *files);
#define _cleanup_config_read_ _cleanup_(config_read_done)

/*
 * What is wrong with a file goes to `findings`. With etc_text (not NULL) that text stands for
 * ETC/APP.conf. > 0: CONFIG_ABSENT, there is no main file.
 */
int config_read_files(const struct config_places *places, const char *app, const char *etc_text,
		      struct config_findings *findings, struct config_read *ret_files,
		      struct error *err);

/*
 * Names in the directory `path` that end in `suffix`, whole, sorted by bytes; those that begin with a
 * dot are left out. *ret_names is NULL-terminated (parse_argv_free). No such directory: no names.
 */
int config_read_names(const char *path, const char *suffix, char ***ret_names, struct error *err);
