#include "release/command.h"

#include <stdint.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"

bool command_equal(const struct command *a, const struct command *b)
{
	return a->n_words == b->n_words && memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

static bool is_shown_as_it_is(const char *word, size_t size)
{
	while (size > 0) {
		uint32_t point;
		size_t n = text_utf8_char(word, size, &point);

		if (n == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0))
			return false;
		word += n;
		size -= n;
	}
	return true;
}

static size_t used(const struct command *command)
{
	size_t at = 0;

	for (size_t i = 0; i < command->n_words; i++)
		at += strlen(command->words + at) + 1;
	return at;
}

bool command_add(struct command *command, const char *word)
{
	size_t size = strlen(word);
	size_t at = used(command);

	if (command->n_words == COMMAND_WORDS_MAX || size >= COMMAND_BYTES_MAX - at)
		return false;
	if (command->n_words == 0 && !parse_is_tidy_path(word[0] == '/' ? word + 1 : word))
		return false;
	if (!is_shown_as_it_is(word, size))
		return false;
	memcpy(command->words + at, word, size + 1);
	command->n_words++;
	return true;
}

int command_parse(const char *text, struct command *ret_command, struct error *err)
{
	_cleanup_(parse_argv_freep) char **argv = NULL;
	struct command command = {};
	int r = 0;

	if (text[strspn(text, " \t")])
		r = parse_argv(text, &argv, err);
	if (r < 0)
		return r;
	for (char **word = argv; word && *word; word++)
		if (!command_add(&command, *word))
			return error_set(
				err, FAULT_CONFIG,
				"a command is a program, absolute or relative to the release, and its "
				"arguments: at most %d words, %d bytes, no control characters",
				COMMAND_WORDS_MAX, COMMAND_BYTES_MAX);
	*ret_command = command;
	return 0;
}

void command_argv(struct command *command, char *ret_argv[static COMMAND_WORDS_MAX + 1])
{
	char *at = command->words;

	for (size_t i = 0; i < command->n_words; i++) {
		ret_argv[i] = at;
		at += strlen(at) + 1;
	}
	ret_argv[command->n_words] = NULL;
}
