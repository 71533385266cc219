#include "trust/canonical.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "trust/jread.h"

static int write_value(struct text *out, const json_t *value, size_t depth, struct error *err);

static void write_string(struct text *out, const char *string, size_t size)
{
	size_t from = 0;

	text_add_bytes(out, "\"", 1);
	for (size_t i = 0; i < size; i++) {
		if (string[i] != '"' && string[i] != '\\')
			continue;
		text_add_bytes(out, string + from, i - from);
		text_add_bytes(out, "\\", 1);
		from = i;
	}
	text_add_bytes(out, string + from, size - from);
	text_add_bytes(out, "\"", 1);
}

static int write_array(struct text *out, const json_t *array, size_t depth, struct error *err)
{
	text_add_bytes(out, "[", 1);
	for (size_t i = 0; i < json_array_size(array); i++) {
		int r;

		if (i > 0)
			text_add_bytes(out, ",", 1);
		r = write_value(out, json_array_get(array, i), depth + 1, err);
		if (r < 0)
			return r;
	}
	text_add_bytes(out, "]", 1);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the object in order; strcmp compares bytes as unsigned. */
static const char **sorted_names(const json_t *object)
{
	size_t n = json_object_size(object);
	const char **names = calloc(n + 1, sizeof(*names));
	const char *name;
	json_t *value;
	size_t i = 0;

	if (!names)
		return NULL;
	json_object_foreach((json_t *)object, name, value)
		names[i++] = name;
	qsort(names, n, sizeof(*names), compare_names);
	return names;
}

static int write_object(struct text *out, const json_t *object, size_t depth, struct error *err)
{
	_cleanup_free_ const char **names = sorted_names(object);

	if (!names)
		return error_code(err, -ENOMEM, "writing canonical JSON");
	text_add_bytes(out, "{", 1);
	for (const char **name = names; *name; name++) {
		int r;

		if (name != names)
			text_add_bytes(out, ",", 1);
		write_string(out, *name, strlen(*name));
		text_add_bytes(out, ":", 1);
		r = write_value(out, json_object_get(object, *name), depth + 1, err);
		if (r < 0)
			return r;
	}
	text_add_bytes(out, "}", 1);
	return 0;
}

static int write_value(struct text *out, const json_t *value, size_t depth, struct error *err)
{
	if (depth > JREAD_DEPTH_MAX)
		return error_set(err, FAULT_CORRUPT, "nested more than %d deep", JREAD_DEPTH_MAX);
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return write_object(out, value, depth, err);
	case JSON_ARRAY:
		return write_array(out, value, depth, err);
	case JSON_STRING:
		write_string(out, json_string_value(value), json_string_length(value));
		return 0;
	case JSON_INTEGER:
		text_add(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return 0;
	case JSON_TRUE:
		text_add(out, "true");
		return 0;
	case JSON_FALSE:
		text_add(out, "false");
		return 0;
	case JSON_NULL:
		text_add(out, "null");
		return 0;
	default:
		return error_set(err, FAULT_CORRUPT, "a number that is not an integer");
	}
}

int canonical_encode(const json_t *value, char **ret_bytes, size_t *ret_size, struct error *err)
{
	_cleanup_text_ struct text out = {};
	size_t size;
	char *bytes;
	int r = write_value(&out, value, 0, err);

	if (r < 0)
		return r;
	size = out.size;
	bytes = text_take(&out);
	if (!bytes)
		return error_code(err, -ENOMEM, "writing canonical JSON");
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}
