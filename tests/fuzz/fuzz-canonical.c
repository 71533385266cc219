#include "trust/canonical.h"

#include "fuzz.h"
#include "trust/jread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ void *bytes = fuzz_bytes(data, size);
	_cleanup_(jread_freep) json_t *object = NULL;
	_cleanup_(jread_freep) json_t *copy = NULL;
	_cleanup_free_ char *first = NULL;
	_cleanup_free_ char *second = NULL;
	struct error err = {};
	size_t n, m;

	if (jread_parse(bytes, size, &object, &err) < 0)
		return 0;
	if (canonical_encode(object, &first, &n, &err) < 0)
		return 0;
	assert(strlen(first) == n && first[0] == '{' && first[n - 1] == '}');
	copy = json_deep_copy(object);
	assert(copy && canonical_encode(copy, &second, &m, &err) == 0);
	assert(n == m && memcmp(first, second, n) == 0);
	return 0;
}
