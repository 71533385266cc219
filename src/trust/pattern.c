#include "trust/pattern.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* Takes a character; a byte that is no UTF-8 counts as one that is like no character. */
static uint32_t take(const char **at)
{
	uint32_t point;
	size_t n = text_utf8_char(*at, strnlen(*at, 4), &point);

	if (n == 0) {
		point = 0x80000000U | (unsigned char)**at;
		n = **at != '\0';
	}
	*at += n;
	return point;
}

static uint32_t take_quoted(const char **at)
{
	if (**at == '\\' && (*at)[1])
		(*at)++;
	return take(at);
}

/*
 * Is the character in the set behind a "[", whose "]" *at is moved behind? A "]" that comes first
 * is one of the set. A set without end matches nothing.
 */
static bool match_set(const char **at, uint32_t point)
{
	const char *p = *at;
	bool negated = *p == '!';
	bool in = false;

	if (negated)
		p++;
	for (const char *first = p; *p != ']' || p == first;) {
		uint32_t from;
		uint32_t to;

		if (*p == '\0' || *p == '/')
			return false;
		from = to = take_quoted(&p);
		if (p[0] == '-' && p[1] && p[1] != ']' && p[1] != '/') {
			p++;
			to = take_quoted(&p);
		}
		in = in || (from <= point && point <= to);
	}
	*at = p + 1;
	return in != negated;
}

/* Does what the pattern says of one character hold for the path's next? Moves both behind it. */
static bool match_one(const char **pattern, const char **path)
{
	uint32_t point;

	if (**path == '\0' || **pattern == '\0')
		return false;
	point = take(path);
	if (**pattern == '?')
		return take(pattern) == '?' && point != '/';
	if (**pattern != '[')
		return take_quoted(pattern) == point;
	(*pattern)++;
	return match_set(pattern, point) && point != '/';
}

/*
 * When nothing fits any more, the last * takes one character more: it is enough to go back to that
 * one, since what an earlier * would take instead, the last one can take too, up to the next /.
 */
bool pattern_match(const char *pattern, const char *path)
{
	const char *star = NULL; /* behind the last * */
	const char *star_path = NULL; /* where it stops taking */

	while (*pattern || *path) {
		if (*pattern == '*') {
			star = ++pattern;
			star_path = path;
			continue;
		}
		if (match_one(&pattern, &path))
			continue;
		if (!star || *star_path == '\0' || *star_path == '/')
			return false;
		(void)take(&star_path);
		pattern = star;
		path = star_path;
	}
	return true;
}
