/*
 * What doctor says of the source: by what the last look at it found.
 */
#pragma once

#include "app/checkup.h"

void checkup_source(const struct checkup *checkup);
