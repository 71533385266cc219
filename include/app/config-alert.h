/*
 * The keys of [Alert NAME], and what holds between them.
 */
#pragma once

#include "app/config-table.h"

/* Ends with a NULL name; in the order in which init writes them. */
extern const struct config_key config_alert_table[];

bool config_alert_is_section(const char *section);

/*
 * Makes config->alerts and config->deploy.alerts from all [Alert NAME] sections, in the order in which they came
 * first. What is wrong is a finding.
 */
int config_alert_take_all(struct config *config, const struct config_read *files,
			  struct config_findings *findings, struct error *err);

/* Frees both. */
void config_alert_free_all(struct config *config);
