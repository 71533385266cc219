/*
 * Kinds tcp and unix, as asked by the child: is a connection accepted?
 */
#pragma once

#include "unit/probe-order.h"

/* "HOST:PORT" or "[IPV6]:PORT"; false: neither. */
bool probe_socket_split(const char *address, char *ret_host, size_t host_room, char *ret_port,
			size_t port_room);

/* Has it passed? ret_text says what was found; deadline is monotonic. */
bool probe_socket_ask_tcp(const struct probe_order *order, uint64_t deadline, char *ret_text,
			  size_t room);
bool probe_socket_ask_unix(const struct probe_order *order, uint64_t deadline, char *ret_text,
			   size_t room);
