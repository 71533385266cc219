/*
 * Kind http, as asked by the child: one GET by HTTP or HTTPS, without a proxy and without following
 * redirections, at most 64 KiB of the body.
 */
#pragma once

#include "unit/probe-order.h"

/* Before the child is confined: loads the library. */
void probe_http_prepare(void);

/* Has it passed? ret_text says what was found; deadline is monotonic. */
bool probe_http_ask(const struct probe_order *order, uint64_t deadline, char *ret_text,
		    size_t room);
