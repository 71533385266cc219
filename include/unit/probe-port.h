/* The port of this machine that a probe of kind http or tcp asks. */
#pragma once

#include "unit/probe.h"

/* 0: another kind, or another machine: only localhost and addresses of it count as this one. */
uint16_t probe_port(const struct probe_options *options);
