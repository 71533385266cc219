#include "release/descriptor.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"
#include "release/jmember.h"

static const char *const origins[ORIGIN_MAX] = {
	[ORIGIN_SIDELOAD] = "sideload", [ORIGIN_TRUST_ME] = "trust-me",
	[ORIGIN_ADOPTED] = "adopted",	[ORIGIN_SIGNED] = "signed",
	[ORIGIN_MINISIGN] = "minisign", [ORIGIN_TARGET] = "target",
};

const char *descriptor_origin_name(enum origin origin)
{
	return origins[origin];
}

char *descriptor_origin_text(const struct descriptor *descriptor,
			     char ret_text[static DESCRIPTOR_ORIGIN_MAX])
{
	(void)snprintf(ret_text, DESCRIPTOR_ORIGIN_MAX, "%s%s%s",
		       descriptor_origin_name(descriptor->origin), descriptor->signer[0] ? " " : "",
		       descriptor->signer);
	return ret_text;
}

/* What text_escape leaves alone is printable; it is that long only if nothing was escaped. */
bool descriptor_is_version(const char *text)
{
	size_t size = strnlen(text, DESCRIPTOR_VERSION_MAX);
	char shown[DESCRIPTOR_VERSION_MAX];

	if (size == 0 || size == DESCRIPTOR_VERSION_MAX || strpbrk(text, " /"))
		return false;
	return strcmp(text_escape(text, size, shown, sizeof(shown)), text) == 0;
}

static const char *hex_or_empty(const struct digest *digest, char ret_hex[static DIGEST_HEX_MAX])
{
	return digest_is_null(digest) ? "" : digest_to_hex(digest, ret_hex);
}

/* None is left away. < 0: no memory. */
static int add_blocks(json_t *object, const struct descriptor_blocks *blocks)
{
	char head[DIGEST_HEX_MAX];
	char blob[DIGEST_HEX_MAX];

	if (digest_is_null(&blocks->blob))
		return 0;
	return json_object_set_new(object, "blocks",
				   json_pack("{sI ss sI ss}", "head", (json_int_t)blocks->head,
					     "head_sha256",
					     digest_to_hex(&blocks->head_digest, head), "length",
					     (json_int_t)blocks->length, "sha256",
					     digest_to_hex(&blocks->blob, blob)));
}

int descriptor_encode(const struct descriptor *descriptor, char **ret_json, struct error *err)
{
	_cleanup_text_ struct text text = {};
	_cleanup_free_ char *line = NULL;
	char source[DIGEST_HEX_MAX];
	char index[DIGEST_HEX_MAX];
	json_t *object;

	if ((descriptor->sequence | descriptor->epoch | descriptor->bytes | descriptor->files |
	     descriptor->installed | descriptor->blocks.head | descriptor->blocks.length) >
	    INT64_MAX)
		return error_set(err, FAULT_INTERNAL, "a number in the descriptor is too large");
	object = json_pack("{ss ss sI ss ss ss sI sI sI}", "app", descriptor->app, "version",
			   descriptor->version, "sequence", (json_int_t)descriptor->sequence,
			   "origin", descriptor_origin_name(descriptor->origin), "source",
			   hex_or_empty(&descriptor->source, source), "index",
			   hex_or_empty(&descriptor->index, index), "bytes",
			   (json_int_t)descriptor->bytes, "files", (json_int_t)descriptor->files,
			   "installed", (json_int_t)descriptor->installed);
	if (object && descriptor->signer[0] &&
	    json_object_set_new(object, "signer", json_string(descriptor->signer)) < 0)
		json_decref(TAKE_PTR(object));
	if (object && !digest_is_null(&descriptor->promised) &&
	    json_object_set_new(object, "promised",
				json_string(digest_to_hex(&descriptor->promised, source))) < 0)
		json_decref(TAKE_PTR(object));
	if (object && add_blocks(object, &descriptor->blocks) < 0)
		json_decref(TAKE_PTR(object));
	if (object && descriptor->epoch > 0 &&
	    json_object_set_new(object, "epoch", json_integer((json_int_t)descriptor->epoch)) < 0)
		json_decref(TAKE_PTR(object));
	if (object && jmember_add_command(object, "check", &descriptor->check) < 0)
		json_decref(TAKE_PTR(object));
	line = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!line)
		return error_set(err, FAULT_INTERNAL, "the descriptor cannot be written as JSON");
	text_add(&text, "%s\n", line);
	*ret_json = text_take(&text);
	return *ret_json ? 0 : error_code(err, -ENOMEM, "the descriptor");
}

/* ---- decoding ---- */

/* "" stands for none. */
static int get_digest(const json_t *object, const char *key, struct digest *ret_digest,
		      struct error *err)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) && json_string_length(value) == 0 ?
		       0 :
		       jmember_digest(value, key, ret_digest, err);
}

