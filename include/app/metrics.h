/*
 * Metrics of apps in the text format that Prometheus reads (exposition format 0.0.4), as node_exporter's textfile collector
 * takes it: base units, no timestamps, HELP and TYPE once for each family. docs/METRICS.md has the names, which are a
 * contract. What counts comes from the state record: a restart or a power cut takes nothing from it.
 */
#pragma once

#include "app/config.h"
#include "app/status.h"
#include "base/text.h"

/* All families of these apps. */
void metrics_render(const struct status *statuses, size_t n, struct text *text);

/*
 * The app's file in the folder of [Metrics] (none: does nothing), as of now, by rename. Nothing is synced: a
 * power cut may take it, and the next worker makes it anew.
 */
int metrics_write(const struct config *config, struct error *err);

/* Takes away what killed writers have left in that folder. */
void metrics_tidy(const struct config *config);
