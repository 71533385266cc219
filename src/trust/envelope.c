#include "trust/envelope.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trust/canonical.h"
#include "trust/hex.h"
#include "trust/jread.h"

struct signature {
	const char *keyid;
	const char *hex; /* perhaps not even that: then it verifies nothing */
};

struct envelope {
	json_t *whole;
	json_t *body;
	char *bytes; /* the body as it was signed */
	size_t size;
	struct signature *signatures; /* in the order of their key ids */
	size_t n;
};

static int compare_keyids(const void *a, const void *b)
{
	return strcmp(((const struct signature *)a)->keyid, ((const struct signature *)b)->keyid);
}

static int read_signature(const json_t *object, struct signature *ret_signature, struct error *err)
{
	int r;

	if (!json_is_object(object))
		return error_set(err, FAULT_CORRUPT, "a signature is not an object");
	r = jread_string(object, "keyid", &ret_signature->keyid, err);
	if (r < 0)
		return r;
	return jread_string(object, "sig", &ret_signature->hex, err);
}

static int check_unique(const struct envelope *envelope, struct error *err)
{
	char shown[JREAD_SHOWN_MAX];

	for (size_t i = 1; i < envelope->n; i++)
		if (compare_keyids(&envelope->signatures[i - 1], &envelope->signatures[i]) == 0)
			return error_set(err, FAULT_UNTRUSTED, "two signatures have the key id %s",
					 jread_show(envelope->signatures[i].keyid, shown));
	return 0;
}

static int read_signatures(struct envelope *envelope, struct error *err)
{
	json_t *array;
	int r = jread_array(envelope->whole, "signatures", &array, err);

	if (r < 0)
		return r;
	if (json_array_size(array) > ENVELOPE_SIGNATURES_MAX)
		return error_set(err, FAULT_CORRUPT, "more than %d signatures",
				 ENVELOPE_SIGNATURES_MAX);
	envelope->signatures = calloc(json_array_size(array) + 1, sizeof(struct signature));
	if (!envelope->signatures)
		return error_code(err, -ENOMEM, "reading signatures");
	for (; envelope->n < json_array_size(array); envelope->n++) {
		r = read_signature(json_array_get(array, envelope->n),
				   &envelope->signatures[envelope->n], err);
		if (r < 0)
			return r;
	}
	qsort(envelope->signatures, envelope->n, sizeof(struct signature), compare_keyids);
	return check_unique(envelope, err);
}

int envelope_open(const void *data, size_t size, struct envelope **ret_envelope, struct error *err)
{
	_cleanup_(envelope_freep) struct envelope *envelope = calloc(1, sizeof(*envelope));
	int r;

	if (!envelope)
		return error_code(err, -ENOMEM, "reading metadata");
	r = jread_parse(data, size, &envelope->whole, err);
	if (r < 0)
		return r;
	r = jread_object(envelope->whole, "signed", &envelope->body, err);
	if (r < 0)
		return r;
	r = read_signatures(envelope, err);
	if (r < 0)
		return r;
	r = canonical_encode(envelope->body, &envelope->bytes, &envelope->size, err);
	if (r < 0)
		return r;
	*ret_envelope = TAKE_PTR(envelope);
	return 0;
}

void envelope_free(struct envelope *envelope)
{
	if (!envelope)
		return;
	json_decref(envelope->whole);
	free(envelope->bytes);
	free(envelope->signatures);
	free(envelope);
}

static const struct signature *find_signature(const struct envelope *envelope, const char *keyid)
{
	const struct signature wanted = { .keyid = keyid };

	return bsearch(&wanted, envelope->signatures, envelope->n, sizeof(wanted), compare_keyids);
}

static bool is_signed_by(const struct envelope *envelope, const struct signers_one *one)
{
	const struct signature *signature = find_signature(envelope, one->keyid);
	_cleanup_free_ unsigned char *sig = NULL;
	size_t size;

	if (!signature || !one->key)
		return false;
	size = strlen(signature->hex) / 2;
	sig = malloc(size + 1);
	return sig && hex_read(signature->hex, sig, size) &&
	       key_verify(one->key, envelope->bytes, envelope->size, sig, size);
}

/* Was the key of this one counted before, under another id? */
static bool is_counted(const struct signers *signers, const bool *good, size_t one)
{
	for (size_t i = 0; i < one; i++)
		if (good[i] && key_equal(signers->list[i].key, signers->list[one].key))
			return true;
	return false;
}

int envelope_verify(const struct envelope *envelope, const struct signers *signers,
		    struct error *err)
{
	bool good[SIGNERS_MAX] = {};
	uint64_t count = 0;

	for (size_t i = 0; i < signers->n && count < signers->threshold; i++) {
		good[i] = is_signed_by(envelope, &signers->list[i]);
		if (good[i] && !is_counted(signers, good, i))
			count++;
	}
	if (count < signers->threshold)
		return error_set(err, FAULT_UNTRUSTED,
				 "signed by %ju of the %ju different keys that it takes%s",
				 (uintmax_t)count, (uintmax_t)signers->threshold,
				 count == 0 && signers->hint ? signers->hint : "");
	return 0;
}

const json_t *envelope_body(const struct envelope *envelope)
{
	return envelope->body;
}

int envelope_read(const void *data, size_t size, const struct signers *signers, json_t **ret_body,
		  struct error *err)
{
	_cleanup_(envelope_freep) struct envelope *envelope = NULL;
	int r = envelope_open(data, size, &envelope, err);

	if (r < 0)
		return r;
	assert(envelope);
	r = envelope_verify(envelope, signers, err);
	if (r < 0)
		return r;
	*ret_body = json_incref(envelope->body);
	return 0;
}
