#include "release/line.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "release/names.h"

#define DIGEST_FIELD   4
#define FIELDS_MAX     7
#define NUMBER_MAX     32
#define LINE_MAX_BYTES (2 * (4 * NAMES_PATH_MAX) + 512)

/* ---- writing ---- */

static bool is_escaped(char c)
{
	return (unsigned char)c <= ' ' || c == '\\' || c == 0x7f;
}

/* Everything but blanks, control characters and backslash stands as it is; those are \xHH. */
static void add_name(struct text *text, const char *name)
{
	assert(name);
	for (size_t n; *name; name += n) {
		for (n = 0; name[n] && !is_escaped(name[n]); n++)
			;
		text_add_bytes(text, name, n);
		if (name[n])
			text_add(text, "\\x%02x", (unsigned char)name[n++]);
	}
}

/* Digits of the number, at least so many (and one), and a blank. There are thousands of lines, and printf takes long for each. */
static void add_number(struct text *text, uint64_t number, unsigned int base, size_t least)
{
	char digits[NUMBER_MAX];
	size_t at = sizeof(digits);

	digits[--at] = ' ';
	do {
		digits[--at] = (char)('0' + number % base);
		number /= base;
	} while (number > 0 || sizeof(digits) - 1 - at < least);
	text_add_bytes(text, digits + at, sizeof(digits) - at);
}

static void add_mode(struct text *text, char type, mode_t mode)
{
	const char start[] = { type, ' ' };

	text_add_bytes(text, start, sizeof(start));
	add_number(text, mode, 8, 4);
}

static void add_file(struct text *text, const struct index_entry *entry)
{
	char hex[DIGEST_HEX_MAX];

	assert(entry->mtime >= 0);
	add_mode(text, 'f', entry->mode);
	add_number(text, (uint64_t)entry->mtime, 10, 1);
	add_number(text, entry->size, 10, 1);
	digest_to_hex(&entry->digest, hex);
	hex[DIGEST_HEX_MAX - 1] = ' ';
	text_add_bytes(text, hex, DIGEST_HEX_MAX);
	add_name(text, entry->path);
	if (entry->capability_size > 0)
		text_add(text, " cap=");
	for (size_t i = 0; i < entry->capability_size; i++)
		text_add(text, "%02x", entry->capability[i]);
}

void line_add(struct text *text, const struct index_entry *entry)
{
	switch (entry->type) {
	case INDEX_DIRECTORY:
		add_mode(text, 'd', entry->mode);
		add_name(text, entry->path);
		break;
	case INDEX_FILE:
		add_file(text, entry);
		break;
	case INDEX_SYMLINK:
	case INDEX_HARDLINK:
		text_add_bytes(text, entry->type == INDEX_SYMLINK ? "l " : "h ", 2);
		add_name(text, entry->path);
		text_add_bytes(text, " ", 1);
		add_name(text, entry->target);
		break;
	}
	text_add_bytes(text, "\n", 1);
}

/*
 * ---- parsing ----
 *
 * Lenient in the single value, as whatever differs from the canonical form is refused at the end, where
 * the entry is written again and compared.
 */

static int refuse(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "%s", what);
}

static int parse_number(const char *field, int base, uint64_t max, uint64_t *ret_value,
			struct error *err)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(field, &end, base);
	if (errno || *end || end == field || value > max)
		return refuse(err, "a number is out of range");
	*ret_value = value;
	return 0;
}

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The byte of two hexadecimal digits; negative if they are not. */
static int hex_byte(const char *digits)
{
	int high = hex_value(digits[0]);

	return high < 0 || hex_value(digits[1]) < 0 ? -1 : high << 4 | hex_value(digits[1]);
}

static int parse_name(const char *field, char **ret_name, struct error *err)
{
	_cleanup_free_ char *name = malloc(strlen(field) + 1);
	size_t size = 0;

	if (!name)
		return error_errno(err, "a name");
	while (*field) {
		int byte = (unsigned char)*field++;

		if (byte == '\\') {
			byte = *field == 'x' ? hex_byte(field + 1) : -1;
			if (byte <= 0)
				return refuse(err, "a bad escape in a name");
			field += 3;
		}
		name[size++] = (char)byte;
	}
	name[size] = '\0';
	*ret_name = TAKE_PTR(name);
	return 0;
}

static int parse_capability(const char *field, struct index_entry *entry, struct error *err)
{
	size_t size;

	if (strncmp(field, "cap=", 4) != 0)
		return refuse(err, "an unknown field");
	field += 4;
	for (size = 0; *field && size < INDEX_CAPABILITY_MAX; size++, field += 2) {
		int byte = hex_byte(field);

		if (byte < 0)
			return refuse(err, "a bad capability");
		entry->capability[size] = (uint8_t)byte;
	}
	entry->capability_size = size;
	return *field || size == 0 ? refuse(err, "a bad capability") : 0;
}

