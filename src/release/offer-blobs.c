#include "release/offer-blobs.h"

#include <stdlib.h>

#include "release/bundle.h"
#include "release/jmember.h"
#include "release/pieces.h"

uint64_t offer_blobs_count_pieces(uint64_t length)
{
	return length / PIECES_SIZE + (length % PIECES_SIZE != 0);
}

static const char *find_wrong_blob(const struct offer_bundle *bundle)
{
	if (digest_is_null(&bundle->blob))
		return "sha256";
	if (digest_is_null(&bundle->head_digest))
		return "head_sha256";
	if (bundle->head == 0 || bundle->head > BUNDLE_HEAD_MAX)
		return "head";
	if (bundle->length < bundle->head || bundle->length > OFFER_FULL_MAX)
		return "length";
	return NULL;
}

const char *offer_blobs_find_wrong(const struct offer *offer)
{
	const char *key = offer->near.n_from > 0 ? find_wrong_blob(&offer->near.bundle) : NULL;

	if (offer->n_bundles > OFFER_BUNDLES_MAX)
		return "bundles";
	if (offer->near.n_from > OFFER_NEAR_MAX)
		return "near";
	for (size_t i = 0; !key && i < offer->n_bundles; i++) {
		const struct offer_bundle *bundle = &offer->bundles[i];

		if (offer_find_bundle(offer, &bundle->from) != bundle ||
		    digest_equal(&bundle->from, &offer->index))
			return "from";
		key = find_wrong_blob(bundle);
	}
	return key;
}

/* ---- writing ---- */

json_t *offer_blobs_digest(const struct digest *digest)
{
	char hex[DIGEST_HEX_MAX];

	return json_string(digest_to_hex(digest, hex));
}

static json_t *make_full(const struct offer *offer)
{
	json_t *pieces = json_array();

	for (size_t i = 0; i < offer->n_pieces; i++)
		if (json_array_append_new(pieces, offer_blobs_digest(&offer->pieces[i])) < 0) {
			json_decref(pieces);
			return NULL;
		}
	return json_pack("{sI so so}", "length", (json_int_t)offer->full_length, "pieces", pieces,
			 "sha256", offer_blobs_digest(&offer->full));
}

static json_t *make_bundle(const struct offer_bundle *bundle)
{
	char from[DIGEST_HEX_MAX] = "";

	if (!digest_is_null(&bundle->from))
		digest_to_hex(&bundle->from, from);
	return json_pack("{ss sI so sI so}", "from", from, "head", (json_int_t)bundle->head,
			 "head_sha256", offer_blobs_digest(&bundle->head_digest), "length",
			 (json_int_t)bundle->length, "sha256", offer_blobs_digest(&bundle->blob));
}

