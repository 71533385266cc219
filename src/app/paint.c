#include "app/paint.h"

#include <string.h>

#include "app/format.h"

#define INDENT 10 /* columns: "  %-8s" */

#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define BOLD   "\033[1m"
#define RESET  "\033[0m"

static const char *colour_of_runs(const struct status *status)
{
	const struct status_unit *unit = &status->unit;

	if (!unit->known)
		return YELLOW;
	if (!unit->running || unit->crashing || status->problem[0])
		return RED;
	return unit->before_slot || status->current == SLOT_NONE ? YELLOW : GREEN;
}

static const char *colour_of_phase(const struct status *status)
{
	if (status->state.phase == PHASE_IDLE)
		return "";
	return status->state.phase == PHASE_REVERTING ? RED : BOLD;
}

static const char *colour_of_last(const struct status *status)
{
	if (!status->last_known)
		return "";
	return status->last.entry.outcome == OUTCOME_COMMITTED ? GREEN : RED;
}

/* By its label; what has none belongs to the line above. */
static const char *colour_of(const struct status *status, const char *line, const char *before)
{
	if (strncmp(line, "  runs ", 7) == 0)
		return colour_of_runs(status);
	if (strncmp(line, "  phase ", 8) == 0)
		return colour_of_phase(status);
	if (strncmp(line, "  last ", 7) == 0)
		return colour_of_last(status);
	if (strncmp(line, "  hold ", 7) == 0 || strncmp(line, "  alerts ", 9) == 0)
		return YELLOW;
	if (strncmp(line, "  next ", 7) == 0 || line[0] != ' ')
		return BOLD;
	return strncmp(line, "          ", INDENT) == 0 ? before : "";
}

void paint_status(const struct status *status, const char *text, bool colours, size_t width,
		  FILE *out)
{
	const char *colour = "";

	while (*text) {
		size_t size = strcspn(text, "\n");
		char line[STATUS_NEXT_MAX + STATUS_PATH_MAX];

		(void)snprintf(line, sizeof(line), "%.*s", (int)size, text);
		colour = colour_of(status, line, colour);
		if (colours)
			(void)fputs(colour, out);
		format_wrapped(out, line, 0, INDENT, width);
		(void)fputs(colours && colour[0] ? RESET "\n" : "\n", out);
		text += size + (text[size] == '\n');
	}
}
