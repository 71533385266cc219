/*
 * The first part is the descriptor, the rest the index of a seal; the first line, with the digest over both, is
 * made here. A first byte of 'p': the index is a zstd frame. Of 'r': all is as it came.
 */
#include "install/seal.h"

#include <stdio.h>

#include "base/text.h"
#include "fuzz.h"

static void make(int version, const char *descriptor, const void *index, size_t size,
		 struct text *ret_text)
{
	_cleanup_text_ struct text both = {};
	char hex[DIGEST_HEX_MAX];
	struct digest digest;

	text_add(&both, "%s", descriptor);
	text_add_bytes(&both, index, size);
	assert(digest_of(both.data ? both.data : "", both.size, &digest, NULL) == 0);
	text_add(ret_text, "flipslot-seal %d %zu %zu %s\n", version, strlen(descriptor), size,
		 digest_to_hex(&digest, hex));
	text_add_bytes(ret_text, both.data ? both.data : "", both.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_text_ struct text text = {};
	_cleanup_seal_ struct seal seal = {};
	_cleanup_free_ char *descriptor = NULL;
	struct error err = {};
	int version;

	if (size > 0 && data[0] == 'r') {
		text_add_bytes(&text, data + 1, size - 1);
	} else {
		version = size > 0 && data[0] == 'p' ? 2 : 1;
		data += version - 1;
		size -= (size_t)version - 1;
		descriptor = fuzz_part(&data, &size);
		make(version, descriptor ? descriptor : "", data, size, &text);
	}
	fuzz_check(seal_decode(text.data ? text.data : "", text.size, &seal, &err), &err);
	return 0;
}