static json_t *make_bundles(const struct offer *offer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < offer->n_bundles; i++)
		if (json_array_append_new(list, make_bundle(&offer->bundles[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *make_near(const struct offer_near *near)
{
	json_t *object = make_bundle(&near->bundle);
	json_t *from = json_array();

	for (size_t i = 0; i < near->n_from; i++)
		if (json_array_append_new(from, offer_blobs_digest(&near->from[i])) < 0) {
			json_decref(object);
			object = NULL;
		}
	if (json_object_set_new(object, "from", from) == 0)
		return object;
	json_decref(object);
	return NULL;
}

json_t *offer_blobs_make(const struct offer *offer)
{
	json_t *blobs = json_pack("{so}", "full", make_full(offer));
	bool good = blobs != NULL;

	if (good && offer->n_bundles > 0)
		good = json_object_set_new(blobs, "bundles", make_bundles(offer)) == 0;
	if (good && offer->near.n_from > 0)
		good = json_object_set_new(blobs, "near", make_near(&offer->near)) == 0;
	if (good)
		return blobs;
	json_decref(blobs);
	return NULL;
}

/* ---- reading ---- */

int offer_blobs_each(const json_t *list, size_t min, size_t max, const char *key,
		     int (*get)(const json_t *value, struct offer *offer, struct error *err),
		     struct offer *offer, struct error *err)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n < min || n > max)
		return jmember_refuse(key, err);
	for (size_t i = 0; i < n; i++) {
		int r = get(json_array_get(list, i), offer, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int get_digest(const json_t *object, const char *key, struct digest *ret_digest,
		      struct error *err)
{
	return jmember_digest(json_object_get(object, key), key, ret_digest, err);
}

static int get_piece(const json_t *value, struct offer *offer, struct error *err)
{
	return jmember_digest(value, "pieces", &offer->pieces[offer->n_pieces++], err);
}

static int get_pieces(const json_t *list, struct offer *offer, struct error *err)
{
	uint64_t n = offer_blobs_count_pieces(offer->full_length);

	if (n == 0 || json_array_size(list) != n)
		return jmember_refuse("pieces", err);
	offer->pieces = calloc(n, sizeof(*offer->pieces));
	if (!offer->pieces)
		return error_errno(err, "reading the offer");
	return offer_blobs_each(list, n, n, "pieces", get_piece, offer, err);
}

static int get_full(const json_t *object, struct offer *offer, struct error *err)
{
	const json_t *blobs = json_object_get(object, "blobs");
	const json_t *full = json_object_get(blobs, "full");
	int r;

	if (!json_is_object(full))
		return jmember_refuse("blobs", err);
	r = jmember_number(full, "length", &offer->full_length, err);
	if (r == 0 && offer->full_length > OFFER_FULL_MAX)
		return jmember_refuse("length", err);
	if (r == 0)
		r = get_digest(full, "sha256", &offer->full, err);
	if (r == 0)
		r = get_pieces(json_object_get(full, "pieces"), offer, err);
	return r;
}

static int get_blob(const json_t *object, struct offer_bundle *bundle, struct error *err)
{
	int r = jmember_number(object, "head", &bundle->head, err);

	if (r == 0)
		r = get_digest(object, "head_sha256", &bundle->head_digest, err);
	if (r == 0)
		r = jmember_number(object, "length", &bundle->length, err);
	if (r == 0)
		r = get_digest(object, "sha256", &bundle->blob, err);
	return r;
}

static int get_bundle(const json_t *object, struct offer *offer, struct error *err)
{
	struct offer_bundle *bundle = &offer->bundles[offer->n_bundles++];
	const json_t *from = json_object_get(object, "from");
	int r = 0;

	if (!json_is_string(from) || json_string_length(from) > 0)
		r = jmember_digest(from, "from", &bundle->from, err);
	if (r == 0)
		r = get_blob(object, bundle, err);
	return r < 0 ? error_prefix(err, r, "bundles") : 0;
}

static int get_near_from(const json_t *value, struct offer *offer, struct error *err)
{
	return jmember_digest(value, "from", &offer->near.from[offer->near.n_from++], err);
}

/* It may be missing: then there is none. */
static int get_near(const json_t *object, struct offer *offer, struct error *err)
{
	const json_t *near = json_object_get(json_object_get(object, "blobs"), "near");
	int r;

	if (!near)
		return 0;
	r = offer_blobs_each(json_object_get(near, "from"), 1, OFFER_NEAR_MAX, "from",
			     get_near_from, offer, err);
	if (r == 0)
		r = get_blob(near, &offer->near.bundle, err);
	return r < 0 ? error_prefix(err, r, "near") : 0;
}

/* They may be missing: then there are none. */
static int get_bundles(const json_t *object, struct offer *offer, struct error *err)
{
	const json_t *list = json_object_get(json_object_get(object, "blobs"), "bundles");

	return list ? offer_blobs_each(list, 0, OFFER_BUNDLES_MAX, "bundles", get_bundle, offer,
				       err) :
		      0;
}

int offer_blobs_get(const json_t *object, struct offer *offer, struct error *err)
{
	int r = get_full(object, offer, err);

	if (r == 0)
		r = get_bundles(object, offer, err);
	return r < 0 ? r : get_near(object, offer, err);
}
