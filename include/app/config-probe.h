/*
 * The keys of [Probe NAME], and what holds between them.
 */
#pragma once

#include "app/config-table.h"

#define CONFIG_PROBE_NAME_MAX 31 /* bytes: letters, digits, - and _ */

/* Ends with a NULL name; in the order in which init writes them. */
extern const struct config_key config_probe_table[];

bool config_probe_is_section(const char *section);

/*
 * Makes config->deploy.probes from all [Probe NAME] sections, in the order in which they came first; without
 * any, one probe "unit" of kind unit. The limits of [Health] must be known. What is wrong is a finding.
 */
int config_probe_take_all(struct config *config, const struct config_read *files,
			  struct config_findings *findings, struct error *err);

/* Frees config->deploy.probes. */
void config_probe_free_all(struct config *config);
