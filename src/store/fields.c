#include "store/fields.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/parse.h"
#include "base/text.h"
#include "store/outcome.h"
#include "store/phase.h"
#include "store/slot.h"
#include "store/verb.h"

#define VALUE_MAX 2048 /* the longest text and a NUL */
#define LAST_CUT  2

/* A member, seen as what its kind says that it is. */
union member {
	char *text;
	uint64_t *u64;
	unsigned int *uint;
	bool *boolean;
	struct digest *digest;
	enum slot *slot;
	enum phase *phase;
	enum verb *verb;
	enum outcome *outcome;
	enum fault *fault;
	void *any;
	const void *source; /* of what is only read */
};

static void add_text(struct text *text, const struct field *field, const char *value,
		     unsigned int cut)
{
	static const char more[] = "…";
	char shown[VALUE_MAX];
	size_t size = strnlen(value, field->size);

	assert(field->size <= sizeof(shown) - sizeof(more) && field->keep < field->size);
	memcpy(shown, value, size);
	shown[size] = '\0';
	if (cut >= field->cut && field->cut > 0 && size > field->keep) {
		size = text_cut_point(value, field->keep - strlen(more));
		memcpy(shown + size, more, sizeof(more));
	}
	text_add_field(text, field->key, shown);
}

static void add_number(struct text *text, const struct field *field, uint64_t value)
{
	text_add(text, "%s=%" PRIu64 "\n", field->key, value);
}

static void add_name(struct text *text, const struct field *field, const char *name)
{
	text_add(text, "%s=%s\n", field->key, name);
}

static void add_value(struct text *text, const struct field *field, union member member,
		      unsigned int cut)
{
	char hex[DIGEST_HEX_MAX];

	switch (field->kind) {
	case FIELD_TEXT:
		add_text(text, field, member.text, cut);
		break;
	case FIELD_U64:
		add_number(text, field, *member.u64);
		break;
	case FIELD_UINT:
		add_number(text, field, *member.uint);
		break;
	case FIELD_BOOL:
		add_name(text, field, *member.boolean ? "yes" : "no");
		break;
	case FIELD_DIGEST:
		add_name(text, field, digest_to_hex(member.digest, hex));
		break;
	case FIELD_SLOT:
		add_name(text, field, slot_name(*member.slot));
		break;
	case FIELD_PHASE:
		add_name(text, field, phase_name(*member.phase));
		break;
	case FIELD_VERB:
		add_name(text, field, verb_name(*member.verb));
		break;
	case FIELD_OUTCOME:
		add_name(text, field, outcome_name(*member.outcome));
		break;
	case FIELD_FAULT:
		add_name(text, field, fault_name(*member.fault));
		break;
	}
}

static bool is_default(const struct field *field, union member member)
{
	const char *bytes = member.any;

	if (field->kind == FIELD_PHASE)
		return false;
	if (field->kind == FIELD_SLOT)
		return *member.slot == SLOT_NONE;
	if (field->kind == FIELD_TEXT)
		return bytes[0] == '\0';
	for (size_t i = 0; i < field->size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

int fields_write(const struct field *fields, size_t n, const void *object, size_t room,
		 char **ret_text, struct error *err)
{
	for (unsigned int cut = 0; cut <= LAST_CUT; cut++) {
		_cleanup_text_ struct text text = {};

		for (size_t i = 0; i < n; i++) {
			union member member = {
				.source = (const char *)object + fields[i].offset,
			};

			if (!is_default(&fields[i], member))
				add_value(&text, &fields[i], member, cut);
		}
		if (text.size <= room) {
			int r = text_check(&text, err);

			*ret_text = r == 0 ? text_take(&text) : *ret_text;
			return r;
		}
	}
	return error_set(err, FAULT_NO_SPACE, "fields do not fit into %zu bytes", room);
}

static bool take_number(const char *value, uint64_t max, uint64_t *ret)
{
	return parse_u64(value, 0, max, ret, NULL) == 0;
}

static bool take_uint(const char *value, unsigned int *ret)
{
	uint64_t number;

	if (!take_number(value, UINT_MAX, &number))
		return false;
	*ret = (unsigned int)number;
	return true;
}

static bool take_text(const struct field *field, const char *value, char *ret)
{
	if (strlen(value) >= field->size)
		return false;
	memcpy(ret, value, strlen(value) + 1);
	return true;
}

/* For the enums: a name stands for a value if the value has that name. */
static bool take_name(const struct field *field, const char *value, union member member)
{
	switch (field->kind) {
	case FIELD_SLOT:
		*member.slot = slot_from_name(value);
		return strcmp(slot_name(*member.slot), value) == 0;
	case FIELD_PHASE:
		*member.phase = phase_from_name(value);
		return *member.phase != PHASE_MAX;
	case FIELD_VERB:
		*member.verb = verb_from_name(value);
		return strcmp(verb_name(*member.verb), value) == 0;
	case FIELD_OUTCOME:
		*member.outcome = outcome_from_name(value);
		return strcmp(outcome_name(*member.outcome), value) == 0;
	case FIELD_FAULT:
		*member.fault = fault_from_name(value);
		return strcmp(fault_name(*member.fault), value) == 0;
	default:
		return false;
	}
}

static bool take_value(const struct field *field, const char *value, union member member)
{
	switch (field->kind) {
	case FIELD_TEXT:
		return take_text(field, value, member.text);
	case FIELD_U64:
		return take_number(value, UINT64_MAX, member.u64);
	case FIELD_UINT:
		return take_uint(value, member.uint);
	case FIELD_BOOL:
		return parse_bool(value, member.boolean, NULL) == 0;
	case FIELD_DIGEST:
		return digest_from_hex(value, member.digest, NULL) == 0;
	default:
		return take_name(field, value, member);
	}
}

static union member member_of(const struct field *field, void *object)
{
	return (union member){ .any = (char *)object + field->offset };
}

static void set_defaults(const struct field *fields, size_t n, void *ret_object)
{
	for (size_t i = 0; i < n; i++) {
		union member member = member_of(&fields[i], ret_object);

		memset(member.any, 0, fields[i].size);
		if (fields[i].kind == FIELD_SLOT)
			*member.slot = SLOT_NONE;
	}
}

/* The index of the field that the line is of, or n. */
static size_t find_field(const struct field *fields, size_t n, const char *line, size_t key_size)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(fields[i].key) == key_size && memcmp(fields[i].key, line, key_size) == 0)
			break;
	return i;
}

int fields_read(const struct field *fields, size_t n, const char *text, void *ret_object,
		struct error *err)
{
	bool seen[FIELDS_MAX] = {};
	const char *end;

	assert(n <= FIELDS_MAX);
	set_defaults(fields, n, ret_object);
	for (const char *line = text; *line; line = end + 1) {
		size_t key_size = strcspn(line, "=\n");
		size_t i = find_field(fields, n, line, key_size);
		char value[VALUE_MAX];

		end = strchr(line, '\n');
		if (!end || line[key_size] != '=')
			return error_set(err, FAULT_CORRUPT, "a line that is not key=value");
		if (i == n)
			continue;
		if (seen[i] || !text_get_field(line, fields[i].key, value, sizeof(value)) ||
		    !take_value(&fields[i], value, member_of(&fields[i], ret_object)))
			return error_set(err, FAULT_CORRUPT, "%s is there twice or of no use",
					 fields[i].key);
		seen[i] = true;
	}
	return 0;
}
