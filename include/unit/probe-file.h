/*
 * Kind file, as asked by the child (which stands in the slot): is it there, newer than the start, and is
 * the text in its first 64 KiB?
 */
#pragma once

#include "unit/probe-order.h"

/* Has it passed? ret_text says what was found; deadline is monotonic. */
bool probe_file_ask(const struct probe_order *order, uint64_t deadline, char *ret_text,
		    size_t room);
