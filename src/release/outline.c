/*
 * The lines of release/index.h from the second on, in which the field <sha256> of a file may also be
 *
 *     =      the same content as the file of the base that has this path, or, without one, as the base's next file behind the one
 *            that was referred to last (the first of all, at the beginning)
 *     @<n>   the same content as the base's entry <n>
 *     -      no file of the base
 *     #<n>   the same content as the entry <n> of this index, which stands before
 *
 * Entries are counted from 0, numbers are decimal without leading zeroes. What bundle_decode makes of a base that the head has listed
 * is said in src/release/bundle-update.c.
 */
#include "release/outline.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bulk.h"
#include "base/parse.h"
#include "release/line.h"

#define NUMBER_DIGITS 10
#define DIGEST_DIGITS (2 * DIGEST_SIZE)
#define NO_DIGEST     "0000000000000000000000000000000000000000000000000000000000000000"

/* ---- writing ---- */

static void add_mark(struct text *text, const struct outline_mark *mark)
{
	static const char letters[] = {
		[OUTLINE_SAME] = '=',
		[OUTLINE_BASE] = '@',
		[OUTLINE_OWN] = '-',
		[OUTLINE_TWIN] = '#',
	};

	text_add(text, "%c", letters[mark->kind]);
	if (mark->kind == OUTLINE_BASE || mark->kind == OUTLINE_TWIN)
		text_add(text, "%" PRIu32, mark->number);
}

static int add_line(struct text *text, const struct index_entry *entry,
		    const struct outline_mark *mark, struct text *line, struct error *err)
{
	const char *digest;
	int r;

	line->size = 0;
	line_add(line, entry);
	r = text_check(line, err);
	if (r < 0)
		return r;
	digest = mark->kind == OUTLINE_GIVEN ? NULL : line_find_digest(line->data, line->size);
	if (!digest) {
		text_add_bytes(text, line->data, line->size);
		return 0;
	}
	text_add_bytes(text, line->data, (size_t)(digest - line->data));
	add_mark(text, mark);
	digest += DIGEST_DIGITS;
	text_add_bytes(text, digest, line->size - (size_t)(digest - line->data));
	return 0;
}

int outline_write(const struct index *index, const struct outline_mark *marks, struct text *text,
		  struct error *err)
{
	const struct outline_mark same = { .kind = OUTLINE_SAME };
	_cleanup_text_ struct text line = {};
	int r = 0;

	for (size_t i = 0; r == 0 && i < index_count(index); i++)
		r = add_line(text, index_at(index, i), marks ? &marks[i] : &same, &line, err);
	return r < 0 ? r : text_check(text, err);
}

/* ---- reading ---- */

static bool read_number(const char *digits, size_t size, uint32_t *ret_number)
{
	char field[NUMBER_DIGITS + 1];
	uint64_t number;

	if (size == 0 || size > NUMBER_DIGITS || (size > 1 && digits[0] == '0'))
		return false;
	memcpy(field, digits, size);
	field[size] = '\0';
	if (parse_u64(field, 0, UINT32_MAX - 1, &number, NULL) < 0)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

static bool read_mark(const char *field, size_t size, struct outline_mark *mark)
{
	switch (field[0]) {
	case '=':
		mark->kind = OUTLINE_SAME;
		return size == 1;
	case '-':
		mark->kind = OUTLINE_OWN;
		return size == 1;
	case '@':
		mark->kind = OUTLINE_BASE;
		return read_number(field + 1, size - 1, &mark->number);
	case '#':
		mark->kind = OUTLINE_TWIN;
		return read_number(field + 1, size - 1, &mark->number);
	default:
		return false;
	}
}

/* The line as an index has it, into the text; false: it is none. */
static bool read_line(const char *line, size_t size, struct text *text, struct outline_mark *mark)
{
	const char *field = line_find_digest(line, size);
	const char *blank = field ? memchr(field, ' ', size - (size_t)(field - line)) : NULL;

	*mark = (struct outline_mark){ .kind = OUTLINE_GIVEN };
	text->size = 0;
	if (!blank || blank - field == DIGEST_DIGITS) {
		text_add_bytes(text, line, size);
		return true;
	}
	if (blank == field || !read_mark(field, (size_t)(blank - field), mark))
		return false;
	text_add_bytes(text, line, (size_t)(field - line));
	text_add_bytes(text, NO_DIGEST, DIGEST_DIGITS);
	text_add_bytes(text, blank, size - (size_t)(blank - line));
	return true;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += text[i] == '\n';
	return n;
}

static int refuse(size_t number, struct error *err)
{
	return error_set(err, FAULT_CORRUPT, "line %zu of the bundle's index", number);
}

static int read_lines(const char *at, size_t size, struct index *index, struct outline_mark *marks,
		      struct error *err)
{
	_cleanup_text_ struct text line = {};
	const char *end = at + size;
	int r = 0;

	for (size_t i = 0; r == 0 && at < end; i++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline || !read_line(at, (size_t)(newline + 1 - at), &line, &marks[i]))
			return refuse(i + 1, err);
		r = text_check(&line, err);
		if (r == 0)
			r = index_add_line(index, line.data, line.size, err);
		if (r < 0)
			return error_prefix(err, r, "line %zu of the bundle's index", i + 1);
		at = newline + 1;
	}
	return r;
}

int outline_read(const char *text, size_t size, struct index **ret_index,
		 struct outline_mark **ret_marks, struct error *err)
{
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_bulk_ struct outline_mark *marks =
		bulk_alloc(count_lines(text, size) + 1, sizeof(*marks));
	int r = index_new(&index, err);

	if (r < 0)
		return r;
	if (!marks)
		return error_code(err, -ENOMEM, "reading a bundle");
	r = read_lines(text, size, index, marks, err);
	if (r == 0)
		r = index_complete(index, err);
	if (r < 0)
		return r;
	*ret_index = TAKE_PTR(index);
	*ret_marks = TAKE_PTR(marks);
	return 0;
}

/* ---- what "=" means ---- */

static bool is_file(const struct index *index, uint32_t number)
{
	return index_at(index, number)->type == INDEX_FILE;
}

uint32_t outline_base(const struct index *base, const char *path, uint32_t *cursor)
{
	uint32_t number = index_number_near(base, path, *cursor);

	if (number == INDEX_NONE || !is_file(base, number))
		for (number = *cursor; number < index_count(base); number++)
			if (is_file(base, number))
				break;
	if (number >= index_count(base))
		return INDEX_NONE;
	*cursor = number + 1;
	return number;
}
