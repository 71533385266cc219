/*
 * What the last look at the source found, in words for people.
 */
#pragma once

#include "store/checked.h"

#define LOOK_MAX (STATE_REASON_MAX + 200)

/* "2.0 (sequence 2) is there: flipslot update APP". Returns ret_text. */
char *look_say(const struct checked *checked, const char *app, char ret_text[static LOOK_MAX]);

/* Something to install is there, and nothing went wrong. */
bool look_has_news(const struct checked *checked);
