#include "app/display.h"

#include <string.h>

#include "app/format.h"
#include "base/text.h"

#define BAR_WIDTH      14
#define NARROW	       50 /* columns; below that there is no room for a bar */
#define LIVE_MAX       256
#define WIDTH_UNKNOWN  80
#define LEFT_LEAST_SEC 1 /* before that nothing can be said of the rate */
#define LEFT_MOST_SEC  (30 * 86400.0)
#define CLEAR_LINE     "\r\033[K"

struct display {
	FILE *out;
	enum display_style style;
	bool colours;
	uint64_t watch_usec;
	bool live; /* there is a live line to take away */
	struct event_line last; /* the last phase or progress */
	bool any; /* `last` is set */
	uint64_t phase_began;
	uint64_t step_began; /* of the step that makes progress */
};

enum display_style display_style_of(FILE *out, bool json)
{
	const char *terminal = getenv("TERM");

	if (json)
		return DISPLAY_JSON;
	return isatty(fileno(out)) && (!terminal || strcmp(terminal, "dumb") != 0) ?
		       DISPLAY_TERMINAL :
		       DISPLAY_PLAIN;
}

static bool wants_colours(enum display_style style)
{
	const char *no_colour = getenv("NO_COLOR");

	return style == DISPLAY_TERMINAL && !(no_colour && no_colour[0]);
}

bool display_has_colours(FILE *out)
{
	return wants_colours(display_style_of(out, false));
}

int display_new(FILE *out, enum display_style style, uint64_t watch_usec,
		struct display **ret_display, struct error *err)
{
	struct display *display = calloc(1, sizeof(*display));

	if (!display)
		return error_errno(err, "showing what goes on");
	display->out = out;
	display->style = style;
	display->colours = wants_colours(style);
	display->watch_usec = watch_usec;
	*ret_display = display;
	return 0;
}

void display_free(struct display *display)
{
	if (!display)
		return;
	display_clear(display);
	free(display);
}

void display_clear(struct display *display)
{
	if (display->live)
		(void)fputs(CLEAR_LINE, display->out);
	display->live = false;
	(void)fflush(display->out);
}

/* ---- lines that stay ---- */

static double seconds_since(uint64_t begin, uint64_t now)
{
	return now > begin ? (double)(now - begin) / (double)USEC_PER_SEC : 0;
}

/* That our own request was accepted was said already; that of somebody else in between matters. */
static bool is_shown(const struct event_line *line)
{
	if (line->kind == EVENT_ACCEPTED)
		return strcmp(line->request, line->transaction) != 0;
	return line->kind != EVENT_PROGRESS && line->kind != EVENT_OUTCOME &&
	       !(line->kind == EVENT_PHASE && line->phase == PHASE_IDLE);
}

char *display_line(const struct event_line *line, char *ret_text, size_t room)
{
	char sentence[EVENT_LINE_TEXT_MAX];

	if (is_shown(line))
		(void)snprintf(ret_text, room, "%7.1fs  %s", seconds_since(line->began, line->time),
			       event_line_describe(line, sentence, sizeof(sentence)));
	else
		ret_text[0] = '\0';
	return ret_text;
}

static const char *colour_of(const struct event_line *line)
{
	switch (line->kind) {
	case EVENT_REFUSED_REQUEST:
	case EVENT_FINDING:
		return "\033[31m";
	case EVENT_WARNING:
		return "\033[33m";
	case EVENT_PROBE:
		return line->passed ? "\033[32m" : "\033[33m";
	case EVENT_PHASE:
		return line->phase == PHASE_REVERTING ? "\033[31m" : "\033[1m";
	default:
		return "";
	}
}

static void print_coloured(const struct display *display, const char *colour, const char *text)
{
	if (display->colours && colour[0])
		(void)fprintf(display->out, "%s%s\033[0m", colour, text);
	else
		(void)fputs(text, display->out);
}

static void keep(struct display *display, const struct event_line *line)
{
	if (line->kind == EVENT_PHASE)
		display->phase_began = line->time;
	if (line->kind == EVENT_PROGRESS &&
	    (display->last.kind != EVENT_PROGRESS || display->last.step != line->step))
		display->step_began = line->time;
	if (line->kind == EVENT_PHASE || line->kind == EVENT_PROGRESS) {
		display->last = *line;
		display->any = true;
	}
}

void display_event(struct display *display, const struct event_line *line, const char *json)
{
	char text[EVENT_LINE_TEXT_MAX + 16];

	if (display->style == DISPLAY_JSON) {
		(void)fputs(json, display->out);
		(void)fflush(display->out);
		return;
	}
	keep(display, line);
	if (display_line(line, text, sizeof(text))[0]) {
		display_clear(display);
		print_coloured(display, colour_of(line), text);
		(void)fputc('\n', display->out);
	}
	(void)fflush(display->out);
}

