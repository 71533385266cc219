/*
 * The status of an app in words.
 */
#pragma once

#include "app/status.h"

void status_text(const struct status *status, struct text *text);

/* What stands about a slot, "current, known good"; also in `flipslot list`. Returns ret_text. */
#define STATUS_TEXT_NOTE_MAX 128
char *status_text_slot(const struct status *status, enum slot slot,
		       char ret_text[static STATUS_TEXT_NOTE_MAX]);

/* What runs, in few words: "1.4", "1.4 (failed)", "nothing"; for tables. Returns ret_text. */
char *status_text_runs(const struct status *status, char *ret_text, size_t room);
