/*
 * The orders of a probe's child, as text fields (base/text): what to ask, of whom. And its answer: one
 * line, "ok TEXT" or "no TEXT". The child is not trusted with the answer's form.
 */
#pragma once

#include "unit/probe.h"

#define PROBE_ORDER_MAX	 (512 * 1024) /* bytes; a configuration file has at most 64 KiB */
#define PROBE_ANSWER_MAX 512 /* bytes, with the newline */

struct probe_order {
	struct probe_options options;
	struct probe_context context; /* but helper and manager */
	char *transient; /* exec: name of the unit to make */
	bool of_user; /* exec: in the calling user's manager */
	uint64_t owner; /* uid of the user whose manager has the unit; 0: it is not another user's */
};

struct text;

/* The order borrows all its strings; NULL ones of the context count as "". */
int probe_order_write(const struct probe_order *order, struct text *text, struct error *err);

/* NUL-terminated text; the order owns its strings. */
int probe_order_read(const char *text, struct probe_order *ret_order, struct error *err);
void probe_order_done(struct probe_order *order);

/* One line with its newline, into ret_line of PROBE_ANSWER_MAX bytes; control characters become blanks. */
void probe_order_write_answer(bool passed, const char *text, char *ret_line);

/* A line without its newline, from whoever. False: it has not the form. The text is made printable. */
bool probe_order_read_answer(const char *line, size_t size, struct probe_answer *ret_answer);
