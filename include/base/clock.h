/*
 * Time. Microseconds throughout, as in systemd: "realtime" is CLOCK_REALTIME since 1970 (may jump),
 * "monotonic" is CLOCK_MONOTONIC since boot (never jumps, stands still in suspend).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

#define USEC_PER_MSEC 1000ULL
#define USEC_PER_SEC  1000000ULL
#define USEC_PER_DAY  (24 * 3600 * USEC_PER_SEC)
#define USEC_INFINITY UINT64_MAX

#define CLOCK_TEXT_MAX	  32
#define CLOCK_BOOT_ID_MAX 37 /* 36 characters of a UUID and a NUL */

uint64_t clock_realtime_usec(void);
uint64_t clock_monotonic_usec(void);

/* "2026-11-23T21:34:05Z" in UTC (RFC 3339); 0 gives "never". Returns ret_text. */
char *clock_format(uint64_t realtime_usec, char ret_text[static CLOCK_TEXT_MAX]);

/*
 * The other way round; also accepts local time: "2026-11-23 21:34:05", "2026-11-23 21:34",
 * "2026-11-23". Otherwise FAULT_CONFIG.
 */
int clock_parse(const char *text, uint64_t *ret_realtime_usec, struct error *err);

/* A span for people: "2h 5min", "3.2s", "41ms". Returns ret_text. */
char *clock_format_span(uint64_t usec, char ret_text[static CLOCK_TEXT_MAX]);

/* /proc/sys/kernel/random/boot_id, as text. */
int clock_boot_id(char ret_id[static CLOCK_BOOT_ID_MAX], struct error *err);
