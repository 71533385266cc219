/*
 * Who looks after a service while its configuration cannot be read in mid-transaction: without it there is no
 * worker, but the state record says which unit must be running.
 */
#pragma once

#include <stdbool.h>

#include "store/state.h"

/*
 * Once the service is touched (SWITCHING and later): starts its unit if it is down, without waiting, on whatever slot
 * `current` names, in REVERTING on the old one. *ret_state is the state as it is, *ret_started whether that was done.
 * > 0: CARETAKER_IDLE, nothing is under way; CARETAKER_BUSY, a worker is at work.
 */
enum { CARETAKER_IDLE = 1, CARETAKER_BUSY = 2 };
int caretaker_run(int dirfd, struct state *ret_state, bool *ret_started, struct error *err);
