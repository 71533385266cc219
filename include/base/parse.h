/*
 * Strict parsing of values: the whole text must be the value, nothing may follow, nothing is
 * guessed. All return FAULT_CONFIG with one line that quotes the text (control characters escaped)
 * and says what would be accepted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* yes no true false on off 1 0 */
int parse_bool(const char *text, bool *ret_value, struct error *err);

/* Decimal digits only. */
int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value, struct error *err);

/*
 * Bytes: "8M", "512K", "1.5G" (1024 based, suffixes K M G T, at most six decimals, rounded down),
 * or a plain number of bytes.
 */
int parse_size(const char *text, uint64_t *ret_bytes, struct error *err);

/*
 * As systemd.time(7): "5min", "90s", "1h 30min", "250ms", "infinity" (USEC_INFINITY); a number
 * without a unit is seconds, and stands alone.
 */
int parse_span(const char *text, uint64_t *ret_usec, struct error *err);

/* App names: 1..64 of [a-z0-9_-], first one a letter or digit. They become unit instance names. */
bool parse_is_app_name(const char *text);

/* A relative path with no empty part, "." or ".." in it. */
bool parse_is_tidy_path(const char *path);

/*
 * A command line as in systemd.service(5): words by blanks, '…' and "…" quote, \ escapes (\n \t \s
 * \\ \" \' \xHH \NNN …; not \u). No $VARIABLE and no %specifier is replaced. One word at least.
 * *ret_argv is NULL-terminated, malloc'ed (each word too): parse_argv_free.
 */
int parse_argv(const char *text, char ***ret_argv, struct error *err);
void parse_argv_free(char **argv);
static inline void parse_argv_freep(char ***argv)
{
	parse_argv_free(*argv);
}
