#include "trust/jread.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

char *jread_show(const char *name, char ret_text[static JREAD_SHOWN_MAX])
{
	return text_escape(name, strlen(name), ret_text, JREAD_SHOWN_MAX);
}

/*
 * How deep the brackets outside of strings go. What is no JSON may be counted wrong, but never too
 * low for a parser that reads from the start and stops at the first error.
 */
static size_t depth_of(const char *data, size_t size)
{
	size_t deepest = 0;
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < size; i++) {
		char c = data[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			deepest = ++depth > deepest ? depth : deepest;
		else if (!in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return deepest;
}

/* What comes in place of metadata where something else answers: a login page, a proxy that compresses. NULL: none of these. */
static const char *other_than_json(const char *data, size_t size)
{
	size_t at = 0;

	while (at < size && strchr(" \t\r\n", data[at]) && data[at])
		at++;
	if (at < size && data[at] == '<')
		return "no JSON, but a web page: does a login page answer, or does Url= not name a "
		       "repository?";
	if (size >= 2 && memcmp(data, "\x1f\x8b", 2) == 0)
		return "no JSON, but compressed: the server, or a proxy, does that on the way";
	return NULL;
}

int jread_parse(const void *data, size_t size, json_t **ret_object, struct error *err)
{
	const char *other = other_than_json(data, size);
	json_error_t why;
	json_t *object;

	if (size == 0)
		return error_set(err, FAULT_CORRUPT, "no JSON: it is empty");
	if (other)
		return error_set(err, FAULT_CORRUPT, "%s", other);
	if (depth_of(data, size) > JREAD_DEPTH_MAX)
		return error_set(err, FAULT_CORRUPT, "nested more than %d deep", JREAD_DEPTH_MAX);
	object = json_loadb(data, size, JSON_REJECT_DUPLICATES, &why);
	if (!object) {
		char shown[JREAD_SHOWN_MAX];

		if (json_error_code(&why) == json_error_out_of_memory)
			return error_code(err, -ENOMEM, "reading JSON");
		return error_set(err, FAULT_CORRUPT, "no JSON, line %d: %s", why.line,
				 jread_show(why.text, shown));
	}
	if (!json_is_object(object)) {
		json_decref(object);
		return error_set(err, FAULT_CORRUPT, "not a JSON object");
	}
	*ret_object = object;
	return 0;
}

static int wrong(const char *key, const char *what, struct error *err)
{
	char shown[JREAD_SHOWN_MAX];

	return error_set(err, FAULT_CORRUPT, "\"%s\" is %s", jread_show(key, shown), what);
}

static int member(const json_t *object, const char *key, json_type type, const char *what,
		  json_t **ret_value, struct error *err)
{
	json_t *value = json_object_get(object, key);

	if (!value)
		return wrong(key, "missing", err);
	if (json_typeof(value) != type)
		return wrong(key, what, err);
	*ret_value = value;
	return 0;
}

int jread_object(const json_t *object, const char *key, json_t **ret_object, struct error *err)
{
	return member(object, key, JSON_OBJECT, "not an object", ret_object, err);
}

int jread_array(const json_t *object, const char *key, json_t **ret_array, struct error *err)
{
	return member(object, key, JSON_ARRAY, "not an array", ret_array, err);
}

int jread_string(const json_t *object, const char *key, const char **ret_string, struct error *err)
{
	json_t *value = NULL;
	int r = member(object, key, JSON_STRING, "not a string", &value, err);

	if (r < 0)
		return r;
	*ret_string = json_string_value(value);
	return 0;
}

int jread_integer(const json_t *object, const char *key, uint64_t min, uint64_t *ret_value,
		  struct error *err)
{
	json_t *value = NULL;
	int r = member(object, key, JSON_INTEGER, "not an integer", &value, err);

	if (r < 0)
		return r;
	if (json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) < min)
		return wrong(key, "too small", err);
	*ret_value = (uint64_t)json_integer_value(value);
	return 0;
}

int jread_flag(const json_t *object, const char *key, bool *ret_value, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value && !json_is_boolean(value))
		return wrong(key, "neither true nor false", err);
	*ret_value = json_is_true(value);
	return 0;
}
