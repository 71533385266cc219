#include "release/names.h"

#include <stdio.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int strip = size > 0 ? data[0] % 4 : 0;
	_cleanup_free_ char *name = size > 0 ? fuzz_text(data + 1, size - 1) : NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *again = NULL;
	char framed[NAMES_PATH_MAX + 3];
	char shown[NAMES_SHOWN_MAX];
	struct error err = {};
	int r;

	if (!name)
		return 0;
	r = names_normalise(name, strip, &path, &err);
	fuzz_check(r, &err);
	(void)names_check_target(name, &err);
	assert(strlen(names_show(name, shown)) < NAMES_SHOWN_MAX);
	if (r != 0)
		return 0;
	(void)snprintf(framed, sizeof(framed), "/%s/", path);
	assert(!strstr(framed, "//") && !strstr(framed, "/./") && !strstr(framed, "/../"));
	assert(names_check_path(path, &err) == 0 && names_depth(path) > 0);
	assert(names_normalise(path, 0, &again, &err) == 0 && strcmp(path, again) == 0);
	return 0;
}
