/*
 * A connection to a systemd manager (org.freedesktop.systemd1, see org.freedesktop.systemd1(5)). Every
 * call has a deadline. One connection is used by one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "base/error.h"

#define MANAGER_CALL_TIMEOUT_USEC (25 * 1000 * 1000ULL)

struct manager;

/* Connects to the system's manager and makes sure that it answers and sends signals. FAULT_UNIT if not. */
int manager_open(struct manager **ret_manager, struct error *err);
void manager_free(struct manager *manager);
CLEANUP_DEFINE(struct manager, manager_free);

sd_bus *manager_bus(struct manager *manager);

/* Is the machine on its way down (SystemState is "stopping")? Nothing is judged then. */
int manager_is_stopping(struct manager *manager, bool *ret_stopping, struct error *err);

int manager_reload(struct manager *manager, struct error *err);

/*
 * Handles what has arrived and waits for more, at most timeout_usec, also woken by `fd` (-1: none) being
 * readable. Returns 0 also at the timeout.
 */
int manager_wait(struct manager *manager, int fd, uint64_t timeout_usec, struct error *err);

/* FAULT_UNIT with the text of a bus error. */
int manager_error(const sd_bus_error *bus_error, int code, struct error *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
