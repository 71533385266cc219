#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bulk.h"

#define FIRST_ROOM 128
#define BULK_ROOM  ((size_t)256 * 1024) /* from here on */

static const char ellipsis[] = "…";

void text_done(struct text *text)
{
	(text->bulk ? bulk_free : free)(text->data);
	*text = (struct text){};
}

static bool fail(struct text *text)
{
	text->failed = true;
	return false;
}

/* NULL: no memory. */
static char *enlarge(struct text *text, size_t room)
{
	char *data;

	if (text->bulk || room < BULK_ROOM)
		return text->bulk ? bulk_resize(text->data, room, 1) : realloc(text->data, room);
	data = bulk_alloc(room, 1);
	if (!data)
		return NULL;
	if (text->data)
		memcpy(data, text->data, text->size);
	free(text->data);
	text->bulk = true;
	return data;
}

/* Room for `more` bytes and the final NUL. */
static bool make_room(struct text *text, size_t more)
{
	size_t need = text->size + more;
	size_t room = text->room > 0 ? text->room : FIRST_ROOM;
	char *data;

	if (text->failed || need < more || need > SIZE_MAX / 4)
		return fail(text);
	if (need < text->room)
		return true;
	while (room <= need)
		room += room < BULK_ROOM ? room : room / 4; /* mapped memory grows in its place */
	data = enlarge(text, room);
	if (!data)
		return fail(text);
	text->data = data;
	text->room = room;
	return true;
}

char *text_room(struct text *text, size_t more)
{
	return make_room(text, more) ? text->data + text->size : NULL;
}

void text_add_bytes(struct text *text, const void *data, size_t size)
{
	if (!make_room(text, size))
		return;
	if (size > 0)
		memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void text_add(struct text *text, const char *format, ...)
{
	va_list ap;
	size_t left;
	int n;

	if (!make_room(text, 0))
		return;
	left = text->room - text->size;
	va_start(ap, format);
	n = vsnprintf(text->data + text->size, left, format, ap);
	va_end(ap);
	if (n < 0)
		text->failed = true;
	if (n < 0 || !make_room(text, (size_t)n))
		return;
	if ((size_t)n >= left) {
		va_start(ap, format);
		(void)vsnprintf(text->data + text->size, (size_t)n + 1, format, ap);
		va_end(ap);
	}
	text->size += (size_t)n;
}

void text_cut(struct text *text, size_t size)
{
	if (size >= text->size)
		return;
	text->size = size;
	text->data[size] = '\0';
}

int text_check(const struct text *text, struct error *err)
{
	if (text->failed)
		return error_code(err, -ENOMEM, "making a text");
	return 0;
}

static char *memdup(const char *data, size_t size)
{
	char *copy = malloc(size);

	return copy ? memcpy(copy, data, size) : NULL;
}

char *text_take(struct text *text)
{
	char *data = NULL;

	text_add_bytes(text, "", 0);
	if (!text->failed && text->bulk)
		data = memdup(text->data, text->size + 1);
	else if (!text->failed)
		data = TAKE_PTR(text->data);
	text_done(text);
	return data;
}

/* How long the sequence is that a byte begins, and what of the code point the byte holds. */
static size_t utf8_lead(unsigned char byte, uint32_t *ret_bits)
{
	size_t size = byte < 0x80 ? 1 : byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;

	*ret_bits = size == 1 ? byte : byte & (0x7fU >> size);
	return byte < 0xf5 ? size : 0;
}

size_t text_utf8_char(const char *bytes, size_t size, uint32_t *ret_point)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t point = 0;
	size_t n = size > 0 ? utf8_lead((unsigned char)bytes[0], &point) : 0;

	if (n == 0 || n > size)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)bytes[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | ((unsigned char)bytes[i] & 0x3f);
	}
	if (point < smallest[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	if (ret_point)
		*ret_point = point;
	return n;
}

size_t text_cut_point(const char *text, size_t max)
{
	size_t n = strnlen(text, max);

	for (size_t back = 1; back <= 4 && back <= n; back++) {
		unsigned char byte = (unsigned char)text[n - back];
		uint32_t bits;

		if ((byte & 0xc0) != 0x80)
			return utf8_lead(byte, &bits) > back ? n - back : n;
	}
	return n;
}

char *text_copy(const char *text, char *ret_text, size_t room)
{
	size_t n = text_cut_point(text, room - 1);

	memmove(ret_text, text, n);
	ret_text[n] = '\0';
	return ret_text;
}

char *text_clip(const char *text, char *ret_text, size_t room)
{
	size_t n = strlen(text);
	size_t word;

	if (n < room || room < sizeof(ellipsis))
		return text_copy(text, ret_text, room);
	n = text_cut_point(text, room - sizeof(ellipsis));
	for (word = n; word > 0 && text[word] != ' '; word--)
		;
	if (word > n / 2) /* a long word is better cut than left out */
		n = word;
	(void)text_copy(text, ret_text, n + 1);
	memcpy(ret_text + n, ellipsis, sizeof(ellipsis));
	return ret_text;
}

__attribute__((format(printf, 3, 0))) static char *print(char *ret_text, size_t room,
							 const char *format, va_list ap)
{
	_cleanup_free_ char *whole = NULL;

	if (vasprintf(&whole, format, ap) < 0)
		whole = NULL;
	return text_clip(whole ? whole : "", ret_text, room);
}

char *text_print(char *ret_text, size_t room, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)print(ret_text, room, format, ap);
	va_end(ap);
	return ret_text;
}

