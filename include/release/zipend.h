/*
 * The end of a zip (APPNOTE.TXT 4.3.14 to 4.3.16), for what libarchive does not tell.
 */
#pragma once

#include "release/pieces.h"

/* How many entries it announces. FAULT_CORRUPT if it has no end within its last 16 KiB. */
int zipend_count(struct pieces *pieces, uint64_t *ret_count, struct error *err);
