#include "transfer/content-range.h"

#include <string.h>
#include <strings.h>

struct reader {
	const char *at, *end;
};

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
		reader->at++;
}

static bool take(struct reader *reader, const char *text)
{
	size_t size = strlen(text);

	if ((size_t)(reader->end - reader->at) < size || strncasecmp(reader->at, text, size) != 0)
		return false;
	reader->at += size;
	return true;
}

static bool take_number(struct reader *reader, uint64_t *ret_value)
{
	const char *begin = reader->at;
	uint64_t value = 0;

	for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++)
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (unsigned int)(*reader->at - '0'), &value))
			return false;
	*ret_value = value;
	return reader->at > begin;
}

bool content_range_parse(const char *value, size_t size, struct content_range *ret_range)
{
	struct reader reader = { value, value + size };
	struct content_range range = { .total = UINT64_MAX };

	skip_blanks(&reader);
	if (!take(&reader, "bytes") || !take(&reader, " "))
		return false;
	skip_blanks(&reader);
	if (!take_number(&reader, &range.first) || !take(&reader, "-") ||
	    !take_number(&reader, &range.last) || !take(&reader, "/"))
		return false;
	if (!take(&reader, "*") && !take_number(&reader, &range.total))
		return false;
	skip_blanks(&reader);
	if (reader.at != reader.end || range.first > range.last || range.last >= range.total)
		return false;
	*ret_range = range;
	return true;
}

bool content_range_is(const struct content_range *range, uint64_t first, uint64_t length)
{
	return range->first == first && length > 0 && range->last - range->first == length - 1;
}
