#include "app/config-key.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/text.h"

#define NAME_MAX_SIZE 48 /* longer names are near to nothing */

static const char *shown(const char *value, char *ret_text, size_t room)
{
	return text_escape(value, strlen(value), ret_text, room);
}

int config_key_copy(char **ret_text, const char *value, struct error *err)
{
	char *copy = strdup(value);

	if (!copy)
		return error_errno(err, "reading the configuration");
	free(*ret_text);
	*ret_text = copy;
	return 0;
}

static int set_choice(const struct config_key *key, bool *ret_value, const char *value,
		      struct error *err)
{
	char text[96];

	for (size_t i = 0; i < ARRAY_SIZE(key->range); i++) {
		if (strcmp(value, key->range[i]) == 0) {
			*ret_value = i == 1;
			return 0;
		}
	}
	return error_set(err, FAULT_CONFIG, "\"%s\" is neither %s nor %s",
			 shown(value, text, sizeof(text)), key->range[0], key->range[1]);
}

static int parse_number(const char *text, uint64_t *ret_value, struct error *err)
{
	return parse_u64(text, 0, UINT64_MAX, ret_value, err);
}

/* Parses value and the range with the same function. */
static int parse_ranged(const struct config_key *key,
			int (*parse)(const char *text, uint64_t *ret_value, struct error *err),
			const char *value, uint64_t *ret_value, struct error *err)
{
	uint64_t number = 0;
	uint64_t least = 0;
	uint64_t most = 0;
	char text[96];
	int r = parse(value, &number, err);

	if (r == 0)
		r = parse(key->range[0], &least, err);
	if (r == 0)
		r = parse(key->range[1], &most, err);
	if (r < 0)
		return r;
	if (number < least || number > most)
		return error_set(err, FAULT_CONFIG, "\"%s\" is not between %s and %s",
				 shown(value, text, sizeof(text)), key->range[0], key->range[1]);
	*ret_value = number;
	return 0;
}

static int set_count(const struct config_key *key, unsigned int *ret_value, const char *value,
		     struct error *err)
{
	uint64_t number = 0;
	int r = parse_ranged(key, parse_number, value, &number, err);

	if (r < 0)
		return r;
	assert(number <= UINT32_MAX);
	*ret_value = (unsigned int)number;
	return 0;
}

static int set_text(const struct config_key *key, void *object, char **ret_value, const char *value,
		    struct error *err)
{
	int r = key->set ? key->set(object, value, err) : 0;

	return r < 0 ? r : config_key_copy(ret_value, value, err);
}

int config_key_set(const struct config_key *key, void *object, const char *value, struct error *err)
{
	void *place = (char *)object + key->offset;

	switch (key->type) {
	case CONFIG_KEY_TEXT:
		return set_text(key, object, place, value, err);
	case CONFIG_KEY_BOOL:
		return parse_bool(value, place, err);
	case CONFIG_KEY_CHOICE:
		return set_choice(key, place, value, err);
	case CONFIG_KEY_COUNT:
		return set_count(key, place, value, err);
	case CONFIG_KEY_NUMBER:
		return parse_ranged(key, parse_number, value, place, err);
	case CONFIG_KEY_SIZE:
		return parse_ranged(key, parse_size, value, place, err);
	case CONFIG_KEY_SPAN:
		return parse_ranged(key, parse_span, value, place, err);
	case CONFIG_KEY_OTHER:
	default:
		return key->set(object, value, err);
	}
}

int config_key_set_default(const struct config_key *key, void *object, struct error *err)
{
	int r;

	if (!key->fallback)
		return 0;
	r = config_key_set(key, object, key->fallback, err);
	if (r < 0)
		return error_prefix(err, r, "default of %s=", key->name);
	return 0;
}

int config_key_take(const struct config_key *key, void *object, const struct config_entry *entry,
		    struct config_findings *findings, struct error *err)
{
	struct error why = {};
	int r;

	if (!entry->value[0])
		return 0;
	r = config_key_set(key, object, entry->value, &why);
	if (r < 0 && why.fault != FAULT_CONFIG)
		return error_set(err, why.fault, "%s", why.text);
	if (r < 0)
		config_findings_add(findings, "%s: %s=: %s", entry->where, key->name, why.text);
	return 0;
}

const struct config_key *config_key_find(const struct config_key *table, const char *section,
					 const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->section, section) == 0 && strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * Edits between two names of at most NAME_MAX_SIZE bytes (Damerau and Levenshtein's, neighbours swapped
 * count one). row[2] is being filled; row[1] and row[0] are the ones before.
 */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[3][NAME_MAX_SIZE + 1] = {};
	size_t size = strlen(b);

	for (size_t j = 0; j <= size; j++)
		row[2][j] = (unsigned int)j;
	for (size_t i = 1; i <= strlen(a); i++) {
		memcpy(row[0], row[1], sizeof(row[0]));
		memcpy(row[1], row[2], sizeof(row[1]));
		row[2][0] = (unsigned int)i;
		for (size_t j = 1; j <= size; j++) {
			unsigned int edits = row[1][j - 1] + !same(a[i - 1], b[j - 1]);

			edits = least(edits, least(row[1][j], row[2][j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				edits = least(edits, row[0][j - 2] + 1);
			row[2][j] = edits;
		}
	}
	return row[2][size];
}

const char *config_key_nearest(const char *name, const char *const *candidates)
{
	const char *nearest = NULL;
	size_t most = strlen(name) / 3 > 1 ? strlen(name) / 3 : 1;

	if (strlen(name) > NAME_MAX_SIZE)
		return NULL;
	for (; *candidates; candidates++) {
		unsigned int edits;

		if (strlen(*candidates) > NAME_MAX_SIZE)
			continue;
		edits = distance(name, *candidates);
		if (edits > most || (nearest && edits == most))
			continue;
		nearest = *candidates;
		most = edits;
	}
	return nearest;
}
