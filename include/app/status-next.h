/*
 * What to do next about an app, by its status.
 */
#pragma once

#include "app/status.h"

/* The next step in words, for the one who asked. Returns ret_text. */
char *status_next(const struct status *status, char ret_text[static STATUS_NEXT_MAX]);
