/* Root metadata with signatures that are verified: a trusted root, and those that want to follow it. */
#include "trust/root.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(root_freep) struct root *root = NULL;
	_cleanup_free_ char *first = fuzz_part(&data, &size);
	struct error err = {};
	int r = first ? root_load(first, strlen(first), &root, &err) : -1;

	if (r < 0)
		return 0;
	while (size > 0) {
		_cleanup_(root_freep) struct root *before = root;
		_cleanup_free_ char *next = fuzz_part(&data, &size);

		root = NULL;
		if (root_update(before, next, strlen(next), &root, &err) < 0)
			break;
		assert(root->metadata.version == before->metadata.version + 1);
		(void)root_rotated(before, root);
	}
	return 0;
}
