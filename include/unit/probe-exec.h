/*
 * Kind exec, as asked by the child: a transient unit, made by one call (StartTransientUnit), awaited by
 * its job, collected by systemd.
 */
#pragma once

#include "unit/probe-order.h"

/* Has it passed? ret_text says what was found; deadline is monotonic. */
bool probe_exec_ask(const struct probe_order *order, uint64_t deadline, char *ret_text,
		    size_t room);
