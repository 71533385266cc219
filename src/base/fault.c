#include "base/fault.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

/* Status 2 is the command line's (usage), 12 is "cancelled": both belong to app, not to a fault. */
static const struct {
	const char *name;
	int exit_status;
} faults[FAULT_MAX] = {
	[FAULT_NONE] = { "none", 0 },		[FAULT_NETWORK] = { "network", 4 },
	[FAULT_UNTRUSTED] = { "untrusted", 5 }, [FAULT_CORRUPT] = { "corrupt", 6 },
	[FAULT_STALE] = { "stale", 7 },		[FAULT_NO_SPACE] = { "no-space", 8 },
	[FAULT_UNIT] = { "unit", 9 },		[FAULT_UNHEALTHY] = { "unhealthy", 10 },
	[FAULT_BUSY] = { "busy", 11 },		[FAULT_CONFIG] = { "config", 3 },
	[FAULT_INTERNAL] = { "internal", 1 },
};

static bool is_known(enum fault fault)
{
	return (unsigned int)fault < FAULT_MAX;
}

const char *fault_name(enum fault fault)
{
	return faults[is_known(fault) ? fault : FAULT_INTERNAL].name;
}

enum fault fault_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (strcmp(faults[i].name, name) == 0)
			return (enum fault)i;
	return FAULT_NONE;
}

int fault_exit_status(enum fault fault)
{
	return faults[is_known(fault) ? fault : FAULT_INTERNAL].exit_status;
}
