/*
 * What the child of a probe does (`flipslot probe-helper`): it reads its orders from descriptor 0, gives
 * away what it may do, asks, and answers with one line on descriptor 1.
 */
#pragma once

/* Returns the exit status. */
int probe_helper_main(void);
