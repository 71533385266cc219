/*
 * Who listens on a TCP port: the processes that have one of its sockets open. A service manager that does (for a socket that it hands to a service) is
 * not one of them: then they are `managed`.
 */
#pragma once

#include "unit/occupant.h"
#include "unit/ports.h"

/*
 * As process `net` sees the network (PORTS_MACHINE: the machine). Whose files this process may not look at is not found, and
 * nor is this process.
 */
int holder_find(const struct unit *unit, uint16_t port, pid_t net, struct occupants *ret_holders,
		struct error *err);

/*
 * The ports that processes of the unit's whole cgroup listen on, and nobody else does: at another address, by SO_REUSEPORT, or as the
 * manager that hands the socket over. `net` as above. What cannot be seen is none.
 */
int holder_ports(const struct unit *unit, pid_t net, struct ports *ret_ports, struct error *err);

/* "4711 (nginx) of nginx.service". Returns ret_text. */
char *holder_describe(const struct occupant *holder, char *ret_text, size_t room);

/*
 * A signal to one of the unit's own, if it still is: in the unit's cgroup, and of another user's unit a process of that user. > 0:
 * OCCUPANT_GONE.
 */
int holder_signal(const struct unit *unit, const struct occupant *holder, int signal);
