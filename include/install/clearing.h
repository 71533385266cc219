/*
 * Making a slot ready for a release, by its survey: what does not belong goes, whatever it is; directories are made;
 * modes and times are mended.
 *
 * Follows no link and crosses no mount. What cannot be removed (immutable, a mount) fails with its name and with what to do.
 */
#pragma once

#include "install/survey.h"

int clearing_run(int slot_fd, const struct survey *survey, struct error *err);
