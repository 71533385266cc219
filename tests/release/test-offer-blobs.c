#include "release/offer-blobs.h"

#include <string.h>

#include "../base/check.h"
#include "release/pieces.h"

static struct digest pieces[2];

static struct digest filled(int byte)
{
	struct digest digest;

	memset(digest.bytes, byte, sizeof(digest.bytes));
	return digest;
}

static struct offer_bundle bundle(int byte)
{
	return (struct offer_bundle){
		.blob = filled(byte),
		.head_digest = filled(byte + 1),
		.head = 10,
		.length = 11,
	};
}

static struct offer sample(void)
{
	return (struct offer){
		.index = filled(1),
		.full = filled(2),
		.full_length = PIECES_SIZE + 1,
		.pieces = pieces,
		.n_pieces = 2,
	};
}

static void pieces_are_rounded_up(void **state)
{
	assert_int_equal(offer_blobs_count_pieces(0), 0);
	assert_int_equal(offer_blobs_count_pieces(PIECES_SIZE), 1);
	assert_int_equal(offer_blobs_count_pieces(PIECES_SIZE + 1), 2);
}

static void get(const struct offer *offer, struct offer *ret_offer)
{
	json_t *object = json_pack("{so}", "blobs", offer_blobs_make(offer));

	assert_non_null(object);
	assert_int_equal(offer_blobs_get(object, ret_offer, NULL), 0);
	json_decref(object);
	free(ret_offer->pieces);
	ret_offer->pieces = NULL;
}

static void what_there_is_none_of_is_left_away(void **state)
{
	const struct offer offer = sample();
	json_t *blobs = offer_blobs_make(&offer);
	struct offer back = {};

	assert_non_null(blobs);
	assert_int_equal(json_object_size(blobs), 1);
	json_decref(blobs);
	get(&offer, &back);
	assert_int_equal(back.n_bundles, 0);
	assert_int_equal(back.near.n_from, 0);
	assert_null(offer_blobs_find_wrong(&offer));
}

static void all_come_back(void **state)
{
	struct offer offer = sample();
	struct offer back = {};

	offer.n_bundles = 1;
	offer.bundles[0] = bundle(3);
	offer.near.n_from = OFFER_NEAR_MAX;
	for (int i = 0; i < OFFER_NEAR_MAX; i++)
		offer.near.from[i] = filled(0x40 + i);
	offer.near.bundle = bundle(5);
	get(&offer, &back);
	assert_int_equal(back.n_bundles, 1);
	assert_memory_equal(&back.bundles[0], &offer.bundles[0], sizeof(offer.bundles[0]));
	assert_memory_equal(&back.near, &offer.near, sizeof(offer.near));
}

static void what_is_wrong_is_named(void **state)
{
	struct offer offer = sample();

	offer.near.n_from = 1;
	offer.near.bundle = bundle(5);
	assert_null(offer_blobs_find_wrong(&offer));
	offer.near.bundle.head = 12;
	assert_string_equal(offer_blobs_find_wrong(&offer), "length");
	offer.near.n_from = OFFER_NEAR_MAX + 1;
	offer.near.bundle.head = 10;
	assert_string_equal(offer_blobs_find_wrong(&offer), "near");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_rounded_up),
		cmocka_unit_test(what_there_is_none_of_is_left_away),
		cmocka_unit_test(all_come_back),
		cmocka_unit_test(what_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
