#include "release/offer.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ void *bytes = fuzz_bytes(data, size);
	_cleanup_(offer_freep) struct offer *offer = NULL;
	_cleanup_(offer_freep) struct offer *again = NULL;
	_cleanup_free_ char *json = NULL;
	struct error err = {};
	size_t n;
	int r = offer_decode(bytes, size, &offer, &err);

	fuzz_check(r, &err);
	if (r < 0)
		return 0;
	assert(offer_encode(offer, &json, &n, &err) == 0);
	assert(offer_decode(json, n, &again, &err) == 0);
	assert(command_equal(&offer->check, &again->check));
	assert(digest_equal(&offer->index, &again->index) && offer->n_pieces == again->n_pieces);
	return 0;
}
