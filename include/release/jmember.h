/*
 * Members of a JSON object that came from outside: there, of the type, in bounds; else FAULT_CORRUPT with
 * `no valid "key"`, to which the caller prefixes of what. ret_… is written only on success.
 */
#pragma once

#include <jansson.h>

#include "base/digest.h"
#include "base/error.h"
#include "release/command.h"

int jmember_refuse(const char *key, struct error *err);

/* Less than `room` bytes, no NUL among them. */
int jmember_text(const json_t *object, const char *key, char *ret_text, size_t room,
		 struct error *err);

/* 0 to INT64_MAX. */
int jmember_number(const json_t *object, const char *key, uint64_t *ret_value, struct error *err);

/* The value itself (NULL: it is not there) must be 64 hex digits; `key` is for the message. */
int jmember_digest(const json_t *value, const char *key, struct digest *ret_digest,
		   struct error *err);

/* It may be missing: none. Else a list of 1 to COMMAND_WORDS_MAX texts that command_add takes. */
int jmember_command(const json_t *object, const char *key, struct command *ret_command,
		    struct error *err);

/* The other way; none is left away. < 0: no memory, or no words of UTF-8. */
int jmember_add_command(json_t *object, const char *key, const struct command *command);
