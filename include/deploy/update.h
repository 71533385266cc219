/*
 * STAGING of what the source offers: refreshed, judged, and fetched into the inactive slot in the cheapest way.
 */
#pragma once

#include "deploy/watcher.h"
#include "release/offer.h"

/*
 * The slot is sealed with what is offered, and the transaction says what that is. > 0: UPDATE_NOTHING, it runs already.
 */
enum { UPDATE_NOTHING = 1 };
int update_stage(struct watcher *watcher, struct error *err);

/* Does it run, known good and not known to be damaged? Then an update changes nothing. */
bool update_is_nothing(const struct session *session, const struct offer *offer);

/* Is all of it in the target slot, sealed? Then an update fetches nothing. */
bool update_is_filled(const struct session *session, const struct offer *offer);

/* May the offer take the place of what runs? Of the transaction it is asked what was wanted: sequence, unattended, no_way_back; origin. */
int update_judge(const struct session *session, const struct offer *offer, struct error *err);
