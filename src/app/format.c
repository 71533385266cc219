#include "app/format.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

#define WIDTH_UNKNOWN 80
#define ROOM_LEAST    20 /* columns; where there is less, nothing is broken */

struct format_table {
	size_t columns;
	char **cells; /* row by row */
	size_t n_cells;
	bool failed;
};

char *format_size(uint64_t bytes, char ret_text[static FORMAT_MAX])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1000;
		unit++;
	}
	(void)snprintf(ret_text, FORMAT_MAX, "%.*f %s", unit > 0 && value < 99.95 ? 1 : 0, value,
		       units[unit]);
	return ret_text;
}

char *format_ago(uint64_t realtime_usec, uint64_t now_usec, char ret_text[static FORMAT_MAX])
{
	bool past = realtime_usec <= now_usec;
	uint64_t distance = past ? now_usec - realtime_usec : realtime_usec - now_usec;
	char span[CLOCK_TEXT_MAX];

	distance -= distance % USEC_PER_SEC;
	if (realtime_usec == 0)
		(void)snprintf(ret_text, FORMAT_MAX, "never");
	else if (distance == 0)
		(void)snprintf(ret_text, FORMAT_MAX, "just now");
	else
		(void)snprintf(ret_text, FORMAT_MAX, "%s%s%s", past ? "" : "in ",
			       clock_format_span(distance, span), past ? " ago" : "");
	return ret_text;
}

size_t format_terminal_width(FILE *out)
{
	struct winsize size;

	if (!isatty(fileno(out)))
		return 0;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH_UNKNOWN;
	return size.ws_col;
}

static size_t word_width(const char *text, size_t size)
{
	size_t width = 0;

	for (size_t i = 0; i < size; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

size_t format_width(const char *text)
{
	return word_width(text, strlen(text));
}

void format_wrapped(FILE *out, const char *text, size_t at, size_t indent, size_t width)
{
	const bool breaks = width > indent + ROOM_LEAST;
	bool fresh = true; /* nothing stands on this line yet */

	while (*text) {
		size_t blanks = strspn(text, " ");
		size_t size = strcspn(text + blanks, " ");

		if (breaks && !fresh && at + blanks + word_width(text + blanks, size) > width) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			text += blanks;
			blanks = 0;
		}
		(void)fwrite(text, 1, blanks + size, out);
		at += word_width(text, blanks + size);
		fresh = false;
		text += blanks + size;
	}
}

int format_table_new(size_t columns, struct format_table **ret_table, struct error *err)
{
	struct format_table *table = calloc(1, sizeof(*table));

	if (!table)
		return error_errno(err, "making a table");
	table->columns = columns;
	*ret_table = table;
	return 0;
}

void format_table_free(struct format_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void format_table_add(struct format_table *table, const char *const *cells)
{
	char **more = reallocarray(table->cells, table->n_cells + table->columns, sizeof(*more));

	if (!more) {
		table->failed = true;
		return;
	}
	table->cells = more;
	for (size_t i = 0; i < table->columns; i++) {
		more[table->n_cells] = strdup(cells[i]);
		if (!more[table->n_cells])
			table->failed = true;
		table->n_cells++;
	}
}

static size_t column_width(const struct format_table *table, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < table->n_cells; i += table->columns) {
		size_t width = format_width(table->cells[i]);

		if (width > widest)
			widest = width;
	}
	return widest;
}

int format_table_print(const struct format_table *table, FILE *out, struct error *err)
{
	const size_t width = format_terminal_width(out);
	size_t widths[FORMAT_COLUMNS_MAX];
	size_t before = 0; /* the last column */

	assert(table->columns > 0 && table->columns <= FORMAT_COLUMNS_MAX);
	if (table->failed)
		return error_code(err, -ENOMEM, "making a table");
	if (table->n_cells <= table->columns)
		return 0;
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (size_t i = 0; i + 1 < table->columns; i++)
		before += widths[i] + 2;
	for (size_t i = 0; i < table->n_cells; i++) {
		const char *cell = table->cells[i];
		size_t column = i % table->columns;

		if (column + 1 < table->columns) {
			(void)fprintf(out, "%s%*s", cell,
				      (int)(widths[column] - format_width(cell) + 2), "");
			continue;
		}
		format_wrapped(out, cell, before, before, width);
		(void)fputc('\n', out);
	}
	return 0;
}
