/* The parts: a pattern of a delegation, a path; names for files made of both. */
#include "trust/pattern.h"

#include "fuzz.h"
#include "trust/filename.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *pattern = fuzz_part(&data, &size);
	_cleanup_free_ char *path = fuzz_part(&data, &size);
	_cleanup_free_ char *role = NULL;
	_cleanup_free_ char *target = NULL;
	struct error err = {};

	if (!path)
		return 0;
	(void)pattern_match(pattern, path);
	if (filename_of_role(pattern, 1, &role, &err) == 0)
		assert(!strchr(role, '/') && strlen(role) <= FILENAME_MAX_BYTES);
	if (filename_of_target(path, "0123abcd", &target, &err) == 0)
		assert(target[0] != '/' && !strstr(target, "/../"));
	return 0;
}
