/*
 * Values that only probes have. The object is a struct probe_options. Those of texts only look at the value,
 * the others put it into the object. FAULT_CONFIG says what would be accepted.
 */
#pragma once

#include "base/error.h"

int config_probe_value_kind(void *object, const char *value, struct error *err);
int config_probe_value_phase(void *object, const char *value, struct error *err);
int config_probe_value_url(void *object, const char *value, struct error *err);
int config_probe_value_status(void *object, const char *value, struct error *err);
int config_probe_value_header(void *object, const char *value, struct error *err);
int config_probe_value_ca_file(void *object, const char *value, struct error *err);
int config_probe_value_address(void *object, const char *value, struct error *err);
int config_probe_value_path(void *object, const char *value, struct error *err);
int config_probe_value_command(void *object, const char *value, struct error *err);
