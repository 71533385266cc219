/*
 * Problems of a configuration, gathered instead of stopping at the first one.
 */
#pragma once

#include "base/error.h"

struct config_findings {
	void (*tell)(void *data,
		     const char *text); /* NULL: they are counted, and the first is kept */
	void *data;
	unsigned int n;
	struct error first;
};

void config_findings_add(struct config_findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* 0 if there was none, else FAULT_CONFIG with the first one and how to see the others. */
int config_findings_check(const struct config_findings *findings, const char *app,
			  struct error *err);
