#include "publish/document.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "publish/public.h"
#include "trust/canonical.h"
#include "trust/expiry.h"

int document_new_consume(json_t *body, json_t **ret_document, struct error *err)
{
	json_t *document = body ? json_pack("{so s[]}", "signed", body, "signatures") : NULL;

	if (!document)
		return error_code(err, -ENOMEM, "making metadata");
	*ret_document = document;
	return 0;
}

static int check_signatures(const json_t *list, struct error *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *text;
		int r = jread_string(one, "keyid", &text, err);

		if (r == 0)
			r = jread_string(one, "sig", &text, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int document_parse(const void *data, size_t size, json_t **ret_document, struct error *err)
{
	_cleanup_(jread_freep) json_t *document = NULL;
	json_t *body;
	json_t *list;
	int r = jread_parse(data, size, &document, err);

	if (r == 0)
		r = jread_object(document, "signed", &body, err);
	if (r == 0)
		r = jread_array(document, "signatures", &list, err);
	if (r == 0)
		r = check_signatures(list, err);
	if (r == 0)
		*ret_document = TAKE_PTR(document);
	return r;
}

json_t *document_body(const json_t *document)
{
	return json_object_get(document, "signed");
}

const char *document_type(const json_t *document)
{
	const char *type = json_string_value(json_object_get(document_body(document), "_type"));

	return type ? type : "";
}

uint64_t document_version(const json_t *document)
{
	json_int_t version =
		json_integer_value(json_object_get(document_body(document), "version"));

	return version > 0 ? (uint64_t)version : 0;
}

uint64_t document_expires(const json_t *document)
{
	const char *text = json_string_value(json_object_get(document_body(document), "expires"));
	uint64_t expires;

	return text && expiry_parse(text, &expires, NULL) == 0 ? expires : 0;
}

/* ---- signatures ---- */

static json_t *signatures(const json_t *document)
{
	return json_object_get(document, "signatures");
}

static const char *id_of(const json_t *signature)
{
	const char *id = json_string_value(json_object_get(signature, "keyid"));

	return id ? id : "";
}

size_t document_count_signatures(const json_t *document)
{
	return json_array_size(signatures(document));
}

bool document_has_signature(const json_t *document, const char *keyid)
{
	const json_t *list = signatures(document);

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(id_of(json_array_get(list, i)), keyid) == 0)
			return true;
	return false;
}

/* In order of key id, so that who signed first does not matter. */
static int insert(json_t *document, json_t *signature, struct error *err)
{
	json_t *list = signatures(document);
	size_t i = 0;

	while (i < json_array_size(list) &&
	       strcmp(id_of(json_array_get(list, i)), id_of(signature)) < 0)
		i++;
	if (i < json_array_size(list) &&
	    strcmp(id_of(json_array_get(list, i)), id_of(signature)) == 0)
		(void)json_array_remove(list, i);
	return json_array_insert(list, i, signature) < 0 ? error_code(err, -ENOMEM, "signing") : 0;
}

int document_sign(json_t *document, EVP_PKEY *pkey, char ret_id[static DIGEST_HEX_MAX],
		  struct error *err)
{
	_cleanup_(jread_freep) json_t *key = NULL;
	_cleanup_(jread_freep) json_t *signature = NULL;
	_cleanup_free_ char *bytes = NULL;
	_cleanup_free_ char *hex = NULL;
	size_t size;
	int r = public_of(pkey, &key, err);

	if (r == 0)
		r = public_id(key, ret_id, err);
	if (r == 0)
		r = canonical_encode(document_body(document), &bytes, &size, err);
	if (r == 0)
		r = public_sign(pkey, bytes, size, &hex, err);
	if (r < 0)
		return r;
	signature = json_pack("{ss ss}", "keyid", ret_id, "sig", hex);
	return signature ? insert(document, signature, err) : error_code(err, -ENOMEM, "signing");
}

int document_merge(json_t *document, const json_t *other, struct error *err)
{
	const json_t *list = signatures(other);

	if (!json_equal(document_body(document), document_body(other)))
		return error_set(err, FAULT_UNTRUSTED,
				 "it is not what was handed out for signing (another version, or "
				 "changed)");
	for (size_t i = 0; i < json_array_size(list); i++) {
		int r = insert(document, json_array_get(list, i), err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- bytes ---- */

int document_encode(json_t *document, char **ret_data, size_t *ret_size, struct error *err)
{
	_cleanup_free_ char *line = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	struct text text = {};
	char *data;

	if (!line)
		return error_code(err, -ENOMEM, "writing metadata");
	text_add(&text, "%s\n", line);
	*ret_size = text.size;
	data = text_take(&text);
	if (!data)
		return error_code(err, -ENOMEM, "writing metadata");
	*ret_data = data;
	return 0;
}

char *document_time(uint64_t realtime_usec, char ret_text[static DOCUMENT_EXPIRES_MAX])
{
	time_t seconds = (time_t)(realtime_usec / USEC_PER_SEC);
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(ret_text, DOCUMENT_EXPIRES_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return ret_text;
}
