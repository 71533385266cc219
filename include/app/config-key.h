/*
 * One key of the configuration, as data: its name, what it takes, its default, a line of help. From this
 * come the parsing, the range in messages, and the commented file that init writes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "app/config-findings.h"
#include "app/config-read.h"

enum config_key_type {
	CONFIG_KEY_TEXT, /* char *; malloc'ed */
	CONFIG_KEY_BOOL, /* bool */
	CONFIG_KEY_CHOICE, /* bool: the second of two words */
	CONFIG_KEY_COUNT, /* unsigned int */
	CONFIG_KEY_NUMBER, /* uint64_t */
	CONFIG_KEY_SIZE, /* uint64_t, bytes */
	CONFIG_KEY_SPAN, /* uint64_t, usec */
	CONFIG_KEY_OTHER, /* `set` does it all */
};

struct config_key {
	const char *section; /* "App"; "Probe" stands for every [Probe NAME] */
	const char *name;
	enum config_key_type type;
	size_t offset; /* in the object */
	const char *range[2]; /* least and most as one would write them; the two words of a choice */
	const char *fallback; /* the default as one would write it; NULL: none */
	const char *help; /* one line */
	/* CONFIG_KEY_OTHER: parses into the object; CONFIG_KEY_TEXT: looks at the text (NULL: any) */
	int (*set)(void *object, const char *value, struct error *err);
	/* [Probe NAME] only, bits of 1 << enum probe_kind: fits these (0: all); is needed by these */
	unsigned int kinds, needed;
};

/* The key's place in object gets the value. What is wrong is said without the key's name. */
int config_key_set(const struct config_key *key, void *object, const char *value,
		   struct error *err);

/* The same for the default, if there is one; a bad default is a bug. */
int config_key_set_default(const struct config_key *key, void *object, struct error *err);

/* The value of an entry; what is wrong with it is a finding. Returns < 0 only without memory. */
int config_key_take(const struct config_key *key, void *object, const struct config_entry *entry,
		    struct config_findings *findings, struct error *err);

/* The one of that name in a table that ends with a NULL name, or NULL. */
const struct config_key *config_key_find(const struct config_key *table, const char *section,
					 const char *name);

/* Puts a char * into the place of *ret_text. */
int config_key_copy(char **ret_text, const char *value, struct error *err);

/*
 * The nearest of candidates (NULL-terminated) to a misspelt name, or NULL if none is near: at most a
 * third of its letters changed, left out, put in or swapped. Case does not count.
 */
const char *config_key_nearest(const char *name, const char *const *candidates);
