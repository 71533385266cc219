/*
 * Showing on stderr what goes on while something is packed (publish/progress.h): on a terminal one live line, four times a second;
 * elsewhere a line every half a minute.
 */
#pragma once

#include <stdint.h>

/* As struct progress has it; data is not used. The first one begins the display. */
void packing_display_tell(void *data, const char *what, uint64_t done, uint64_t total);

/* Takes the live line away, for other output to follow. */
void packing_display_clear(void);

/* Nothing is packed any more: nothing is shown from here on. Fine without a beginning. */
void packing_display_end(void);
