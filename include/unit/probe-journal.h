/*
 * Kind journal, as asked by the child: is there a record of this invocation that matches, and none that
 * is to be rejected? Records of the service's processes and of systemd about it count. The wanted
 * one is looked for from the oldest on, the rejected one from the newest back, each in half of the time
 * and at most 200000 records.
 */
#pragma once

#include "unit/probe-order.h"

/* Has it passed? ret_text says what was found; deadline is monotonic. */
bool probe_journal_ask(const struct probe_order *order, uint64_t deadline, char *ret_text,
		       size_t room);
