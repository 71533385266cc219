/* A block whose digest was right: the first byte is its kind, two are the bytes that it decodes to. */
#include "release/block.h"

#include "fuzz.h"

#define BASE_SIZE 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(block_decoder_freep) struct block_decoder *decoder = NULL;
	_cleanup_free_ uint8_t *base = malloc(BASE_SIZE);
	_cleanup_free_ uint8_t *out = NULL;
	_cleanup_free_ void *bytes = NULL;
	struct error err = {};
	enum block_kind kind;
	size_t out_size;

	if (size < 3)
		return 0;
	kind = data[0] % BLOCK_KIND_MAX;
	out_size = data[1] | (size_t)data[2] << 8;
	bytes = fuzz_bytes(data + 3, size - 3);
	out = malloc(out_size);
	assert(base && out && block_decoder_new(&decoder, &err) == 0);
	for (size_t i = 0; i < BASE_SIZE; i++)
		base[i] = (uint8_t)(i * 7 + i / 256);
	for (int i = 0; i < 2; i++) /* a decoder that failed works again */
		fuzz_check(block_decode(decoder, kind, bytes, size - 3,
					kind == BLOCK_PLAIN ? NULL : base,
					kind == BLOCK_PLAIN ? 0 : BASE_SIZE, out, out_size, &err),
			   &err);
	return 0;
}
