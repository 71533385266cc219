/*
 * At boot, before the apps start: settles which slot `current` names. Talks to no service, and to the manager
 * only if units of the release (Units=) must be read anew.
 */
#pragma once

#include "deploy/event.h"
#include "deploy/options.h"

/*
 * *ret_resume: the app has a transaction under way, its worker must be started. *ret_flipped: current was changed.
 * > 0: RECOVER_BUSY, a worker has the lock and decides by itself.
 */
enum { RECOVER_BUSY = 1 };
int recover_app(const struct deploy_options *options, const struct event_listener *listener,
		bool *ret_resume, bool *ret_flipped, struct error *err);
