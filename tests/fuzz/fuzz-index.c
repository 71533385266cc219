/* Only the canonical text of an index is taken: what was taken is written again as it came. */
#include "release/index.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ void *bytes = fuzz_bytes(data, size);
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_free_ char *text = NULL;
	struct error err = {};
	size_t n;
	int r = index_decode(bytes, size, &index, &err);

	fuzz_check(r, &err);
	if (r < 0)
		return 0;
	assert(index_encode(index, &text, &n, NULL, &err) == 0);
	assert(n == size && memcmp(text, data, size) == 0);
	return 0;
}
