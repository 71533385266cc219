#include "release/jmember.h"

#include <string.h>

int jmember_refuse(const char *key, struct error *err)
{
	return error_set(err, FAULT_CORRUPT, "no valid \"%s\"", key);
}

int jmember_text(const json_t *object, const char *key, char *ret_text, size_t room,
		 struct error *err)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	if (!text || json_string_length(value) >= room || strlen(text) != json_string_length(value))
		return jmember_refuse(key, err);
	memcpy(ret_text, text, strlen(text) + 1);
	return 0;
}

int jmember_number(const json_t *object, const char *key, uint64_t *ret_value, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return jmember_refuse(key, err);
	*ret_value = (uint64_t)json_integer_value(value);
	return 0;
}

int jmember_digest(const json_t *value, const char *key, struct digest *ret_digest,
		   struct error *err)
{
	const char *hex = json_string_value(value);

	if (!hex || json_string_length(value) != strlen(hex) ||
	    digest_from_hex(hex, ret_digest, NULL) < 0)
		return jmember_refuse(key, err);
	return 0;
}
