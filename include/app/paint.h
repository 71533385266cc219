/*
 * The status of an app for eyes: on a terminal lines are as wide as it is, and what matters has a colour.
 */
#pragma once

#include <stdio.h>

#include "app/status.h"

/* width 0: lines are not broken. */
void paint_status(const struct status *status, const char *text, bool colours, size_t width,
		  FILE *out);
