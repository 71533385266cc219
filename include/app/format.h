/*
 * Figures and tables for people.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"

#define FORMAT_MAX 48

/* "17 B", "3.4 kB", "218 MB" (1000 based: as a download is told). Returns ret_text. */
char *format_size(uint64_t bytes, char ret_text[static FORMAT_MAX]);

/* "just now", "5min 3s ago", "in 2h"; 0 is "never". Returns ret_text. */
char *format_ago(uint64_t realtime_usec, uint64_t now_usec, char ret_text[static FORMAT_MAX]);

/* Columns that the text takes on a terminal, one for each character. */
size_t format_width(const char *text);

/* Columns of the terminal that the file is; 0: it is none, and lines are as long as they are. */
size_t format_terminal_width(FILE *out);

/*
 * Text from column `at` on, broken between words so that no line is wider than `width` (0: never); the lines after the first
 * begin in column `indent`. No newline at the end.
 */
void format_wrapped(FILE *out, const char *text, size_t at, size_t indent, size_t width);

/*
 * A table: the first row is its head, columns are as wide as their widest cell, two blanks apart; the last
 * one is not padded, and on a terminal broken between words. Without rows but the head nothing is printed.
 */
#define FORMAT_COLUMNS_MAX 8
struct format_table; /* keeps copies of the cells */
int format_table_new(size_t columns, struct format_table **ret_table, struct error *err);
void format_table_free(struct format_table *table);
CLEANUP_DEFINE(struct format_table, format_table_free);

/* cells has as many texts as the table has columns. Out of memory shows up in format_table_print. */
void format_table_add(struct format_table *table, const char *const *cells);
int format_table_print(const struct format_table *table, FILE *out, struct error *err);
