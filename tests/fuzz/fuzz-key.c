/* A KEY object (PEM, hexadecimal points), and a signature by it. The parts: the object, the signature. */
#include "trust/key.h"

#include "fuzz.h"
#include "trust/jread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_part(&data, &size);
	_cleanup_(jread_freep) json_t *object = NULL;
	_cleanup_(key_freep) struct key *key = NULL;
	struct error err = {};

	if (!text || jread_parse(text, strlen(text), &object, &err) < 0)
		return 0;
	if (key_read(object, &key, &err) != 0)
		return 0;
	assert(key_equal(key, key));
	assert(!key_verify(key, "nobody signed this", 18, data, size));
	return 0;
}
