/*
 * The user's manager under an app of Scope=user:NAME, seen by the system's manager, whose word on it counts.
 */
#pragma once

#include "unit/manager.h"

/*
 * Makes sure that the manager of the user is up, if he lingers; waits for it LANDLORD_START_USEC at most, or until
 * wake_fd (-1: none) is readable. FAULT_UNIT: it does not come up, or he neither lingers nor is logged in; FAULT_CONFIG: there is
 * no such user.
 */
#define LANDLORD_START_USEC (30 * 1000 * 1000ULL)
int landlord_start(const char *user, struct manager *system, int wake_fd, struct error *err);

/* > 0: LANDLORD_LEAVES, he does not linger: his manager, and the service with it, ends at his last logout. */
enum { LANDLORD_LEAVES = 1 };
int landlord_check(const char *user, struct error *err);
