#include "unit/probe-order.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"

#define ARGUMENTS_MAX 256

#define MEMBER(member) offsetof(struct probe_order, member)

/* In struct probe_order; NULL is left out. */
static const struct {
	const char *key;
	size_t offset;
} strings[] = {
	{ "name", MEMBER(options.name) },
	{ "url", MEMBER(options.url) },
	{ "body", MEMBER(options.body) },
	{ "header", MEMBER(options.header) },
	{ "ca_file", MEMBER(options.ca_file) },
	{ "address", MEMBER(options.address) },
	{ "path", MEMBER(options.path) },
	{ "match", MEMBER(options.match) },
	{ "reject", MEMBER(options.reject) },
	{ "app", MEMBER(context.app) },
	{ "unit", MEMBER(context.unit) },
	{ "slot_path", MEMBER(context.slot_path) },
	{ "user", MEMBER(context.user) },
	{ "group", MEMBER(context.group) },
	{ "invocation", MEMBER(context.invocation) },
	{ "transient", MEMBER(transient) },
};

static const struct {
	const char *key;
	size_t offset;
} booleans[] = {
	{ "insecure", MEMBER(options.insecure) },
	{ "fresh", MEMBER(options.fresh) },
	{ "dynamic_user", MEMBER(context.dynamic_user) },
	{ "of_user", MEMBER(of_user) },
};

static const struct {
	const char *key;
	size_t offset;
} numbers[] = {
	{ "timeout", MEMBER(options.timeout_usec) },
	{ "started", MEMBER(context.started) },
	{ "owner", MEMBER(owner) },
};

/* ---- writing ---- */

static void add_number(struct text *text, const char *key, uint64_t value)
{
	char digits[32];

	(void)snprintf(digits, sizeof(digits), "%" PRIu64, value);
	text_add_field(text, key, digits);
}

static void add_indexed(struct text *text, const char *key, size_t i, const char *value)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%s.%zu", key, i);
	text_add_field(text, name, value);
}

static void add_ranges(const struct probe_options *options, struct text *text)
{
	for (size_t i = 0; i < options->n_status_ranges; i++) {
		char range[32];

		(void)snprintf(range, sizeof(range), "%03u%03u",
			       options->status_ranges[i][0] % 1000,
			       options->status_ranges[i][1] % 1000);
		add_indexed(text, "status", i, range);
	}
}

int probe_order_write(const struct probe_order *order, struct text *text, struct error *err)
{
	const char *base = (const char *)order;

	text_add_field(text, "kind", probe_kind_name(order->options.kind));
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		const char *value = *(const char *const *)(base + strings[i].offset);

		if (value)
			text_add_field(text, strings[i].key, value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(booleans); i++)
		if (*(const bool *)(base + booleans[i].offset))
			text_add_field(text, booleans[i].key, "yes");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		add_number(text, numbers[i].key, *(const uint64_t *)(base + numbers[i].offset));
	add_ranges(&order->options, text);
	for (size_t i = 0; order->options.command && order->options.command[i]; i++)
		add_indexed(text, "argument", i, order->options.command[i]);
	if (text->size > PROBE_ORDER_MAX)
		return error_set(err, FAULT_CONFIG, "the probe %s is too long to be asked",
				 order->options.name);
	return text_check(text, err);
}

/* ---- reading ---- */

/* Values are read into `value`, which has room for all that the text has. */
struct reader {
	const char *text;
	char *value;
	size_t room;
};

static bool get(const struct reader *reader, const char *key)
{
	return text_get_field(reader->text, key, reader->value, reader->room);
}

static bool get_indexed(const struct reader *reader, const char *key, size_t i)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%s.%zu", key, i);
	return get(reader, name);
}

static int get_string(const struct reader *reader, const char *key, char **ret)
{
	if (!get(reader, key))
		return 0;
	*ret = strdup(reader->value);
	return *ret ? 0 : -ENOMEM;
}

static bool get_number(const struct reader *reader, const char *key, uint64_t *ret)
{
	return get(reader, key) && parse_u64(reader->value, 0, UINT64_MAX, ret, NULL) == 0;
}

