/* A server's header, line by line. What it says of a range is also taken for a value by itself. */
#include "transfer/response.h"

#include "fuzz.h"
#include "transfer/retry.h"

#define NOW   1700000000000000
#define FIRST 100
#define LEAST 50
#define CAP   1000000

static void values(const void *bytes, size_t size)
{
	struct content_range range;

	assert(retry_parse_after(bytes, size, NOW) <= RETRY_AFTER_MAX);
	if (!content_range_parse(bytes, size, &range))
		return;
	assert(range.first <= range.last &&
	       (range.total == UINT64_MAX || range.last < range.total));
	(void)content_range_is(&range, range.first, range.last - range.first + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_bytes(data, size);
	struct response response;
	char why[RESPONSE_WHY_MAX];
	uint64_t length = 0;

	values(text, size);
	response_init(&response);
	for (size_t at = 0, n; at < size; at += n) {
		const char *end = memchr(text + at, '\n', size - at);
		_cleanup_free_ char *line = NULL;

		n = end ? (size_t)(end + 1 - (text + at)) : size - at;
		line = fuzz_bytes(text + at, n);
		if (!response_line(&response, line, n, NOW))
			return 0;
	}
	if (response_judge(&response, FIRST, LEAST, CAP, &length, why) == FETCH_OK)
		assert(length == LEAST);
	if (response_judge(&response, 0, 0, CAP, &length, why) == FETCH_OK)
		assert(length <= CAP || length == UINT64_MAX);
	return 0;
}
