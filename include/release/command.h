/*
 * A command that a release carries: a program, absolute or relative to the release, and its arguments. In JSON it is a list of texts:
 *
 *     ["bin/selftest","--config-test"]
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define COMMAND_WORDS_MAX 32
#define COMMAND_BYTES_MAX 1024 /* of all words, each with its final NUL */

struct command { /* zero: none */
	size_t n_words;
	char words[COMMAND_BYTES_MAX]; /* one behind the other, then zeroes */
};

bool command_equal(const struct command *a, const struct command *b);

/* false: no room, no UTF-8, a control character, or as the first one no tidy path. */
bool command_add(struct command *command, const char *word);

/* Words as in parse_argv (base/parse.h); FAULT_CONFIG. A text without words is no command. */
int command_parse(const char *text, struct command *ret_command, struct error *err);

/* The words, which stay the command's, and NULL. */
void command_argv(struct command *command, char *ret_argv[static COMMAND_WORDS_MAX + 1]);
