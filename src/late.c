#include "late.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

void *late_find(struct late *library, const char *symbol)
{
	void *found;

	if (!library->handle)
		library->handle = dlopen(library->name, RTLD_LAZY | RTLD_LOCAL);
	found = library->handle ? dlsym(library->handle, symbol) : NULL;
	if (!found) {
		(void)fprintf(stderr, "flipslot: %s\n", dlerror());
		_Exit(127); /* as the loader itself does it */
	}
	return found;
}
