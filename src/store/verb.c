#include "store/verb.h"

#include <string.h>

#include "base/cleanup.h"

static const char *const names[VERB_MAX] = {
	[VERB_NONE] = "none",	      [VERB_INSTALL] = "install", [VERB_SWITCH] = "switch",
	[VERB_ROLLBACK] = "rollback", [VERB_HOLD] = "hold",	  [VERB_UNHOLD] = "unhold",
	[VERB_CANCEL] = "cancel",     [VERB_UPDATE] = "update",	  [VERB_CHECK] = "check",
	[VERB_FORGIVE] = "forgive",
};

const char *verb_name(enum verb verb)
{
	return (unsigned int)verb < VERB_MAX ? names[verb] : "unknown";
}

enum verb verb_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum verb)i;
	return VERB_NONE;
}

bool verb_stages(enum verb verb)
{
	return verb == VERB_INSTALL || verb == VERB_UPDATE;
}
