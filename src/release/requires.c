#include "release/requires.h"

#include <string.h>

#include "base/text.h"
#include "release/jmember.h"

json_t *requires_make(const struct offer_requires *requires)
{
	json_t *object = json_object();

	if (requires->from > 0)
		(void)json_object_set_new(object, "from",
					  json_integer((json_int_t) requires->from));
	if (requires->kernel[0])
		(void)json_object_set_new(object, "kernel", json_string(requires->kernel));
	if (requires->memory > 0)
		(void)json_object_set_new(object, "memory",
					  json_integer((json_int_t) requires->memory));
	return object;
}

static int read_one(const json_t *object, const char *key, struct offer_requires *requires,
		    struct error *err)
{
	if (strcmp(key, "from") == 0)
		return jmember_number(object, key, &requires->from, err);
	if (strcmp(key, "memory") == 0)
		return jmember_number(object, key, &requires->memory, err);
	if (strcmp(key, "kernel") == 0)
		return jmember_text(object, key, requires->kernel, sizeof(requires->kernel), err);
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
