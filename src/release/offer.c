#include "release/offer.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"
#include "release/jmember.h"
#include "release/offer-blobs.h"
#include "release/requires.h"

#define FORMAT "flipslot-offer 1"

static void json_freep(json_t **json)
{
	json_decref(*json);
}

void offer_free(struct offer *offer)
{
	if (!offer)
		return;
	free(offer->pieces);
	free(offer);
}

/* Channels and machines: they become parts of paths. */
static bool is_name(const char *text)
{
	size_t size = strnlen(text, OFFER_NAME_MAX);

	return size > 0 && size < OFFER_NAME_MAX && text[0] != '.' && text[0] != '-' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == size;
}

/* One line that can be shown as it is. */
static bool is_printable(const char *text, size_t room)
{
	char shown[sizeof(((struct offer_withdrawn *)NULL)->why)];
	size_t size = strnlen(text, room);

	return size < room && strcmp(text_escape(text, size, shown, sizeof(shown)), text) == 0;
}

/* ---- what both ways have in common: which key is wrong, NULL if none ---- */

static const char *find_wrong_number(const struct offer *offer)
{
	if (offer->sequence == 0 || offer->sequence > INT64_MAX)
		return "sequence";
	if (offer->min_sequence > offer->sequence)
		return "min_sequence";
	if (offer->epoch > INT64_MAX)
		return "epoch";
	if (offer->requires.from > INT64_MAX || offer->requires.memory > INT64_MAX)
		return "requires";
	if (offer->bytes > INT64_MAX)
		return "bytes";
	if (offer->files > INT64_MAX)
		return "files";
	if (offer->full_length == 0 || offer->full_length > OFFER_FULL_MAX)
		return "length";
	return offer->n_pieces == offer_blobs_count_pieces(offer->full_length) ? NULL : "pieces";
}

static const char *find_wrong_withdrawn(const struct offer *offer)
{
	if (offer->n_withdrawn > OFFER_WITHDRAWN_MAX)
		return "withdrawn";
	for (size_t i = 0; i < offer->n_withdrawn; i++) {
		const struct offer_withdrawn *w = &offer->withdrawn[i];

		if (digest_is_null(&w->index))
			return "withdrawn index";
		if (w->sequence == 0 || w->sequence > INT64_MAX)
			return "withdrawn sequence";
		if (!is_printable(w->why, sizeof(w->why)))
			return "withdrawn why";
	}
	return NULL;
}

static const char *find_wrong(const struct offer *offer)
{
	const char *key;

	if (!parse_is_app_name(offer->app))
		return "app";
	if (!is_name(offer->channel))
		return "channel";
	if (!is_name(offer->arch))
		return "arch";
	if (!descriptor_is_version(offer->version))
		return "version";
	if (digest_is_null(&offer->index))
		return "index";
	if (digest_is_null(&offer->full))
		return "sha256";
	key = find_wrong_number(offer);
	if (!key)
		key = offer_blobs_find_wrong(offer);
	return key ? key : find_wrong_withdrawn(offer);
}

/* ---- encoding ---- */

