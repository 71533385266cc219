/*
 * How a line comes through inih unharmed
 *
 *     file                    our reader                 inih            our handler
 *     Exec=/bin/x a ;b   →    Exec=2f62696e2f7820   →    key, value  →   pieces decoded, joined and
 *                             Exec=61203b62                              compared with the line
 *
 * The reader checks a line, cuts its value into pieces and hands inih one short line of hexadecimal
 * digits for each: nothing in it can be taken for a comment, a continuation, another separator or
 * the begin of a section, and no line comes near the length at which inih cuts (200 bytes, compiled
 * into Debian's). Sections and keys are held to lengths and characters that it keeps whole.
 * A value goes to the caller only after the same bytes came back under the same names; a line that
 * came back otherwise, or not at all, is FAULT_INTERNAL.
 */
#include "base/ini.h"

#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* inih has a type of the same name. */
#define ini_handler inih_handler
#include <ini.h>
#undef ini_handler

#include "base/cleanup.h"
#include "base/text.h"

#define KEY_MAX	      48 /* bytes; inih keeps 49 */
#define PIECE_MAX     60 /* bytes of a value in one line for inih: with the key at most 170 */
#define WHERE_MAX     1024
#define FEED_LINE_MAX 190

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

enum { END_OF_FILE = 1 };

struct feed {
	/* the file */
	const char *file;
	const char *at;
	const char *end;
	unsigned int number;
	char where[WHERE_MAX];
	void *seen; /* tree of "[section]" and "[section]key" */

	/* the line that is under way */
	char section[INI_SECTION_MAX + 1];
	char key[KEY_MAX + 1]; /* empty: a line with a section */
	bool pending; /* a key that was not handed to the caller yet */
	bool unsent; /* and of which inih has not got all pieces yet */
	const char *value;
	size_t value_size;
	size_t sent;
	char got[INI_LINE_MAX + 1];
	size_t got_size;

	/* the caller */
	ini_handler handler;
	void *data;
	struct error *err;
	int r; /* < 0: failed; END_OF_FILE */
};