static int parse_mode(const char *field, struct index_entry *entry, struct error *err)
{
	uint64_t mode = 0;
	int r = parse_number(field, 8, 07777, &mode, err);

	entry->mode = (mode_t)mode;
	return r;
}

static int parse_file(char **field, size_t n, struct index_entry *entry, struct error *err)
{
	uint64_t mtime = 0;
	int r;

	if (n != 6 && n != 7)
		return refuse(err, "a file has six or seven fields");
	r = parse_mode(field[1], entry, err);
	if (r == 0)
		r = parse_number(field[2], 10, INDEX_MTIME_MAX, &mtime, err);
	if (r == 0)
		r = parse_number(field[3], 10, INT64_MAX, &entry->size, err);
	if (r == 0 && digest_from_hex(field[4], &entry->digest, NULL) < 0)
		r = refuse(err, "a bad digest");
	if (r == 0)
		r = parse_name(field[5], &entry->path, err);
	if (r == 0 && n == 7)
		r = parse_capability(field[6], entry, err);
	entry->mtime = (int64_t)mtime;
	return r;
}

static int parse_link(char **field, size_t n, struct index_entry *entry, struct error *err)
{
	int r;

	if (n != 3)
		return refuse(err, "a link has three fields");
	r = parse_name(field[1], &entry->path, err);
	return r < 0 ? r : parse_name(field[2], &entry->target, err);
}

static int parse_directory(char **field, size_t n, struct index_entry *entry, struct error *err)
{
	int r;

	if (n != 3)
		return refuse(err, "a directory has three fields");
	r = parse_mode(field[1], entry, err);
	return r < 0 ? r : parse_name(field[2], &entry->path, err);
}

static int parse_fields(char **field, size_t n, struct index_entry *entry, struct error *err)
{
	static const char types[] = {
		[INDEX_DIRECTORY] = 'd',
		[INDEX_FILE] = 'f',
		[INDEX_SYMLINK] = 'l',
		[INDEX_HARDLINK] = 'h',
	};
	const char *type =
		n > 0 && strlen(field[0]) == 1 ? memchr(types, field[0][0], sizeof(types)) : NULL;

	if (!type)
		return refuse(err, "an unknown kind of line");
	entry->type = (enum index_type)(type - types);
	switch (entry->type) {
	case INDEX_DIRECTORY:
		return parse_directory(field, n, entry, err);
	case INDEX_FILE:
		return parse_file(field, n, entry, err);
	default:
		return parse_link(field, n, entry, err);
	}
}

/* Cuts the line at its blanks. Returns the number of fields, FIELDS_MAX + 1 if there are more. */
static size_t split(char *line, char *fields[static FIELDS_MAX])
{
	size_t n = 0;
	char *field;

	while ((field = strsep(&line, " "))) {
		if (n == FIELDS_MAX)
			return FIELDS_MAX + 1;
		fields[n++] = field;
	}
	return n;
}

static int check_names(const struct index_entry *entry, struct error *err)
{
	int r;

	assert(entry->path);
	r = names_check_path(entry->path, err);
	if (r == 0 && entry->type == INDEX_SYMLINK)
		r = names_check_target(entry->target, err);
	if (r == 0 && entry->type == INDEX_HARDLINK)
		r = names_check_path(entry->target, err);
	return r;
}

static int check_canonical(const struct index_entry *entry, const char *line, size_t size,
			   struct error *err)
{
	_cleanup_text_ struct text text = {};
	int r;

	(void)text_room(&text, size); /* at once */
	line_add(&text, entry);
	r = text_check(&text, err);
	if (r < 0)
		return r;
	if (text.size != size || memcmp(text.data, line, size) != 0)
		return refuse(err, "not the canonical form");
	return 0;
}

int line_parse(const char *line, size_t size, struct index_entry *ret_entry, struct error *err)
{
	_cleanup_index_entry_ struct index_entry entry = {};
	_cleanup_free_ char *copy = NULL;
	char *fields[FIELDS_MAX] = {};
	size_t n;
	int r;

	if (size == 0 || size > LINE_MAX_BYTES || line[size - 1] != '\n')
		return refuse(err, "a line that does not end, or is too long");
	copy = malloc(size);
	if (!copy)
		return error_errno(err, "a line");
	memcpy(copy, line, size - 1);
	copy[size - 1] = '\0';
	n = split(copy, fields);
	r = n > FIELDS_MAX ? refuse(err, "too many fields") : parse_fields(fields, n, &entry, err);
	if (r == 0)
		r = check_names(&entry, err);
	if (r == 0)
		r = check_canonical(&entry, line, size, err);
	if (r < 0)
		return r;
	*ret_entry = entry;
	entry = (struct index_entry){};
	return 0;
}

const char *line_find_digest(const char *line, size_t size)
{
	const char *end = line + size;

	if (size < 2 || line[0] != 'f' || line[1] != ' ')
		return NULL;
	for (int i = 0; line && i < DIGEST_FIELD; i++) {
		line = memchr(line, ' ', (size_t)(end - line));
		line = line ? line + 1 : NULL;
	}
	return line;
}
