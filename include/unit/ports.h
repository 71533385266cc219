/*
 * The TCP ports that a unit listens on, and whether they are free: a port is not, for one that binds it without SO_REUSEADDR, while
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

/*
 * Those that processes of the unit's whole cgroup listen on, as process `net` (PORTS_MACHINE: the machine) sees the network: not those of a
 * network of the unit's own. What cannot be read is none.
 */
int ports_find(const struct unit *unit, pid_t net, struct ports *ret_ports, struct error *err);

/*
 * The inodes of the sockets that listen on it, as process `pid` sees the network: what /proc/PID/fd shows of who has one. Returns
 * how many.
 */
#define PORTS_SOCKETS_MAX 64
size_t ports_listeners(uint16_t port, pid_t pid,
		       unsigned long long ret_inodes[static PORTS_SOCKETS_MAX]);

/* Has the process one of these sockets open? No, if its files may not be looked at. */
bool ports_has_open(pid_t pid, const unsigned long long *inodes, size_t n);

/* The first of them that is not free, as process `pid` (PORTS_MACHINE: the machine) sees the network; *ret_port is then set. */
enum ports_state ports_look(const struct ports *ports, pid_t pid, uint16_t *ret_port);
