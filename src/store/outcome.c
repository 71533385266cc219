#include "store/outcome.h"

#include <string.h>

#include "base/cleanup.h"

static const char *const names[OUTCOME_MAX] = {
	[OUTCOME_NONE] = "none",
	[OUTCOME_COMMITTED] = "committed",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_CANCELLED] = "cancelled",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_FAILED_FIRST] = "failed-first",
	[OUTCOME_ROLLED_BACK] = "rolled-back",
	[OUTCOME_ROLLED_BACK_UNHEALTHY] = "rolled-back-unhealthy",
	[OUTCOME_BOTH_BAD] = "both-bad",
};

const char *outcome_name(enum outcome outcome)
{
	return (unsigned int)outcome < OUTCOME_MAX ? names[outcome] : "unknown";
}

enum outcome outcome_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum outcome)i;
	return OUTCOME_NONE;
}
