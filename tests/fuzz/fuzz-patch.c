/* Five sections: four bytes are the sizes of all but the last, two the bytes that they make. */
#include "release/patch.h"

#include "fuzz.h"

#define HEAD	  6
#define BASE_SIZE 5000

static struct guess guess;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct patch_bytes sections[PATCH_SECTION_MAX] = {};
	uint8_t *copies[PATCH_SECTION_MAX];
	_cleanup_free_ uint8_t *base = malloc(BASE_SIZE);
	_cleanup_free_ uint8_t *out = NULL;
	struct error err = {};
	size_t at = HEAD, out_size;

	if (size < HEAD)
		return 0;
	out_size = data[4] | (size_t)data[5] << 8;
	out = malloc(out_size);
	assert(base && out);
	for (size_t i = 0; i < BASE_SIZE; i++)
		base[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++) {
		size_t n = i + 1 < PATCH_SECTION_MAX && data[i] < size - at ? data[i] : size - at;

		copies[i] = fuzz_bytes(data + at, n);
		sections[i] = (struct patch_bytes){ copies[i], n };
		at += n;
	}
	fuzz_check(patch_apply(sections, base, BASE_SIZE, &guess, out, out_size, &err), &err);
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		free(copies[i]);
	return 0;
}
