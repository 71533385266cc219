/*
 * Linked around every durable call of the program (ld --wrap), for the negative control: one of them, told by where it
 * is called from, does nothing, or rather, what it does is not made durable. The program itself knows nothing of it.
 *
 * /run/crash/skip has the return address of the call, in hexadecimal and relative to the program's beginning; or the
 * word `mark`: then each call is preceded by the removal of the file .site-ADDRESS, which is not there: so that
 * stop.c tells where in the row of calls it stands.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "store/durable.h"

extern const char __executable_start[];

static bool marking;
static unsigned long wanted;
static _Thread_local bool skipping;

__attribute__((constructor)) static void read_orders(void)
{
	char text[64] = "";
	FILE *file = fopen("/run/crash/skip", "re");

	if (!file)
		return;
	if (fgets(text, sizeof(text), file))
		marking = strncmp(text, "mark", 4) == 0;
	if (!marking)
		wanted = strtoul(text, NULL, 16);
	(void)fclose(file);
}

/* Whether the call that returns there is the one. */
static bool is_wanted(const void *back)
{
	unsigned long site = (unsigned long)((uintptr_t)back - (uintptr_t)__executable_start);
	char name[80];

	if (marking) {
		(void)snprintf(name, sizeof(name), "/var/lib/flipslot/gateway/.site-%lx", site);
		(void)unlinkat(AT_FDCWD, name, 0);
	}
	return wanted != 0 && site == wanted;
}

#define SYNC(name)                                                                                 \
	int __real_##name(int fd);                                                                 \
	int __wrap_##name(int fd);                                                                 \
	int __wrap_##name(int fd)                                                                  \
	{                                                                                          \
		return is_wanted(__builtin_return_address(0)) || skipping ? 0 : __real_##name(fd); \
	}

#define DURABLE(name, parameters, arguments)                       \
	int __real_durable_##name parameters;                      \
	int __wrap_durable_##name parameters;                      \
	int __wrap_durable_##name parameters                       \
	{                                                          \
		int r;                                             \
                                                                   \
		skipping = is_wanted(__builtin_return_address(0)); \
		r = __real_durable_##name arguments;               \
		skipping = false;                                  \
		return r;                                          \
	}

SYNC(fsync)
SYNC(fdatasync)
SYNC(syncfs)
DURABLE(sync_dir, (int dirfd, struct error *err), (dirfd, err))
DURABLE(sync_fs, (int fd, struct error *err), (fd, err))
DURABLE(replace,
	(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
	 struct error *err),
	(dirfd, name, data, size, mode, err))
DURABLE(remove, (int dirfd, const char *name, struct error *err), (dirfd, name, err))
DURABLE(mkdir, (int dirfd, const char *name, mode_t mode, struct error *err),
	(dirfd, name, mode, err))
DURABLE(symlink, (int dirfd, const char *target, const char *name, struct error *err),
	(dirfd, target, name, err))
DURABLE(exchange, (int dirfd, const char *a, const char *b, struct error *err), (dirfd, a, b, err))
DURABLE(preallocate, (int dirfd, const char *name, size_t size, mode_t mode, struct error *err),
	(dirfd, name, size, mode, err))
DURABLE(overwrite, (int fd, const void *data, size_t size, off_t offset, struct error *err),
	(fd, data, size, offset, err))
