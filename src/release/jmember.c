#include "release/jmember.h"

#include <errno.h>
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

int jmember_command(const json_t *object, const char *key, struct command *ret_command,
		    struct error *err)
{
	const json_t *list = json_object_get(object, key);
	struct command command = {};

	if (list && json_array_size(list) == 0)
		return jmember_refuse(key, err);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);
		const char *word = json_string_value(value);

		if (!word || strlen(word) != json_string_length(value) ||
		    !command_add(&command, word))
			return jmember_refuse(key, err);
	}
	*ret_command = command;
	return 0;
}

int jmember_add_command(json_t *object, const char *key, const struct command *command)
{
	struct command copy = *command;
	char *argv[COMMAND_WORDS_MAX + 1];
	json_t *list;

	if (command->n_words == 0)
		return 0;
	list = json_array();
	command_argv(&copy, argv);
	for (char **word = argv; *word; word++)
		if (json_array_append_new(list, json_string(*word)) < 0) {
			json_decref(list);
			return -ENOMEM;
		}
	return json_object_set_new(object, key, list) < 0 ? -ENOMEM : 0;
}
