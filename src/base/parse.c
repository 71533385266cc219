#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define APP_NAME_MAX	64
#define FRACTION_DIGITS 6

static int refuse(const char *text, const char *wanted, struct error *err)
{
	char shown[96];

	return error_set(err, FAULT_CONFIG, "\"%s\" is not %s",
			 text_escape(text, strlen(text), shown, sizeof(shown)), wanted);
}

int parse_bool(const char *text, bool *ret_value, struct error *err)
{
	static const struct {
		const char *name;
		bool value;
	} names[] = {
		{ "yes", true }, { "no", false },  { "true", true }, { "false", false },
		{ "on", true },	 { "off", false }, { "1", true },    { "0", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i].name) == 0) {
			*ret_value = names[i].value;
			return 0;
		}
	}
	return refuse(text, "yes or no", err);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The digits at *text, of which there must be one: moves *text behind them. */
static bool take_number(const char **text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!is_digit(**text))
		return false;
	for (; is_digit(**text); (*text)++)
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (unsigned int)(**text - '0'), &value))
			return false;
	*ret_value = value;
	return true;
}

int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value, struct error *err)
{
	const char *at = text;
	char shown[96];
	uint64_t value;

	if (!take_number(&at, &value) || *at || value < min || value > max)
		return error_set(err, FAULT_CONFIG,
				 "\"%s\" is not a number from %" PRIu64 " to %" PRIu64,
				 text_escape(text, strlen(text), shown, sizeof(shown)), min, max);
	*ret_value = value;
	return 0;
}

/* A number with at most six decimals, which are kept as millionths. */
struct decimal {
	uint64_t whole;
	uint64_t millionths;
	bool has_fraction;
};

static bool take_decimal(const char **text, struct decimal *ret)
{
	struct decimal value = {};
	const char *start;

	if (!take_number(text, &value.whole))
		return false;
	value.has_fraction = **text == '.';
	if (value.has_fraction) {
		start = ++*text;
		if (!take_number(text, &value.millionths) || *text - start > FRACTION_DIGITS)
			return false;
		for (ptrdiff_t i = *text - start; i < FRACTION_DIGITS; i++)
			value.millionths *= 10;
	}
	*ret = value;
	return true;
}

/* value × unit, rounded down; unit may be large, so that the fraction is taken apart. */
static bool multiply(const struct decimal *value, uint64_t unit, uint64_t *ret)
{
	uint64_t part =
		unit / 1000000 * value->millionths + unit % 1000000 * value->millionths / 1000000;

	return !__builtin_mul_overflow(value->whole, unit, ret) &&
	       !__builtin_add_overflow(*ret, part, ret);
}

int parse_size(const char *text, uint64_t *ret_bytes, struct error *err)
{
	static const char wanted[] = "a size like 8M, 512K, 1.5G or 4096 (bytes)";
	static const char suffixes[] = "KMGT";
	const char *at = text;
	const char *suffix;
	struct decimal value;
	uint64_t bytes;
	uint64_t unit = 1;

	if (!take_decimal(&at, &value))
		return refuse(text, wanted, err);
	suffix = *at ? strchr(suffixes, *at) : NULL;
	if (suffix) {
		unit <<= 10 * (suffix - suffixes + 1);
		at++;
	}
	if (*at || (value.has_fraction && !suffix) || !multiply(&value, unit, &bytes))
		return refuse(text, wanted, err);
	*ret_bytes = bytes;
	return 0;
}

/* The units of systemd.time(7); a month is 30.44 days, a year 365.25. */
static uint64_t unit_usec(const char *name, size_t size)
{
	static const struct {
		const char *names;
		uint64_t usec;
	} units[] = {
		{ " us usec µs μs ", 1 },
		{ " ms msec ", USEC_PER_MSEC },
		{ " s sec second seconds ", USEC_PER_SEC },
		{ " min m minute minutes ", 60 * USEC_PER_SEC },
		{ " h hr hour hours ", 3600 * USEC_PER_SEC },
		{ " d day days ", USEC_PER_DAY },
		{ " w week weeks ", 7 * USEC_PER_DAY },
		{ " M month months ", 2629800 * USEC_PER_SEC },
		{ " y year years ", 31557600 * USEC_PER_SEC },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		const char *at = units[i].names;

		for (; *at; at += strcspn(at + 1, " ") + 1)
			if (strncmp(at + 1, name, size) == 0 && at[size + 1] == ' ')
				return units[i].usec;
	}
	return 0;
}

/* The name of a unit ends at a blank or a digit. */
static uint64_t take_unit(const char **text)
{
	size_t size = strcspn(*text, " \t0123456789.");
	const char *name = *text;

	*text += size;
	return size > 0 ? unit_usec(name, size) : 0;
}

