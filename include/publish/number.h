/*
 * A number as bundles and patches have it (docs/FORMATS.md): LEB128, seven bits in a byte, the lowest first, the highest bit set in
 * each byte but the last.
 */
#pragma once

#include <stdint.h>

#include "base/text.h"

/* Appends it: 1 to 10 bytes. */
void number_put(struct text *text, uint64_t number);