void display_say(struct display *display, enum outcome outcome, const char *text)
{
	const char *end = strchrnul(text, '\n');
	char first[EVENT_LINE_TEXT_MAX];

	display_clear(display);
	(void)snprintf(first, sizeof(first), "%.*s", (int)(end - text), text);
	print_coloured(display, outcome == OUTCOME_COMMITTED ? "\033[1;32m" : "\033[1;31m", first);
	(void)fputs(end, display->out);
	(void)fflush(display->out);
}

/* ---- the live line ---- */

char *display_bar(uint64_t done, uint64_t total, unsigned int width,
		  char ret_text[static DISPLAY_BAR_MAX])
{
	unsigned int inner = (width < DISPLAY_BAR_MAX ? width : DISPLAY_BAR_MAX - 1) - 2;
	unsigned int full;

	if (done > total)
		done = total;
	full = total > 0 ? (unsigned int)((double)done / (double)total * inner) : 0;
	ret_text[0] = '[';
	memset(ret_text + 1, '=', full);
	memset(ret_text + 1 + full, ' ', inner - full);
	if (full < inner)
		ret_text[1 + full] = '>';
	ret_text[1 + inner] = ']';
	ret_text[2 + inner] = '\0';
	return ret_text;
}

char *display_left(uint64_t done, uint64_t total, double took, char ret_text[static FORMAT_MAX])
{
	char span[CLOCK_TEXT_MAX];
	double left;

	ret_text[0] = '\0';
	if (done == 0 || done >= total || took < LEFT_LEAST_SEC)
		return ret_text;
	left = took / (double)done * (double)(total - done);
	if (left < LEFT_MOST_SEC)
		(void)snprintf(ret_text, FORMAT_MAX, "  %s left",
			       clock_format_span((uint64_t)(left + 1) * USEC_PER_SEC, span));
	return ret_text;
}

static void format_progress(const struct display *display, uint64_t now, bool narrow,
			    char ret_text[static LIVE_MAX])
{
	const struct event_line *line = &display->last;
	double took = seconds_since(display->step_began, now);
	char bar[DISPLAY_BAR_MAX], done[FORMAT_MAX], total[FORMAT_MAX], rate[FORMAT_MAX];
	char left[FORMAT_MAX];

	if (line->total == 0 || line->step == STAGE_SYNC) { /* which counts nothing */
		(void)snprintf(ret_text, LIVE_MAX, "%s: %.0fs", stage_step_name(line->step), took);
		return;
	}
	(void)snprintf(ret_text, LIVE_MAX, "%-6s %s %3u %%  %s of %s  %s/s%s",
		       stage_step_name(line->step),
		       narrow ? "" : display_bar(line->done, line->total, BAR_WIDTH, bar),
		       (unsigned int)((double)line->done * 100 / (double)line->total),
		       format_size(line->done, done), format_size(line->total, total),
		       format_size(took > 0 ? (uint64_t)((double)line->done / took) : 0, rate),
		       display_left(line->done, line->total, took, left));
}

static void format_watch(const struct display *display, uint64_t now, bool narrow,
			 char ret_text[static LIVE_MAX])
{
	uint64_t past = now > display->phase_began ? now - display->phase_began : 0;
	uint64_t left = past < display->watch_usec ? display->watch_usec - past : 0;
	char bar[DISPLAY_BAR_MAX], span[CLOCK_TEXT_MAX];

	(void)snprintf(ret_text, LIVE_MAX, "watching %s %s left",
		       narrow ? "" : display_bar(past, display->watch_usec, BAR_WIDTH, bar),
		       left < USEC_PER_SEC ? "0s" :
					     clock_format_span(left - left % USEC_PER_SEC, span));
}

static void format_live(const struct display *display, uint64_t now, bool narrow,
			char ret_text[static LIVE_MAX])
{
	const struct event_line *line = &display->last;

	if (line->kind == EVENT_PROGRESS)
		format_progress(display, now, narrow, ret_text);
	else if (line->phase == PHASE_WATCHING && display->watch_usec > 0)
		format_watch(display, now, narrow, ret_text);
	else
		(void)snprintf(ret_text, LIVE_MAX, "%s: %.0fs", phase_name(line->phase),
			       seconds_since(display->phase_began, now));
}

void display_tick(struct display *display, uint64_t realtime_usec)
{
	size_t width;
	char text[LIVE_MAX];

	if (display->style != DISPLAY_TERMINAL || !display->any ||
	    display->last.phase == PHASE_IDLE)
		return;
	width = format_terminal_width(display->out);
	width = width > 0 ? width : WIDTH_UNKNOWN;
	format_live(display, realtime_usec, width < NARROW, text);
	(void)fprintf(display->out, CLEAR_LINE "%10s%.*s", "", width > 11 ? (int)width - 11 : 0,
		      text);
	display->live = true;
	(void)fflush(display->out);
}
