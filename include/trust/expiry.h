/*
 * When metadata ends (TUF specification 4.2.3 and the "freeze attack" checks of 5.3 to 5.6), and by
 * which clock. There is no clock in here: the caller says what time it is, once for a whole refresh
 * (5.1).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Expiry= of the configuration */
enum expiry_policy {
	EXPIRY_ENFORCE, /* the clock is believed */
	EXPIRY_FLOOR, /* the clock, but never before the floor: for devices that wake up in 1970 */
	EXPIRY_WARN, /* as floor, but what has ended is used all the same, and said */
	EXPIRY_POLICY_MAX,
};

const char *expiry_policy_name(enum expiry_policy policy);

/* The time by which to judge, realtime usec. The floor is the latest time known to have passed. */
uint64_t expiry_reference(enum expiry_policy policy, uint64_t now, uint64_t floor);

/*
 * "YYYY-MM-DDTHH:MM:SSZ", nothing else but a fraction of a second (some tools write one; it is
 * dropped), 1970 to 9999, to realtime usec. Otherwise FAULT_CORRUPT.
 */
int expiry_parse(const char *text, uint64_t *ret_expires, struct error *err);

/*
 * Has it ended? FAULT_STALE if so, from the very second that it names on; the text says when, and
 * what time is taken for now.
 */
int expiry_check(uint64_t expires, uint64_t reference, struct error *err);
