#include "trust/expiry.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "trust/jread.h"

static const char *const names[EXPIRY_POLICY_MAX] = {
	[EXPIRY_ENFORCE] = "enforce",
	[EXPIRY_FLOOR] = "floor",
	[EXPIRY_WARN] = "warn",
};

const char *expiry_policy_name(enum expiry_policy policy)
{
	return names[policy];
}

uint64_t expiry_reference(enum expiry_policy policy, uint64_t now, uint64_t floor)
{
	return policy == EXPIRY_ENFORCE || now > floor ? now : floor;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The text has the shape, d standing for a digit; what of it is left over, or NULL. */
static const char *match_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == 'd' ? !is_digit(*text) : *text != *shape)
			return NULL;
	return text;
}

static bool is_end(const char *text)
{
	if (*text == '.' && is_digit(text[1]))
		for (text++; is_digit(*text); text++)
			;
	return strcmp(text, "Z") == 0;
}

static int number(const char *digits, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++)
		value = value * 10 + digits[i] - '0';
	return value;
}

/*
 * timegm() takes a 31st of February for the 3rd of March, and 24:00 for the next day's 0:00: that is
 * told by what it writes back. (A wrong day gives another month.)
 */
static bool to_seconds(const char *text, time_t *ret_seconds)
{
	struct tm tm = {
		.tm_year = number(text, 4) - 1900,
		.tm_mon = number(text + 5, 2) - 1,
		.tm_mday = number(text + 8, 2),
		.tm_hour = number(text + 11, 2),
		.tm_min = number(text + 14, 2),
		.tm_sec = number(text + 17, 2),
	};
	struct tm same = tm;

	*ret_seconds = timegm(&same);
	return *ret_seconds >= 0 && same.tm_mon == tm.tm_mon && same.tm_hour == tm.tm_hour &&
	       same.tm_min == tm.tm_min && same.tm_sec == tm.tm_sec;
}

int expiry_parse(const char *text, uint64_t *ret_expires, struct error *err)
{
	const char *rest = match_shape(text, "dddd-dd-ddTdd:dd:dd");
	char shown[JREAD_SHOWN_MAX];
	time_t seconds;

	if (!rest || !is_end(rest) || !to_seconds(text, &seconds))
		return error_set(err, FAULT_CORRUPT,
				 "\"%s\" is not a time like 2030-01-01T00:00:00Z",
				 jread_show(text, shown));
	*ret_expires = (uint64_t)seconds * USEC_PER_SEC;
	return 0;
}

int expiry_check(uint64_t expires, uint64_t reference, struct error *err)
{
	char ended[CLOCK_TEXT_MAX];
	char now[CLOCK_TEXT_MAX];

	if (expires > reference)
		return 0;
	return error_set(err, FAULT_STALE, "expired at %s, and it is %s",
			 clock_format(expires, ended), clock_format(reference, now));
}
