/*
 * JSON from outside (RFC 8259), read strictly: one object, UTF-8, no name twice in an object, no
 * NUL in a string, integers within int64_t, blocks at most JREAD_DEPTH_MAX deep (counted before
 * the parser sees a byte). The size is the caller's to limit.
 *
 * What is not so is FAULT_CORRUPT, and the text names the field. Getters lend: what they give lives
 * as long as the object.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

#define JREAD_DEPTH_MAX 64
#define JREAD_SHOWN_MAX 80 /* room for a name from outside in a message */

/* *ret_object: an object, the caller's (json_decref). No bytes may be NULL. */
int jread_parse(const void *data, size_t size, json_t **ret_object, struct error *err);

static inline void jread_freep(json_t **json)
{
	json_decref(*json);
}

/* The member `key` of that type, which must be there. */
int jread_object(const json_t *object, const char *key, json_t **ret_object, struct error *err);
int jread_array(const json_t *object, const char *key, json_t **ret_array, struct error *err);
int jread_string(const json_t *object, const char *key, const char **ret_string, struct error *err);

/* An integer ≥ min, never a real ("1.0", "1e0"). */
int jread_integer(const json_t *object, const char *key, uint64_t min, uint64_t *ret_value,
		  struct error *err);

/* false if there is no such member. */
int jread_flag(const json_t *object, const char *key, bool *ret_value, struct error *err);

/* A name from outside for a message: escaped, long ones cut. Returns ret_text. */
char *jread_show(const char *name, char ret_text[static JREAD_SHOWN_MAX]);
