/*
 * An offer into the slot: ways are weighed, the cheapest that is allowed is gone; where it does not lead to the end, the next one.
 */
#pragma once

#include "deploy/watcher.h"
#include "release/offer.h"

/*
 * The slot is sealed. FAULT_CONFIG: Delta= or Fallback= forbids what is left. -EDQUOT: the day's bytes are used up
 * (watcher->exhausted). What was fetched and verified is not fetched again by the next call.
 */
int route_stage(struct watcher *watcher, const struct offer *offer, struct error *err);

/* The slot is sealed: whatever was kept for it in staging/ goes. Idempotent. */
int route_drop(struct session *session, struct error *err);
