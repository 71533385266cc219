/*
 * Which TCP ports are listened on, and whether they are free: a port is not, for one that binds it without SO_REUSEADDR, while
 * connections of its last owner are still being closed (for up to a minute after it was killed), nor while a process
 * that was left behind listens on it. Read from /proc/PID/net, whose format is in proc_net_tcp.txt of the kernel's documentation.
 */
#pragma once

#include <stdint.h>

#include "unit/unit.h"

#define PORTS_MAX     16
#define PORTS_MACHINE ((pid_t)1) /* the process that sees the machine's network */

struct ports {
	uint16_t list[PORTS_MAX];
	size_t n;
};

bool ports_has(const struct ports *ports, uint16_t port);

enum ports_state {
	PORTS_FREE,
	PORTS_CLOSING, /* its last connections are being closed; that ends by itself */
	PORTS_HELD, /* somebody listens on it, or serves a connection */
};

/* A socket that listens. */
struct ports_listener {
	unsigned long long inode; /* what /proc/PID/fd shows of who has it open */
	uint16_t port;
};

#define PORTS_LISTENERS_MAX 4096
struct ports_listeners {
	struct ports_listener list[PORTS_LISTENERS_MAX];
	size_t n;
};

/*
 * All that there are, as process `pid` (PORTS_MACHINE: the machine) sees the network: not those of a network of a unit's own. What cannot be read is none. The
 * kernel goes through its table of connections for it, which has a place for each 64 KiB or so of memory: some milliseconds on a large machine.
 */
void ports_listeners(pid_t pid, struct ports_listeners *ret_listeners);

/* Calls for each socket that the process has open; for none, if its files may not be looked at. */
void ports_each_socket(pid_t pid, void (*take)(void *data, unsigned long long inode), void *data);

/* The first of them that is not free, as process `pid` (PORTS_MACHINE: the machine) sees the network; *ret_port is then set. */
enum ports_state ports_look(const struct ports *ports, pid_t pid, uint16_t *ret_port);
