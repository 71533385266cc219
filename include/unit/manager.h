/*
 * A connection to a systemd manager (org.freedesktop.systemd1(5)). Every call has a deadline. One
 * connection is used by one thread.
 *
 * The connection may break at any time (the bus or the manager itself is restarted, executed anew,
 * reloads): calls through manager_call() and manager_wait() then come back by themselves, bounded by
 * MANAGER_RETURN_USEC, and manager_generation() counts on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "unit/owner.h"

#define MANAGER_CALL_TIMEOUT_USEC (25 * 1000 * 1000ULL)
#define MANAGER_OWNER_TIMEOUT_USEC \
	(10 * 1000 * 1000ULL) /* of another user's manager: it may hang for ever */
#define MANAGER_RELOAD_TIMEOUT_USEC (90 * 1000 * 1000ULL) /* reading all units anew may last */
#define MANAGER_RETURN_USEC	    (20 * 1000 * 1000ULL) /* how long a lost manager is waited for */

#define MANAGER_SERVICE	  "org.freedesktop.systemd1"
#define MANAGER_PATH	  "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

struct manager;

/*
 * Connects to the manager and makes sure that it answers and sends signals; FAULT_UNIT if not.
 * manager_open: to the manager of the scope (base/scope.h): the system's, by the bus, or as root by its private socket when there is no
 * bus (early at boot, on the way down: the bus is among the first to go). manager_open_user: to the manager of the calling user.
 */
int manager_open(struct manager **ret_manager, struct error *err);
int manager_open_user(struct manager **ret_manager, struct error *err);
void manager_free(struct manager *manager);
CLEANUP_DEFINE(struct manager, manager_free);

/*
 * The manager of another user (Scope=user:NAME), see unit/owner.h; NULL: as manager_open. What it says is the user's
 * word, bounded: this process then gets no more than 256 MiB of memory (RLIMIT_DATA), for good. manager_owner: whose it is;
 * NULL: not another user's. FAULT_CONFIG: there is no such user.
 */
int manager_open_of(const char *user, struct manager **ret_manager, struct error *err);
const struct owner *manager_owner(const struct manager *manager);

/* Changes when the connection does: whoever keeps a slot or a message of it looks at the generation. */
sd_bus *manager_bus(struct manager *manager);
unsigned int manager_generation(const struct manager *manager);

/*
 * A method call that may be made twice without harm. When the manager is away, it is waited for and
 * asked again. What it answers with an error is in *ret_bus_error (free it in any case) and is
 * returned as < 0 without touching any struct error: for manager_error().
 */
int manager_call(struct manager *manager, const char *path, const char *interface,
		 const char *member, sd_bus_error *ret_bus_error, sd_bus_message **ret_reply,
		 const char *types, ...);

/* Is the machine on its way down (SystemState is "stopping")? Nothing is judged then. Not asked of another user's manager. */
int manager_is_stopping(struct manager *manager, bool *ret_stopping, struct error *err);

int manager_reload(struct manager *manager, struct error *err);

/*
 * Handles what has arrived and waits for more, at most timeout_usec, also woken by `fd` (-1: none) being
 * readable. Returns 0 also at the timeout.
 */
int manager_wait(struct manager *manager, int fd, uint64_t timeout_usec, struct error *err);

/* FAULT_UNIT with the text of a bus error. */
int manager_error(const sd_bus_error *bus_error, int code, struct error *err, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));
