#include "store/phase.h"

#include <string.h>

#include "base/cleanup.h"

static const char *const names[PHASE_MAX] = {
	[PHASE_IDLE] = "idle",		 [PHASE_STAGING] = "staging", [PHASE_STAGED] = "staged",
	[PHASE_SWITCHING] = "switching", [PHASE_TRIAL] = "trial",     [PHASE_WATCHING] = "watching",
	[PHASE_REVERTING] = "reverting",
};

const char *phase_name(enum phase phase)
{
	return (unsigned int)phase < PHASE_MAX ? names[phase] : "unknown";
}

enum phase phase_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum phase)i;
	return PHASE_MAX;
}
