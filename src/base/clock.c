#include "base/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Neither clock can fail on Linux for these ids. */
static uint64_t clock_usec(clockid_t id)
{
	struct timespec ts = {};

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_realtime_usec(void)
{
	return clock_usec(CLOCK_REALTIME);
}

uint64_t clock_monotonic_usec(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

char *clock_format(uint64_t realtime_usec, char ret_text[static CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(realtime_usec / USEC_PER_SEC);
	struct tm tm;

	if (realtime_usec == 0)
		(void)snprintf(ret_text, CLOCK_TEXT_MAX, "never");
	else if (!gmtime_r(&seconds, &tm) ||
		 strftime(ret_text, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(ret_text, CLOCK_TEXT_MAX, "out of range");
	return ret_text;
}

/* Is it of that shape? 0 stands for a digit, all else for itself. */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape)
			return false;
	return *text == '\0';
}

static int number_at(const char *text, size_t at, size_t digits)
{
	int n = 0;

	if (strlen(text) < at + digits)
		return 0;
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + text[at + i] - '0';
	return n;
}

static struct tm read_fields(const char *text)
{
	return (struct tm){
		.tm_year = number_at(text, 0, 4) - 1900,
		.tm_mon = number_at(text, 5, 2) - 1,
		.tm_mday = number_at(text, 8, 2),
		.tm_hour = number_at(text, 11, 2),
		.tm_min = number_at(text, 14, 2),
		.tm_sec = number_at(text, 17, 2),
		.tm_isdst = -1,
	};
}

/* timegm() makes a 1st of March of a 30th of February: what it changed was no date. */
static bool is_date(const struct tm *fields)
{
	struct tm tm = *fields;

	(void)timegm(&tm);
	return tm.tm_year == fields->tm_year && tm.tm_mon == fields->tm_mon &&
	       tm.tm_mday == fields->tm_mday && tm.tm_hour == fields->tm_hour &&
	       tm.tm_min == fields->tm_min && tm.tm_sec == fields->tm_sec;
}

static int refuse(const char *text, struct error *err)
{
	char shown[64];

	return error_set(err, FAULT_CONFIG,
			 "\"%s\" is not a time like 2026-11-23T21:34:05Z or 2026-11-23 21:34",
			 text_escape(text, strlen(text), shown, sizeof(shown)));
}

int clock_parse(const char *text, uint64_t *ret_realtime_usec, struct error *err)
{
	bool utc = has_shape(text, "0000-00-00T00:00:00Z");
	bool local = has_shape(text, "0000-00-00 00:00:00") ||
		     has_shape(text, "0000-00-00 00:00") || has_shape(text, "0000-00-00");
	time_t seconds;
	struct tm tm;

	if (!utc && !local)
		return refuse(text, err);
	tm = read_fields(text);
	if (!is_date(&tm))
		return refuse(text, err);
	seconds = utc ? timegm(&tm) : mktime(&tm);
	if (seconds < 0)
		return refuse(text, err);
	*ret_realtime_usec = (uint64_t)seconds * USEC_PER_SEC;
	return 0;
}

/* "2h 5min": the unit and, if it is not zero, the next smaller one. */
static void format_two(uint64_t usec, uint64_t big, const char *big_name, uint64_t small,
		       const char *small_name, char *ret_text)
{
	uint64_t rest = usec % big / small;

	if (rest == 0)
		(void)snprintf(ret_text, CLOCK_TEXT_MAX, "%" PRIu64 "%s", usec / big, big_name);
	else
		(void)snprintf(ret_text, CLOCK_TEXT_MAX, "%" PRIu64 "%s %" PRIu64 "%s", usec / big,
			       big_name, rest, small_name);
}

static void format_seconds(uint64_t usec, char *ret_text)
{
	uint64_t tenths = usec / (USEC_PER_SEC / 10);

	if (tenths % 10 == 0)
		(void)snprintf(ret_text, CLOCK_TEXT_MAX, "%" PRIu64 "s", tenths / 10);
	else
		(void)snprintf(ret_text, CLOCK_TEXT_MAX, "%" PRIu64 ".%" PRIu64 "s", tenths / 10,
			       tenths % 10);
}

char *clock_format_span(uint64_t usec, char ret_text[static CLOCK_TEXT_MAX])
{
	if (usec == USEC_INFINITY)
		(void)snprintf(ret_text, CLOCK_TEXT_MAX, "infinity");
	else if (usec >= DAY)
		format_two(usec, DAY, "d", HOUR, "h", ret_text);
	else if (usec >= HOUR)
		format_two(usec, HOUR, "h", MINUTE, "min", ret_text);
	else if (usec >= MINUTE)
		format_two(usec, MINUTE, "min", USEC_PER_SEC, "s", ret_text);
	else if (usec >= USEC_PER_SEC)
		format_seconds(usec, ret_text);
	else if (usec >= USEC_PER_MSEC)
		(void)snprintf(ret_text, CLOCK_TEXT_MAX, "%" PRIu64 "ms",
			       usec / (uint64_t)USEC_PER_MSEC);
	else
		(void)snprintf(ret_text, CLOCK_TEXT_MAX, "%" PRIu64 "us", usec);
	return ret_text;
}

int clock_boot_id(char ret_id[static CLOCK_BOOT_ID_MAX], struct error *err)
{
	static const char name[] = "/proc/sys/kernel/random/boot_id";
	_cleanup_free_ char *data = NULL;
	int r = fd_read_file(AT_FDCWD, name, CLOCK_BOOT_ID_MAX, &data, NULL, err);

	if (r == FD_ABSENT)
		return error_set(err, FAULT_INTERNAL, "%s is missing (is /proc mounted?)", name);
	if (r < 0)
		return r;
	data[strcspn(data, "\n")] = '\0';
	if (strlen(data) != CLOCK_BOOT_ID_MAX - 1)
		return error_set(err, FAULT_INTERNAL, "%s holds no boot id", name);
	memcpy(ret_id, data, CLOCK_BOOT_ID_MAX);
	return 0;
}
