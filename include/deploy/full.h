/*
 * The full archive of an offer into the slot: fetched, verified piece by piece, unpacked while it arrives. What was verified is
 * kept in `staging` until the slot is sealed, so that it is never fetched twice.
 */
#pragma once

#include "deploy/watcher.h"
#include "release/offer.h"

/* What the seal of such a release will say, as far as the offer says it. */
struct descriptor full_describe(const struct watcher *watcher, const struct offer *offer);

/* forget: what came in one go is given up before the sync (assess_may_forget), so that it need not be written to the disk. */
int full_stage(struct watcher *watcher, const struct offer *offer, bool forget, struct error *err);
