/*
 * Root=: where an app's directory may be.
 *
 * What is in it decides what root runs, so nobody else may be able to put another directory there; it has to
 * survive a reboot, and the worker's unit (ProtectSystem=full, ProtectHome=read-only) has to be able to
 * write it.
 */
#pragma once

#include "app/config.h"

/*
 * given: Root= as written, or NULL for the default. *ret_root (malloc'ed) is absolute and without links,
 * whether it exists or not; made of letters, digits and any of / . _ - + : @ , = so that it stands in unit files
 * as it is. FAULT_CONFIG says what is wrong with it. What the caller may not look at is not judged.
 */
int config_root_resolve(const struct config_places *places, const char *app, const char *given,
			char **ret_root, struct error *err);

/* [Data] Path=, as far as its text goes: absolute and tidy, where the worker may write and where it lasts. Who owns what is looked at when it is used. */
int config_root_check_data(void *unused, const char *value, struct error *err);
