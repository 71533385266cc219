#include "release/requires.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "release/jmember.h"

#define TEXT(key, member)                                            \
	{                                                            \
		key, offsetof(struct offer_requires, member),        \
			sizeof(((struct offer_requires *)0)->member) \
	}

static const struct {
	const char *key;
	size_t offset, room;
} texts[] = {
	TEXT("commands", commands),   TEXT("glibc", glibc), TEXT("kernel", kernel),
	TEXT("libraries", libraries), TEXT("os", os),
};

json_t *requires_make(const struct offer_requires *requires)
{
	json_t *object = json_object();

	if (requires->from > 0)
		(void)json_object_set_new(object, "from",
					  json_integer((json_int_t) requires->from));
	if (requires->memory > 0)
		(void)json_object_set_new(object, "memory",
					  json_integer((json_int_t) requires->memory));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = (const char *) requires + texts[i].offset;

		if (text[0])
			(void)json_object_set_new(object, texts[i].key, json_string(text));
	}
	return object;
}

static int read_one(const json_t *object, const char *key, struct offer_requires *requires,
		    struct error *err)
{
	if (strcmp(key, "from") == 0)
		return jmember_number(object, key, &requires->from, err);
	if (strcmp(key, "memory") == 0)
		return jmember_number(object, key, &requires->memory, err);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcmp(key, texts[i].key) == 0)
			return jmember_text(object, key, (char *) requires + texts[i].offset,
					    texts[i].room, err);
	(void)text_copy(key[0] ? key : "?", requires->unknown, sizeof(requires->unknown));
	return 0;
}

int requires_read(json_t *value, struct offer_requires *requires, struct error *err)
{
	if (!value)
		return 0;
	if (!json_is_object(value))
		return jmember_refuse("requires", err);
	for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
		int r = read_one(value, json_object_iter_key(at), requires, err);

		if (r < 0)
			return error_prefix(err, r, "requires");
	}
	return 0;
}