static json_t *make_withdrawn(const struct offer *offer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < offer->n_withdrawn; i++) {
		const struct offer_withdrawn *w = &offer->withdrawn[i];
		json_t *one = json_pack("{so sI ss}", "index", offer_blobs_digest(&w->index),
					"sequence", (json_int_t)w->sequence, "why", w->why);

		if (json_array_append_new(list, one) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *make(const struct offer *offer)
{
	json_t *object = json_pack("{ss ss so sI ss sI sI ss so sI so sI ss so}", "app", offer->app,
				   "arch", offer->arch, "blobs", offer_blobs_make(offer), "bytes",
				   (json_int_t)offer->bytes, "channel", offer->channel, "epoch",
				   (json_int_t)offer->epoch, "files", (json_int_t)offer->files,
				   "format", FORMAT, "index", offer_blobs_digest(&offer->index),
				   "min_sequence", (json_int_t)offer->min_sequence, "requires",
				   requires_make(&offer->requires), "sequence",
				   (json_int_t)offer->sequence, "version", offer->version,
				   "withdrawn", make_withdrawn(offer));

	if (object && jmember_add_command(object, "check", &offer->check) < 0)
		json_decref(TAKE_PTR(object));
	return object;
}

int offer_encode(const struct offer *offer, char **ret_json, size_t *ret_size, struct error *err)
{
	const char *wrong = find_wrong(offer);
	_cleanup_(json_freep) json_t *object = NULL;
	_cleanup_free_ char *line = NULL;
	_cleanup_text_ struct text text = {};

	if (wrong)
		return error_set(err, FAULT_CONFIG, "the offer would have no valid \"%s\"", wrong);
	object = make(offer);
	line = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (!line)
		return error_set(err, FAULT_INTERNAL, "the offer cannot be written as JSON");
	text_add(&text, "%s\n", line);
	if (text.size > OFFER_MAX)
		return error_set(err, FAULT_NO_SPACE, "the offer would have more than %d bytes",
				 OFFER_MAX);
	*ret_size = text.size;
	*ret_json = text_take(&text);
	return *ret_json ? 0 : error_code(err, -ENOMEM, "the offer");
}

/* ---- decoding ---- */

static int get_digest(const json_t *object, const char *key, struct digest *ret_digest,
		      struct error *err)
{
	return jmember_digest(json_object_get(object, key), key, ret_digest, err);
}

static int get_names(const json_t *object, struct offer *offer, struct error *err)
{
	char format[32] = "";
	int r = jmember_text(object, "format", format, sizeof(format), err);

	if (r == 0 && strcmp(format, FORMAT) != 0)
		return jmember_refuse("format", err);
	if (r == 0)
		r = jmember_text(object, "app", offer->app, sizeof(offer->app), err);
	if (r == 0)
		r = jmember_text(object, "channel", offer->channel, sizeof(offer->channel), err);
	if (r == 0)
		r = jmember_text(object, "arch", offer->arch, sizeof(offer->arch), err);
	if (r == 0)
		r = jmember_text(object, "version", offer->version, sizeof(offer->version), err);
	return r;
}

static int get_numbers(const json_t *object, struct offer *offer, struct error *err)
{
	int r = jmember_number(object, "sequence", &offer->sequence, err);

	if (r == 0)
		r = jmember_number(object, "min_sequence", &offer->min_sequence, err);
	if (r == 0)
		r = jmember_number(object, "epoch", &offer->epoch, err);
	if (r == 0)
		r = jmember_number(object, "bytes", &offer->bytes, err);
	if (r == 0)
		r = jmember_number(object, "files", &offer->files, err);
	return r;
}

/* Each of a list of min to max, which get adds to the offer. */
static int get_withdrawn(const json_t *object, struct offer *offer, struct error *err)
{
	struct offer_withdrawn *withdrawn = &offer->withdrawn[offer->n_withdrawn++];
	int r = get_digest(object, "index", &withdrawn->index, err);

	if (r == 0)
		r = jmember_number(object, "sequence", &withdrawn->sequence, err);
	if (r == 0)
		r = jmember_text(object, "why", withdrawn->why, sizeof(withdrawn->why), err);
	return r < 0 ? error_prefix(err, r, "withdrawn") : 0;
}

static int get_all(const json_t *object, struct offer *offer, struct error *err)
{
	const char *wrong;
	int r = get_names(object, offer, err);

	if (r == 0)
		r = get_numbers(object, offer, err);
	if (r == 0)
		r = get_digest(object, "index", &offer->index, err);
	if (r == 0)
		r = offer_blobs_get(object, offer, err);
	if (r == 0)
		r = requires_read(json_object_get(object, "requires"), &offer->requires, err);
	if (r == 0)
		r = jmember_command(object, "check", &offer->check, err);
	if (r == 0)
		r = offer_blobs_each(json_object_get(object, "withdrawn"), 0, OFFER_WITHDRAWN_MAX,
				     "withdrawn", get_withdrawn, offer, err);
	if (r < 0)
		return r;
	wrong = find_wrong(offer);
	return wrong ? jmember_refuse(wrong, err) : 0;
}

static int parse(const void *json, size_t size, json_t **ret_object, struct error *err)
{
	char shown[96];
	json_error_t why;

	if (size > OFFER_MAX)
		return error_set(err, FAULT_CORRUPT, "the offer has more than %d bytes", OFFER_MAX);
	*ret_object = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
	if (!*ret_object)
		return error_set(err, FAULT_CORRUPT, "the offer is not JSON: %s",
				 text_escape(why.text, strlen(why.text), shown, sizeof(shown)));
	return 0;
}

int offer_decode(const void *json, size_t size, struct offer **ret_offer, struct error *err)
{
	_cleanup_(json_freep) json_t *object = NULL;
	_cleanup_(offer_freep) struct offer *offer = NULL;
	int r = parse(json, size, &object, err);

	if (r < 0)
		return r;
	offer = calloc(1, sizeof(*offer));
	if (!offer)
		return error_errno(err, "reading the offer");
	r = get_all(object, offer, err);
	if (r < 0)
		return error_prefix(err, r, "the offer");
	*ret_offer = TAKE_PTR(offer);
	return 0;
}

/* ---- use ---- */

int offer_path(const char *app, const char *channel, const char *arch, char *ret_path, size_t room,
	       struct error *err)
{
	char shown[96];
	int n;

	if (!parse_is_app_name(app))
		return error_set(err, FAULT_CONFIG, "\"%s\" is no name of an app",
				 text_escape(app, strlen(app), shown, sizeof(shown)));
	if (!is_name(channel))
		return error_set(err, FAULT_CONFIG, "\"%s\" is no name of a channel",
				 text_escape(channel, strlen(channel), shown, sizeof(shown)));
	if (!is_name(arch))
		return error_set(err, FAULT_CONFIG, "\"%s\" is no name of a machine",
				 text_escape(arch, strlen(arch), shown, sizeof(shown)));
	n = snprintf(ret_path, room, "%s/%s/%s.json", app, channel, arch);
	if (n < 0 || (size_t)n >= room)
		return error_set(err, FAULT_INTERNAL, "%s/%s/%s.json is too long", app, channel,
				 arch);
	return 0;
}

const struct offer_bundle *offer_find_bundle(const struct offer *offer, const struct digest *from)
{
	for (size_t i = 0; i < offer->n_bundles; i++)
		if (digest_equal(&offer->bundles[i].from, from))
			return &offer->bundles[i];
	return NULL;
}

const struct offer_bundle *offer_find_update(const struct offer *offer, const struct digest *from)
{
	const struct offer_near *near = &offer->near;
	const struct offer_bundle *bundle = offer_find_bundle(offer, from);

	for (size_t i = 0; !bundle && i < near->n_from; i++)
		if (digest_equal(&near->from[i], from))
			bundle = &near->bundle;
	return bundle;
}

const struct offer_withdrawn *offer_find_withdrawn(const struct offer *offer,
						   const struct digest *index)
{
	for (size_t i = 0; i < offer->n_withdrawn; i++)
		if (digest_equal(&offer->withdrawn[i].index, index))
			return &offer->withdrawn[i];
	return NULL;
}
