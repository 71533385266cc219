/*
 * What this machine has: for what a release requires of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ID and VERSION_ID of an os-release(5) file; empty: it does not say. */
void host_os(const char *file, char *ret_id, size_t id_room, char *ret_version,
	     size_t version_room);
#define HOST_OS_FILE "/etc/os-release"

/*
 * Bytes of memory that can be had now: MemAvailable and free swap of /proc/meminfo, at most memory.max of our own control group and of
 * those that it is in; UINT64_MAX: not known.
 */
uint64_t host_available(void);

/* Is the shared library of that soname in a folder in which the loader looks (its own ones, and those of ld.so.conf)? */
bool host_has_library(const char *soname);

/* Is there such a program in systemd's search path for services? */
bool host_has_command(const char *name);

/* "2.36"; empty: another C library. */
const char *host_glibc(void);