void text_append(char *text, size_t room, const char *format, ...)
{
	size_t size = strlen(text);
	va_list ap;

	va_start(ap, format);
	(void)print(text + size, room - size, format, ap);
	va_end(ap);
}

/* C0, C1, line and paragraph separators, and what changes the direction of writing. */
static bool is_printable(uint32_t point)
{
	return point >= 0x20 && !(point >= 0x7f && point <= 0x9f) && point != '\\' &&
	       point != 0x61c && !(point >= 0x200e && point <= 0x200f) &&
	       !(point >= 0x2028 && point <= 0x202e) && !(point >= 0x2066 && point <= 0x2069) &&
	       point != 0xfeff;
}

/* The piece of text that stands for the first character, and how many bytes of it that takes. */
static size_t escape_one(const char *bytes, size_t size, char ret_piece[static 5])
{
	uint32_t point;
	size_t n = text_utf8_char(bytes, size, &point);

	if (n > 0 && is_printable(point)) {
		memcpy(ret_piece, bytes, n);
		ret_piece[n] = '\0';
		return n;
	}
	(void)snprintf(ret_piece, 5, "\\x%02x", (unsigned char)bytes[0]);
	return 1;
}

char *text_escape(const char *bytes, size_t size, char *ret_text, size_t room)
{
	size_t cut = 0; /* the longest text that leaves room for the ellipsis */
	size_t at = 0;

	for (size_t i = 0; i < size;) {
		char piece[5];
		size_t n = escape_one(bytes + i, size - i, piece);

		if (at + strlen(piece) >= room) {
			bool fits = cut + sizeof(ellipsis) <= room;

			memcpy(ret_text + cut, fits ? ellipsis : "", fits ? sizeof(ellipsis) : 1);
			return ret_text;
		}
		memcpy(ret_text + at, piece, strlen(piece));
		at += strlen(piece);
		i += n;
		if (at + sizeof(ellipsis) <= room)
			cut = at;
	}
	ret_text[at] = '\0';
	return ret_text;
}

/* The byte that a value's next one or two bytes stand for: how many they are; 0: no such escape. */
static size_t field_byte(const char *value, char *ret_byte)
{
	*ret_byte = value[0];
	if (value[0] != '\\')
		return 1;
	*ret_byte = value[1] == 'n' ? '\n' : '\\';
	return value[1] == 'n' || value[1] == '\\' ? 2 : 0;
}

static bool copy_value(const char *value, char *ret_value, size_t room)
{
	size_t size = 0;

	while (*value && *value != '\n') {
		char byte;
		size_t n = field_byte(value, &byte);

		if (n == 0 || size + 1 >= room)
			return false;
		ret_value[size++] = byte;
		value += n;
	}
	ret_value[size] = '\0';
	return true;
}

bool text_get_field(const char *fields, const char *key, char *ret_value, size_t room)
{
	size_t key_size = strlen(key);

	while (*fields) {
		const char *end = strchr(fields, '\n');

		if (strncmp(fields, key, key_size) == 0 && fields[key_size] == '=')
			return copy_value(fields + key_size + 1, ret_value, room);
		if (!end)
			return false;
		fields = end + 1;
	}
	return false;
}

void text_add_field(struct text *text, const char *key, const char *value)
{
	text_add(text, "%s=", key);
	for (; *value; value++) {
		if (*value == '\n')
			text_add_bytes(text, "\\n", 2);
		else if (*value == '\\')
			text_add_bytes(text, "\\\\", 2);
		else
			text_add_bytes(text, value, 1);
	}
	text_add_bytes(text, "\n", 1);
}

/* The last @ of what stands before the path: a password may have one. */
char *text_hide_logins(char *text)
{
	char *at = text;

	while ((at = strstr(at, "://")) != NULL) {
		const char *end;

		at += strlen("://");
		end = memrchr(at, '@', strcspn(at, "/?# \t\n"));
		if (end)
			memmove(at, end + 1, strlen(end + 1) + 1);
	}
	return text;
}
