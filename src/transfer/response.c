#include "transfer/response.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "transfer/retry.h"

void response_init(struct response *response)
{
	*response = (struct response){ .length = UINT64_MAX };
}

struct value {
	const char *at;
	size_t size;
};

static void trim(struct value *value)
{
	while (value->size > 0 && strchr(" \t", *value->at)) {
		value->at++;
		value->size--;
	}
	while (value->size > 0 && strchr(" \t\r\n", value->at[value->size - 1]))
		value->size--;
}

static bool is(const struct value *value, const char *text)
{
	return value->size == strlen(text) && strncasecmp(value->at, text, value->size) == 0;
}

static bool parse_number(const struct value *value, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < value->size; i++)
		if (value->at[i] < '0' || value->at[i] > '9' ||
		    __builtin_mul_overflow(number, 10U, &number) ||
		    __builtin_add_overflow(number, (unsigned int)(value->at[i] - '0'), &number))
			return false;
	*ret_number = number;
	return value->size > 0;
}

/* ---- the headers that matter ---- */

static void take_length(struct response *response, const struct value *value, uint64_t now)
{
	uint64_t length;

	if (!parse_number(value, &length) || length == UINT64_MAX ||
	    (response->length != UINT64_MAX && response->length != length))
		response->confused = true;
	else
		response->length = length;
}

static void take_encoding(struct response *response, const struct value *value, uint64_t now)
{
	if (value->size > 0 && !is(value, "identity"))
		response->encoded = true;
}

static void take_transfer(struct response *response, const struct value *value, uint64_t now)
{
	if (is(value, "chunked"))
		response->chunked = true;
	else
		take_encoding(response, value, now);
}

static void take_range(struct response *response, const struct value *value, uint64_t now)
{
	if (response->has_range || !content_range_parse(value->at, value->size, &response->range))
		response->confused = true;
	else
		response->has_range = true;
}

static void take_retry_after(struct response *response, const struct value *value, uint64_t now)
{
	response->retry_after = retry_parse_after(value->at, value->size, now);
}

static const struct {
	const char *name;
	void (*take)(struct response *response, const struct value *value, uint64_t now);
} headers[] = {
	{ "Content-Length", take_length },   { "Content-Encoding", take_encoding },
	{ "Content-Range", take_range },     { "Transfer-Encoding", take_transfer },
	{ "Retry-After", take_retry_after },
};

/* "HTTP/1.1 206 Partial Content": a new answer begins. */
static bool take_status(struct response *response, const char *line, size_t size)
{
	size_t header_bytes = response->header_bytes;
	const char *blank;
	struct value digits;
	uint64_t status;

	if (size < 5 || memcmp(line, "HTTP/", 5) != 0)
		return false;
	response_init(response);
	response->header_bytes = header_bytes;
	blank = memchr(line, ' ', size);
	if (!blank || size - (size_t)(blank - line) < 4)
		return true;
	digits = (struct value){ blank + 1, 3 };
	if (parse_number(&digits, &status))
		response->status = (unsigned int)status;
	return true;
}

bool response_line(struct response *response, const char *line, size_t size,
		   uint64_t now_realtime_usec)
{
	const char *colon = memchr(line, ':', size);
	struct value name, value;

	response->header_bytes += size;
	if (response->header_bytes > RESPONSE_HEADER_MAX)
		return false;
	if (take_status(response, line, size) || !colon)
		return true;
	name = (struct value){ line, (size_t)(colon - line) };
	value = (struct value){ colon + 1, size - name.size - 1 };
	trim(&value);
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		if (is(&name, headers[i].name))
			headers[i].take(response, &value, now_realtime_usec);
	return true;
}

/* ---- the verdict ---- */

static enum fetch_class judge_range(const struct response *response, uint64_t first,
				    uint64_t length, char *ret_why)
{
	const char *what = NULL;

	if (response->status == 200)
		what = "the server has no ranges: it answers with the whole file (HTTP 200)";
	else if (!response->has_range || response->confused)
		what = "the server has no proper ranges: HTTP 206 without a valid Content-Range";
	else if (!content_range_is(&response->range, first, length))
		what = "the server has no proper ranges: it answers with another range";
	else if (!response->chunked && response->length != UINT64_MAX && response->length != length)
		what = "the server has no proper ranges: Content-Length is not the range's";
	if (!what)
		return FETCH_OK;
	(void)snprintf(ret_why, RESPONSE_WHY_MAX, "%s", what);
	return FETCH_NO_RANGE;
}

/* Where a number alone does not say who has to do what. */
static const char *explain(unsigned int status)
{
	switch (status) {
	case 401:
		return ": the server wants a name and a password, in [Source] Url=";
	case 407:
		return ": " RESPONSE_PROXY_LOGIN;
	case 429:
		return ": too many requests";
	default:
		return "";
	}
}

static enum fetch_class judge_status(const struct response *response, bool ranged, char *ret_why)
{
	unsigned int status = response->status;
	char span[CLOCK_TEXT_MAX];

	if (status == 200 || (status == 206 && ranged))
		return FETCH_OK;
	if (status == 206)
		(void)snprintf(ret_why, RESPONSE_WHY_MAX,
			       "HTTP 206, though no range was asked for");
	else if (response->retry_after > 0)
		(void)snprintf(ret_why, RESPONSE_WHY_MAX,
			       "HTTP %u%s: the server asks to come again after %s", status,
			       explain(status),
			       clock_format_span(response->retry_after * USEC_PER_SEC, span));
	else
		(void)snprintf(ret_why, RESPONSE_WHY_MAX, "HTTP %u%s", status, explain(status));
	if (status == 206 || status == 0)
		return FETCH_PROTOCOL;
	return status == 404 || status == 403 || status == 410 ? FETCH_ABSENT : FETCH_STATUS;
}

static enum fetch_class judge_length(const struct response *response, uint64_t range_length,
				     uint64_t cap, uint64_t *ret_length, char *ret_why)
{
	if (response->encoded) {
		(void)snprintf(ret_why, RESPONSE_WHY_MAX,
			       "the server compresses on the way, which was not asked for");
		return FETCH_ENCODED;
	}
	if (response->confused) {
		(void)snprintf(ret_why, RESPONSE_WHY_MAX, "the header contradicts itself");
		return FETCH_PROTOCOL;
	}
	*ret_length = response->chunked ? UINT64_MAX : response->length;
	if (range_length > 0)
		*ret_length = range_length;
	if (*ret_length == UINT64_MAX || *ret_length <= cap)
		return FETCH_OK;
	(void)snprintf(ret_why, RESPONSE_WHY_MAX,
		       "%" PRIu64 " bytes, longer than %" PRIu64 " bytes", *ret_length, cap);
	return FETCH_TOO_LONG;
}

enum fetch_class response_judge(const struct response *response, uint64_t range_first,
				uint64_t range_length, uint64_t cap, uint64_t *ret_length,
				char ret_why[static RESPONSE_WHY_MAX])
{
	enum fetch_class class = judge_status(response, range_length > 0, ret_why);

	if (class == FETCH_OK && range_length > 0)
		class = judge_range(response, range_first, range_length, ret_why);
	if (class == FETCH_OK)
		class = judge_length(response, range_length, cap, ret_length, ret_why);
	return class;
}