static int refuse(const struct feed *feed, const char *why)
{
	return error_set(feed->err, FAULT_CONFIG, "%s: %s", feed->where, why);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void trim(const char **start, const char **end)
{
	while (*start < *end && is_blank(**start))
		(*start)++;
	while (*start < *end && is_blank((*end)[-1]))
		(*end)--;
}

static int check_bytes(const struct feed *feed, const char *line, const char *end)
{
	uint32_t point;
	size_t n;

	if (end - line > INI_LINE_MAX)
		return refuse(feed, "the line is longer than 4096 bytes");
	for (; line < end; line += n) {
		n = text_utf8_char(line, (size_t)(end - line), &point);
		if (n == 0)
			return refuse(feed, "the line is not UTF-8");
		if (point == 0xfeff)
			return refuse(feed, "remove the byte order mark (save without BOM)");
		if (point == '\r')
			return refuse(feed,
				      "remove the carriage return (save with Unix line ends)");
		if ((point < ' ' && point != '\t') || (point >= 0x7f && point < 0xa0))
			return refuse(feed, "the line contains a control character");
	}
	return 0;
}

/* Remembers "[section]" or "[section]key": > 0 if it was there before. */
static int remember(struct feed *feed)
{
	_cleanup_free_ char *name = NULL;
	void *node;

	if (asprintf(&name, "[%s]%s", feed->section, feed->key) < 0)
		return error_errno(feed->err, "%s", feed->where);
	node = tsearch(name, &feed->seen, (int (*)(const void *, const void *))strcmp);
	if (!node)
		return error_errno(feed->err, "%s", feed->where);
	if (*(char **)node != name)
		return 1;
	TAKE_PTR(name);
	return 0;
}

/* Copies a name of at most max of these characters. */
static bool copy_name(char *ret_name, const char *start, const char *end, const char *allowed,
		      size_t max)
{
	size_t size = (size_t)(end - start);

	if (size < 1 || size > max || strspn(start, allowed) < size)
		return false;
	memcpy(ret_name, start, size);
	ret_name[size] = '\0';
	return true;
}

static int take_section(struct feed *feed, const char *line, const char *end)
{
	int r;

	if (end[-1] != ']' ||
	    !copy_name(feed->section, line + 1, end - 1, LETTERS " .:@/", INI_SECTION_MAX))
		return refuse(feed,
			      "a section is [Name], of at most 48 letters, digits, blanks and "
			      "any of - _ . : @ /");
	r = remember(feed);
	if (r > 0)
		return error_set(feed->err, FAULT_CONFIG,
				 "%s: the section [%s] was there before: join the two", feed->where,
				 feed->section);
	return r;
}

static int take_key(struct feed *feed, const char *line, const char *end)
{
	const char *equals = memchr(line, '=', (size_t)(end - line));
	const char *key_end = equals;
	int r;

	if (!equals)
		return refuse(feed, "neither [Section] nor Key=Value nor a comment");
	trim(&line, &key_end);
	if (!copy_name(feed->key, line, key_end, LETTERS, KEY_MAX))
		return refuse(feed, "a key has 1 to 48 letters, digits, - or _");
	if (!feed->section[0])
		return refuse(feed, "a key before the first [Section]");
	if (end[-1] == '\\')
		return refuse(feed, "a line cannot end with \\ (it is not continued in the next)");
	r = remember(feed);
	if (r > 0)
		return error_set(feed->err, FAULT_CONFIG, "%s: %s= was set before in [%s]",
				 feed->where, feed->key, feed->section);
	feed->value = equals + 1;
	trim(&feed->value, &end);
	feed->value_size = (size_t)(end - feed->value);
	feed->sent = 0;
	feed->got_size = 0;
	feed->pending = true;
	return r;
}

/* Takes lines up to one that says something. > 0: END_OF_FILE. */
static int next_line(struct feed *feed)
{
	while (feed->at < feed->end) {
		const char *line = feed->at;
		const char *end = memchr(line, '\n', (size_t)(feed->end - line));
		int r;

		end = end ? end : feed->end;
		feed->at = end < feed->end ? end + 1 : end;
		(void)snprintf(feed->where, sizeof(feed->where), "%s:%u", feed->file,
			       ++feed->number);
		r = check_bytes(feed, line, end);
		if (r < 0)
			return r;
		trim(&line, &end);
		if (line == end || *line == '#' || *line == ';')
			continue;
		feed->key[0] = '\0';
		return *line == '[' ? take_section(feed, line, end) : take_key(feed, line, end);
	}
	return END_OF_FILE;
}

static int drift(const struct feed *feed)
{
	return error_set(feed->err, FAULT_INTERNAL, "%s: inih read another line than this one",
			 feed->where);
}

/* "Key=" and the next piece of the value in hexadecimal digits; an empty value is one piece. */
static void write_piece(struct feed *feed, char *str, size_t room)
{
	size_t left = feed->value_size - feed->sent;
	size_t size = left < PIECE_MAX ? left : PIECE_MAX;
	int n = snprintf(str, room, "%s=", feed->key);

	for (size_t i = 0; i < size; i++)
		n += snprintf(str + n, room - (size_t)n, "%02x",
			      (unsigned char)feed->value[feed->sent + i]);
	(void)snprintf(str + n, room - (size_t)n, "\n");
	feed->sent += size;
	feed->unsent = feed->sent < feed->value_size;
}

/* inih's reader: the next line for it, or NULL at the end or after an error. */
static char *read_line(char *str, int room, void *stream)
{
	struct feed *feed = stream;

	if (feed->r == 0 && room < FEED_LINE_MAX)
		feed->r = error_set(feed->err, FAULT_INTERNAL, "inih takes only %d bytes a line",
				    room);
	if (feed->r == 0 && feed->pending && !feed->unsent)
		feed->r = drift(feed);
	if (feed->r == 0 && !feed->pending)
		feed->r = next_line(feed);
	if (feed->r != 0)
		return NULL;
	if (feed->pending)
		write_piece(feed, str, (size_t)room);
	else
		(void)snprintf(str, (size_t)room, "[%s]\n", feed->section);
	return str;
}

static bool decode(struct feed *feed, const char *piece)
{
	static const char digits[] = "0123456789abcdef";
	size_t size = strlen(piece) / 2;

	if (strlen(piece) % 2 != 0 || size > sizeof(feed->got) - 1 - feed->got_size)
		return false;
	for (size_t i = 0; i < size; i++) {
		const char *high = strchr(digits, piece[2 * i]);
		const char *low = strchr(digits, piece[2 * i + 1]);

		if (!high || !low)
			return false;
		feed->got[feed->got_size++] = (char)((high - digits) << 4 | (low - digits));
	}
	feed->got[feed->got_size] = '\0';
	return true;
}

/* inih's handler: 1 to go on. What is wrong stays in feed->r and ends the reading. */
static int take_piece(void *stream, const char *section, const char *key, const char *piece)
{
	struct feed *feed = stream;

	if (feed->r != 0)
		return 1;
	if (!feed->pending || strcmp(section, feed->section) != 0 || strcmp(key, feed->key) != 0 ||
	    !decode(feed, piece)) {
		feed->r = drift(feed);
		return 1;
	}
	if (feed->unsent)
		return 1;
	feed->pending = false;
	if (feed->got_size != feed->value_size ||
	    memcmp(feed->got, feed->value, feed->got_size) != 0) {
		feed->r = drift(feed);
		return 1;
	}
	feed->r = feed->handler(feed->data, section, key, feed->got, feed->where, feed->err);
	if (feed->r < 0)
		(void)error_prefix(feed->err, feed->r, "%s", feed->where);
	return 1;
}

int ini_parse_text(const char *file, const char *text, size_t size, ini_handler handler, void *data,
		   struct error *err)
{
	struct feed feed = {
		.file = file,
		.at = text,
		.end = text + size,
		.handler = handler,
		.data = data,
		.err = err,
	};
	int r;

	if (size > INI_FILE_MAX)
		return error_set(err, FAULT_CONFIG, "%s: the file is larger than 64 KiB", file);
	r = ini_parse_stream(read_line, &feed, take_piece, &feed);
	tdestroy(feed.seen, free);
	if (feed.r < 0)
		return feed.r;
	if (r != 0 || feed.r != END_OF_FILE)
		return error_set(err, FAULT_INTERNAL, "%s: inih stopped with %d", file, r);
	return 0;
}
