/*
 * A timer of the moment that starts a unit once at some time, so that no process has to wait for it. It goes with the boot.
 */
#pragma once

#include "unit/manager.h"

/* name is a unit's name without ".timer", of at most 200 bytes. One that is set already for the same time is fine. */
int wake_at(struct manager *manager, const char *name, const char *unit, uint64_t realtime_usec,
	    struct error *err);
