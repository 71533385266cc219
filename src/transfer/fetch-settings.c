#include "transfer/fetch-settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

#define VALUE_MAX (WIRE_ORDER_MAX - sizeof(struct wire_header) - 1)

#define MEMBER(member) #member, offsetof(struct fetch_settings, member)

/* The id of an order SET is the place in this table. */
static const struct setting {
	const char *name;
	size_t offset;
	bool is_text;
} table[] = {
	{ MEMBER(user), true },
	{ MEMBER(ca_file), true },
	{ MEMBER(client_certificate), true },
	{ MEMBER(client_key), true },
	{ MEMBER(proxy), true },
	{ MEMBER(file_root), true },
	{ MEMBER(rate_limit), false },
	{ MEMBER(connect_usec), false },
	{ MEMBER(slow_usec), false },
	{ MEMBER(slow_bytes), false },
	{ MEMBER(redirects), false },
};

void fetch_settings_init(struct fetch_settings *settings)
{
	*settings = (struct fetch_settings){
		.user = FETCH_SETTINGS_USER,
		.connect_usec = 15 * USEC_PER_SEC,
		.slow_usec = 30 * USEC_PER_SEC,
		.slow_bytes = 1024,
		.redirects = 5,
	};
}

static const char *text_of(const struct fetch_settings *settings, const struct setting *setting)
{
	return *(const char *const *)((const char *)settings + setting->offset);
}

int fetch_settings_check(const struct fetch_settings *settings, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *text = table[i].is_text ? text_of(settings, &table[i]) : NULL;

		if (text && strlen(text) > VALUE_MAX)
			return error_set(err, FAULT_CONFIG, "%s is too long", table[i].name);
	}
	if (settings->file_root && settings->file_root[0] != '/')
		return error_set(err, FAULT_CONFIG, "%s is no absolute path", settings->file_root);
	return 0;
}

static int send_one(const struct fetch_settings *settings, uint32_t i, int fd)
{
	const char *base = (const char *)settings;
	char digits[32];
	const char *text = digits;

	if (table[i].is_text)
		text = text_of(settings, &table[i]);
	else
		(void)snprintf(digits, sizeof(digits), "%" PRIu64,
			       *(const uint64_t *)(base + table[i].offset));
	return text ? wire_write(fd, WIRE_SET, i, text, strlen(text), NULL, 0) : 0;
}

int fetch_settings_send(const struct fetch_settings *settings, int fd)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(table); i++)
		if (send_one(settings, i, fd) < 0)
			return -1;
	return 0;
}

bool fetch_settings_take(struct fetch_settings *settings, const struct wire_frame *frame)
{
	char *member = (char *)settings;
	char *text;
	bool good;

	if (frame->id >= ARRAY_SIZE(table))
		return false;
	member += table[frame->id].offset;
	text = malloc(frame->size + 1);
	if (!text)
		return false;
	memcpy(text, frame->payload, frame->size);
	text[frame->size] = '\0';
	if (table[frame->id].is_text) {
		free(*(char **)member);
		*(char **)member = text;
		return true;
	}
	good = parse_u64(text, 0, UINT64_MAX, (uint64_t *)member, NULL) == 0;
	free(text);
	return good;
}

void fetch_settings_done(struct fetch_settings *settings)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].is_text)
			free((char *)text_of(settings, &table[i]));
	*settings = (struct fetch_settings){};
}
