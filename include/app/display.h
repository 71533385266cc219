/*
 * Showing a transaction while it goes on: one line per event, and on a terminal a live line below them with a
 * bar; or the events as they are, as JSON.
 */
#pragma once

#include "app/event-line.h"
#include "app/format.h"

enum display_style {
	DISPLAY_PLAIN, /* not a terminal: lines only */
	DISPLAY_TERMINAL, /* a live line, colours unless NO_COLOR is set */
	DISPLAY_JSON,
};

struct display;

/* A terminal, not a dumb one, and NO_COLOR is not set. */
bool display_has_colours(FILE *out);

/* What fits the file: `json`, or by whether it is a terminal (and TERM is not "dumb"). */
enum display_style display_style_of(FILE *out, bool json);

/* out is borrowed; watch_usec is the length of the watch window. */
int display_new(FILE *out, enum display_style style, uint64_t watch_usec,
		struct display **ret_display, struct error *err);
void display_free(struct display *display); /* takes the live line away */
CLEANUP_DEFINE(struct display, display_free);

/* An event came; json is its line as it was written. */
void display_event(struct display *display, const struct event_line *line, const char *json);

/* Time has passed: draws the live line anew. */
void display_tick(struct display *display, uint64_t realtime_usec);

/* Takes the live line away, for other output to follow. */
void display_clear(struct display *display);

/* The last word: the first line of text is coloured as the outcome is, if there are colours. */
void display_say(struct display *display, enum outcome outcome, const char *text);

/* "[=====>    ]" of `width` columns (3 or more) into ret_text; done may be above total. Returns ret_text. */
#define DISPLAY_BAR_MAX 64
char *display_bar(uint64_t done, uint64_t total, unsigned int width,
		  char ret_text[static DISPLAY_BAR_MAX]);

/* "  1min 3s left" at the rate so far, took seconds; empty: that cannot be said. Returns ret_text. */
char *display_left(uint64_t done, uint64_t total, double took, char ret_text[static FORMAT_MAX]);

/* One event as the line that is shown, with the time since the transaction began. Empty: it is not shown. */
char *display_line(const struct event_line *line, char *ret_text, size_t room);