static int get_origin(const json_t *object, enum origin *ret_origin, struct error *err)
{
	char name[16];
	int r = jmember_text(object, "origin", name, sizeof(name), err);

	if (r < 0)
		return r;
	for (enum origin origin = 0; origin < ORIGIN_MAX; origin++)
		if (strcmp(origins[origin], name) == 0) {
			*ret_origin = origin;
			return 0;
		}
	return jmember_refuse("origin", err);
}

/* Only a minisign key has an id to be named by. */
static int get_signer(const json_t *object, struct descriptor *d, struct error *err)
{
	int r;

	if (d->origin != ORIGIN_MINISIGN)
		return json_object_get(object, "signer") ? jmember_refuse("signer", err) : 0;
	r = jmember_text(object, "signer", d->signer, sizeof(d->signer), err);
	if (r < 0)
		return r;
	return strspn(d->signer, "0123456789ABCDEF") == DESCRIPTOR_SIGNER_MAX - 1 ?
		       0 :
		       jmember_refuse("signer", err);
}

static int get_promised(const json_t *object, struct descriptor *d, struct error *err)
{
	int r;

	if (d->origin != ORIGIN_TARGET)
		return json_object_get(object, "promised") ? jmember_refuse("promised", err) : 0;
	r = get_digest(object, "promised", &d->promised, err);
	return r == 0 && digest_is_null(&d->promised) ? jmember_refuse("promised", err) : r;
}

/* It may be missing. */
static int get_blocks(const json_t *object, struct descriptor *d, struct error *err)
{
	const json_t *blocks = json_object_get(object, "blocks");
	int r;

	if (!blocks)
		return 0;
	if (d->origin != ORIGIN_SIGNED)
		return jmember_refuse("blocks", err);
	r = jmember_digest(json_object_get(blocks, "sha256"), "sha256", &d->blocks.blob, err);
	if (r == 0)
		r = jmember_number(blocks, "length", &d->blocks.length, err);
	if (r == 0)
		r = jmember_digest(json_object_get(blocks, "head_sha256"), "head_sha256",
				   &d->blocks.head_digest, err);
	if (r == 0)
		r = jmember_number(blocks, "head", &d->blocks.head, err);
	if (r == 0 && (d->blocks.head == 0 || d->blocks.head > d->blocks.length ||
		       digest_is_null(&d->blocks.blob)))
		r = jmember_refuse("head", err);
	return r < 0 ? error_prefix(err, r, "\"blocks\"") : 0;
}

static int get_names(const json_t *object, struct descriptor *d, struct error *err)
{
	int r = jmember_text(object, "app", d->app, sizeof(d->app), err);

	if (r < 0)
		return r;
	if (!parse_is_app_name(d->app))
		return jmember_refuse("app", err);
	r = jmember_text(object, "version", d->version, sizeof(d->version), err);
	if (r < 0)
		return r;
	return descriptor_is_version(d->version) ? 0 : jmember_refuse("version", err);
}

static int get_all(const json_t *object, struct descriptor *d, struct error *err)
{
	int r = get_names(object, d, err);

	if (r == 0)
		r = jmember_number(object, "sequence", &d->sequence, err);
	if (r == 0)
		r = get_origin(object, &d->origin, err);
	if (r == 0)
		r = get_signer(object, d, err);
	if (r == 0)
		r = get_promised(object, d, err);
	if (r == 0)
		r = get_blocks(object, d, err);
	if (r == 0)
		r = get_digest(object, "source", &d->source, err);
	if (r == 0)
		r = get_digest(object, "index", &d->index, err);
	if (r == 0)
		r = jmember_number(object, "bytes", &d->bytes, err);
	if (r == 0)
		r = jmember_number(object, "files", &d->files, err);
	if (r == 0)
		r = jmember_number(object, "installed", &d->installed, err);
	if (r == 0 && json_object_get(object, "epoch"))
		r = jmember_number(object, "epoch", &d->epoch, err);
	if (r == 0)
		r = jmember_command(object, "check", &d->check, err);
	return r;
}

int descriptor_decode(const char *json, size_t size, struct descriptor *ret_descriptor,
		      struct error *err)
{
	struct descriptor descriptor = {};
	char shown[96];
	json_error_t why;
	json_t *object;
	int r;

	if (size > DESCRIPTOR_MAX)
		return error_set(err, FAULT_CORRUPT, "the descriptor has more than %d bytes",
				 DESCRIPTOR_MAX);
	object = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
	if (!object)
		return error_set(err, FAULT_CORRUPT, "the descriptor is not JSON: %s",
				 text_escape(why.text, strlen(why.text), shown, sizeof(shown)));
	r = get_all(object, &descriptor, err);
	json_decref(object);
	if (r < 0)
		return error_prefix(err, r, "the descriptor");
	*ret_descriptor = descriptor;
	return 0;
}
