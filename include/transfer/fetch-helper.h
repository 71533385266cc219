/*
 * What the fetch helper does (`flipslot fetch-helper`): it reads its orders from descriptor 0 and answers
 * on descriptor 1 (transfer/wire.h). It gives away what it may do before the first byte from outside
 * comes, and ends when the orders end. docs/TRANSFER.md is its manual.
 */
#pragma once

/* Returns the exit status. */
int fetch_helper_main(void);
