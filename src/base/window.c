#include "base/window.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define DAY_MINUTES   (24 * 60)
#define ALL_DAYS      0x7f
#define BLANKS	      " \t"
#define MINUTE_USEC   (60 * USEC_PER_SEC)
#define LOOK_MINUTES  (8 * DAY_MINUTES) /* a week, and a day for changes of the clock */
#define WORD_SIZE_MAX 64

static const char *const day_names[][2] = {
	{ "Sun", "Sunday" },   { "Mon", "Monday" }, { "Tue", "Tuesday" },  { "Wed", "Wednesday" },
	{ "Thu", "Thursday" }, { "Fri", "Friday" }, { "Sat", "Saturday" },
};

/* The day that the first size bytes name, or -1. */
static int find_day(const char *text, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(day_names); i++)
		for (size_t j = 0; j < ARRAY_SIZE(day_names[i]); j++)
			if (strlen(day_names[i][j]) == size &&
			    strncasecmp(text, day_names[i][j], size) == 0)
				return (int)i;
	return -1;
}

/* "Mon", or "Mon..Fri", which may go round the week's end. */
static bool take_days(const char *text, size_t size, uint8_t *days)
{
	const char *dots = memmem(text, size, "..", 2);
	int from = find_day(text, dots ? (size_t)(dots - text) : size);
	int to = dots ? find_day(dots + 2, size - (size_t)(dots - text) - 2) : from;

	if (from < 0 || to < 0)
		return false;
	for (int day = from;; day = (day + 1) % 7) {
		*days |= (uint8_t)(1U << day);
		if (day == to)
			return true;
	}
}

static bool parse_days(const char *word, uint8_t *ret_days)
{
	uint8_t days = 0;

	for (;;) {
		size_t size = strcspn(word, ",");

		if (!take_days(word, size, &days))
			return false;
		if (!word[size])
			break;
		word += size + 1;
	}
	*ret_days = days;
	return true;
}

/* "02:00": two digits each. */
static bool parse_minute(const char *text, uint16_t most, uint16_t *ret_minute)
{
	static const char digits[] = "0123456789";
	unsigned int hour, minute;

	if (strspn(text, digits) != 2 || text[2] != ':' || strspn(text + 3, digits) != 2)
		return false;
	hour = (unsigned int)(text[0] - '0') * 10 + (unsigned int)(text[1] - '0');
	minute = (unsigned int)(text[3] - '0') * 10 + (unsigned int)(text[4] - '0');
	if (minute > 59 || hour * 60 + minute > most)
		return false;
	*ret_minute = (uint16_t)(hour * 60 + minute);
	return true;
}

static bool parse_hours(const char *word, struct window_part *part)
{
	return strlen(word) == strlen("02:00-05:00") && word[5] == '-' &&
	       parse_minute(word, DAY_MINUTES - 1, &part->begin) &&
	       parse_minute(word + 6, DAY_MINUTES, &part->end) && part->begin != part->end;
}

/* The words of one part, in this order: days, hours, UTC. */
static bool parse_part(const char *text, size_t size, struct window_part *ret_part)
{
	struct window_part part = { .days = ALL_DAYS, .end = DAY_MINUTES };
	const char *end = text + size;
	int done = 0; /* 1: days, 2: hours, 3: UTC */

	for (text += strspn(text, BLANKS); text < end; text += strspn(text, BLANKS)) {
		size_t length = strcspn(text, BLANKS ";");
		char word[WORD_SIZE_MAX];

		if (length >= sizeof(word))
			return false;
		memcpy(word, text, length);
		word[length] = '\0';
		text += length;
		if (done < 1 && parse_days(word, &part.days))
			done = 1;
		else if (done < 2 && parse_hours(word, &part))
			done = 2;
		else if (done > 0 && done < 3 && strcmp(word, "UTC") == 0)
			done = 3;
		else
			return false;
		part.utc = done == 3;
	}
	*ret_part = part;
	return done > 0;
}

int window_parse(const char *text, struct window *ret_window, struct error *err)
{
	struct window window = {};
	const char *at = text;
	char shown[96];

	for (;;) {
		size_t size = strcspn(at, ";");

		if (window.n_parts == WINDOW_PARTS ||
		    !parse_part(at, size, &window.parts[window.n_parts]))
			return error_set(err, FAULT_CONFIG,
					 "\"%s\" is not like \"Mon..Fri 22:00-04:00; Sat,Sun\", at "
					 "most %d parts",
					 text_escape(text, strlen(text), shown, sizeof(shown)),
					 WINDOW_PARTS);
		window.n_parts++;
		if (!at[size])
			break;
		at += size + 1;
	}
	*ret_window = window;
	return 0;
}

static bool is_in_part(const struct window_part *part, uint64_t realtime_usec)
{
	time_t seconds = (time_t)(realtime_usec / USEC_PER_SEC);
	struct tm tm = {};
	int minute, yesterday;

	if (part->utc)
		(void)gmtime_r(&seconds, &tm);
	else
		(void)localtime_r(&seconds, &tm);
	minute = tm.tm_hour * 60 + tm.tm_min;
	yesterday = (tm.tm_wday + 6) % 7;
	if (part->begin < part->end)
		return (part->days & 1U << tm.tm_wday) && minute >= part->begin &&
		       minute < part->end;
	return ((part->days & 1U << tm.tm_wday) && minute >= part->begin) ||
	       ((part->days & 1U << yesterday) && minute < part->end);
}

bool window_is_open(const struct window *window, uint64_t realtime_usec)
{
	for (unsigned int i = 0; i < window->n_parts; i++)
		if (is_in_part(&window->parts[i], realtime_usec))
			return true;
	return window->n_parts == 0;
}

uint64_t window_opens(const struct window *window, uint64_t realtime_usec)
{
	uint64_t at = realtime_usec;

	for (unsigned int i = 0; i < LOOK_MINUTES && !window_is_open(window, at); i++)
		at = at - at % MINUTE_USEC + MINUTE_USEC;
	return at;
}
