#include "release/descriptor.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ void *bytes = fuzz_bytes(data, size);
	_cleanup_free_ char *json = NULL;
	_cleanup_free_ char *again = NULL;
	struct descriptor descriptor;
	struct error err = {};
	int r = descriptor_decode(bytes, size, &descriptor, &err);

	fuzz_check(r, &err);
	if (r < 0)
		return 0;
	assert(descriptor_encode(&descriptor, &json, &err) == 0);
	assert(descriptor_decode(json, strlen(json), &descriptor, &err) == 0);
	assert(descriptor_encode(&descriptor, &again, &err) == 0 && strcmp(json, again) == 0);
	return 0;
}