static bool get_ranges(const struct reader *reader, struct probe_options *options)
{
	uint64_t range;

	for (size_t i = 0; i < PROBE_STATUS_RANGES && get_indexed(reader, "status", i); i++) {
		if (parse_u64(reader->value, 0, 999999, &range, NULL) < 0)
			return false;
		options->status_ranges[i][0] = (unsigned int)(range / 1000);
		options->status_ranges[i][1] = (unsigned int)(range % 1000);
		options->n_status_ranges = i + 1;
	}
	return true;
}

static int get_command(const struct reader *reader, struct probe_options *options)
{
	if (!get_indexed(reader, "argument", 0))
		return 0;
	options->command = calloc(ARGUMENTS_MAX + 1, sizeof(*options->command));
	for (size_t i = 0; options->command && i < ARGUMENTS_MAX; i++) {
		if (!get_indexed(reader, "argument", i))
			return 0;
		options->command[i] = strdup(reader->value);
		if (!options->command[i])
			return -ENOMEM;
	}
	return options->command ? 0 : -ENOMEM;
}

static bool get_plain(const struct reader *reader, struct probe_order *order)
{
	char *base = (char *)order;

	if (!get(reader, "kind"))
		return false;
	order->options.kind = probe_kind_from_name(reader->value);
	for (size_t i = 0; i < ARRAY_SIZE(booleans); i++)
		*(bool *)(base + booleans[i].offset) = get(reader, booleans[i].key);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!get_number(reader, numbers[i].key, (uint64_t *)(base + numbers[i].offset)))
			return false;
	return order->options.kind < PROBE_KIND_MAX && get_ranges(reader, &order->options);
}

/* What a probe of any kind may rely on is there. */
static int fill_in(struct probe_order *order)
{
	const char **needed[] = {
		&order->context.app,  &order->context.unit,  &order->context.slot_path,
		&order->context.user, &order->context.group, &order->context.invocation,
	};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!*needed[i])
			*needed[i] = strdup("");
		if (!*needed[i])
			return -ENOMEM;
	}
	return 0;
}

int probe_order_read(const char *text, struct probe_order *ret_order, struct error *err)
{
	_cleanup_(probe_order_done) struct probe_order order = {};
	_cleanup_free_ char *value = malloc(strlen(text) + 1);
	const struct reader reader = { text, value, strlen(text) + 1 };
	int r = value ? 0 : -ENOMEM;

	if (r == 0 && !get_plain(&reader, &order))
		return error_set(err, FAULT_CORRUPT, "orders of another form");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(strings); i++)
		r = get_string(&reader, strings[i].key,
			       (char **)((char *)&order + strings[i].offset));
	if (r == 0)
		r = get_command(&reader, &order.options);
	if (r == 0)
		r = fill_in(&order);
	if (r < 0)
		return error_code(err, r, "reading orders");
	*ret_order = order;
	order = (struct probe_order){};
	return 0;
}

void probe_order_done(struct probe_order *order)
{
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(*(char **)((char *)order + strings[i].offset));
	parse_argv_free(order->options.command);
	*order = (struct probe_order){};
}

/* ---- answers ---- */

void probe_order_write_answer(bool passed, const char *text, char *ret_line)
{
	char cut[PROBE_ANSWER_MAX - 4]; /* "no ", the newline goes where its NUL is */

	text_copy(text, cut, sizeof(cut) - 1);
	for (char *at = cut; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
	(void)snprintf(ret_line, PROBE_ANSWER_MAX, "%s %s\n", passed ? "ok" : "no", cut);
}

bool probe_order_read_answer(const char *line, size_t size, struct probe_answer *ret_answer)
{
	if (size < 3 || (memcmp(line, "ok ", 3) != 0 && memcmp(line, "no ", 3) != 0))
		return false;
	ret_answer->passed = line[0] == 'o';
	text_escape(line + 3, size - 3, ret_answer->text, sizeof(ret_answer->text));
	return true;
}