static void skip_blanks(const char **text)
{
	while (is_blank(**text))
		(*text)++;
}

/* "1h 30min": numbers with units; a plain number only where it is all there is. */
static bool span_of(const char *text, uint64_t *ret_usec)
{
	uint64_t sum = 0;
	bool first = true;

	for (skip_blanks(&text); *text || first; first = false) {
		struct decimal value;
		uint64_t unit;
		uint64_t usec;

		if (!take_decimal(&text, &value))
			return false;
		skip_blanks(&text);
		unit = !*text && first ? USEC_PER_SEC : take_unit(&text);
		skip_blanks(&text);
		if (unit == 0 || !multiply(&value, unit, &usec) ||
		    __builtin_add_overflow(sum, usec, &sum))
			return false;
	}
	*ret_usec = sum;
	return sum != USEC_INFINITY;
}

int parse_span(const char *text, uint64_t *ret_usec, struct error *err)
{
	uint64_t usec;

	if (strcmp(text, "infinity") == 0)
		usec = USEC_INFINITY;
	else if (!span_of(text, &usec))
		return refuse(text, "a time span like 5min, 90s, 1h 30min, 250ms or infinity", err);
	*ret_usec = usec;
	return 0;
}

bool parse_is_app_name(const char *text)
{
	size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return size >= 1 && size <= APP_NAME_MAX && !text[size] && text[0] != '_' && text[0] != '-';
}

/* What the escape behind a backslash stands for; moves *at behind it. No argument has a NUL. */
static bool take_escape(const char **at, char *ret_byte)
{
	static const char names[] = "abfnrtvs\\\"'";
	static const char bytes[] = "\a\b\f\n\r\t\v \\\"'";
	const char *name = **at ? strchr(names, **at) : NULL;
	unsigned int value = 0;
	unsigned int base = **at == 'x' ? 16 : 8;
	int digits = base == 16 ? 2 : 3;

	if (name) {
		*ret_byte = bytes[name - names];
		(*at)++;
		return true;
	}
	for (*at += base == 16; digits > 0; digits--, (*at)++) {
		const char *all = "0123456789abcdef";
		const char *digit = **at ? strchr(all, tolower((unsigned char)**at)) : NULL;

		if (!digit || (unsigned int)(digit - all) >= base)
			return false;
		value = value * base + (unsigned int)(digit - all);
	}
	*ret_byte = (char)value;
	return value > 0 && value <= UINT8_MAX;
}

/* One word: parts in quotes and without stand side by side, as in a shell. */
static bool take_word(const char **at, struct text *word)
{
	char quote = '\0';

	for (; **at && (quote || !is_blank(**at));) {
		char byte = *(*at)++;

		if (quote ? byte == quote : byte == '"' || byte == '\'') {
			quote = quote ? '\0' : byte;
			continue;
		}
		if (byte == '\\' && !take_escape(at, &byte))
			return false;
		text_add_bytes(word, &byte, 1);
	}
	return !quote;
}

bool parse_is_tidy_path(const char *path)
{
	for (;;) {
		size_t size = strcspn(path, "/");

		if (size == 0 || (size <= 2 && strspn(path, ".") >= size))
			return false;
		if (!path[size])
			return true;
		path += size + 1;
	}
}

/* Appends the word; takes it over. */
static int append_consume(char ***argv, size_t *n, char *word, struct error *err)
{
	char **more = word ? realloc(*argv, (*n + 2) * sizeof(*more)) : NULL;

	if (!more) {
		free(word);
		return error_code(err, -ENOMEM, "parsing a command line");
	}
	more[(*n)++] = word;
	more[*n] = NULL;
	*argv = more;
	return 0;
}

int parse_argv(const char *text, char ***ret_argv, struct error *err)
{
	static const char wanted[] = "a command line: words, '…', \"…\" and \\ escapes";
	_cleanup_(parse_argv_freep) char **argv = NULL;
	const char *at = text;
	size_t n = 0;

	for (skip_blanks(&at); *at; skip_blanks(&at)) {
		_cleanup_text_ struct text word = {};
		int r;

		if (!take_word(&at, &word))
			return refuse(text, wanted, err);
		r = append_consume(&argv, &n, text_take(&word), err);
		if (r < 0)
			return r;
	}
	if (n == 0)
		return refuse(text, wanted, err);
	*ret_argv = TAKE_PTR(argv);
	return 0;
}

void parse_argv_free(char **argv)
{
	for (char **word = argv; word && *word; word++)
		free(*word);
	free(argv);
}
