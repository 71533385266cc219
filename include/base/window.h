/*
 * Days and hours of a week in which something may be done: a subset of the calendar events of systemd.time(7), with an end.
 *
 *	Mon..Fri 22:00-04:00; Sat,Sun
 *
 * Parts with ";" between; each has days (none: every day), hours (none: the whole day), and "UTC" behind (otherwise
 * the machine's time zone). Hours that end before they begin end on the day after. Minutes count, not seconds; 24:00 is
 * the end of a day.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define WINDOW_PARTS 8

struct window_part {
	uint8_t days; /* bit 0: Sunday, as tm_wday */
	uint16_t begin, end; /* minutes of the day; end may be less: of the day after */
	bool utc;
};

struct window {
	struct window_part parts[WINDOW_PARTS];
	unsigned int n_parts; /* 0: always */
};

/* FAULT_CONFIG says what would be accepted. */
int window_parse(const char *text, struct window *ret_window, struct error *err);

bool window_is_open(const struct window *window, uint64_t realtime_usec);

/* When it opens next: the moment itself if it is open. A window opens at least once in a week. */
uint64_t window_opens(const struct window *window, uint64_t realtime_usec);
