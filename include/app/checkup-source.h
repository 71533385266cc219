/*
 * What doctor says of the source: by what the last look at it found, or (online) by one now.
 */
#pragma once

#include "app/checkup.h"

void checkup_source(const struct checkup *checkup);
