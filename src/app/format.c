#include "app/format.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"

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

size_t format_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
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
	size_t widths[FORMAT_COLUMNS_MAX];

	assert(table->columns > 0 && table->columns <= FORMAT_COLUMNS_MAX);
	if (table->failed)
		return error_code(err, -ENOMEM, "making a table");
	if (table->n_cells <= table->columns)
		return 0;
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t column = i % table->columns;
		bool last = column + 1 == table->columns;
		size_t width = format_width(table->cells[i]);

		(void)fprintf(out, "%s%*s", table->cells[i],
			      last ? 0 : (int)(widths[column] - width + 2), "");
		if (last)
			(void)fputc('\n', out);
	}
	return 0;
}
