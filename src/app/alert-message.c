/*
 *     {
 *       "specversion": "1.0", "id": UUID, "source": "//HOST/flipslot/APP",
 *       "type": "flipslot.outcome.rolled-back", "subject": APP, "time": RFC 3339,
 *       "datacontenttype": "application/json",
 *       "data": { "app", "host", "outcome", "fault", "reason", "verb", "from_version", "to_version",
 *                 "transaction", "dropped" }
 *     }
 */
#include "app/alert-message.h"

#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define SECRET_PREFIX "whsec_"
#define SECRET_MAX    1024

static bool is_test(const struct outbox_entry *entry)
{
	return !entry->late && !entry->damaged && entry->outcome == OUTCOME_NONE;
}

char *alert_message_type(const struct outbox_entry *entry, char ret_type[static 64])
{
	if (is_test(entry))
		(void)snprintf(ret_type, 64, "flipslot.test");
	else if (entry->damaged)
		(void)snprintf(ret_type, 64, "flipslot.damaged-slot");
	else if (entry->late)
		(void)snprintf(ret_type, 64, "flipslot.late-failure");
	else
		(void)snprintf(ret_type, 64, "flipslot.outcome.%s", outcome_name(entry->outcome));
	return ret_type;
}

/* What is not valid UTF-8 is escaped; an empty text is null. */
static void put(json_t *object, const char *key, const char *text)
{
	char safe[ALERT_MESSAGE_TEXT_MAX];

	if (!text[0])
		(void)json_object_set_new(object, key, json_null());
	else if (json_object_set_new(object, key, json_string(text)) < 0)
		(void)json_object_set_new(
			object, key,
			json_string(text_escape(text, strlen(text), safe, sizeof(safe))));
}

static json_t *make_data(const char *app, const char *host, const struct outbox_entry *entry)
{
	json_t *data = json_object();

	put(data, "app", app);
	put(data, "host", host);
	put(data, "outcome", entry->outcome == OUTCOME_NONE ? "" : outcome_name(entry->outcome));
	put(data, "fault", entry->fault == FAULT_NONE ? "" : fault_name(entry->fault));
	put(data, "reason", entry->reason);
	put(data, "verb", entry->verb == VERB_NONE ? "" : verb_name(entry->verb));
	put(data, "from_version", entry->from_version);
	put(data, "to_version", entry->to_version);
	put(data, "transaction", entry->transaction);
	(void)json_object_set_new(data, "dropped", json_integer(entry->dropped));
	return data;
}

int alert_message_json(const char *app, const char *host, const struct outbox_entry *entry,
		       char **ret_json, struct error *err)
{
	json_t *event = json_object();
	char when[CLOCK_TEXT_MAX];
	char type[64], source[512];
	char *json;

	(void)snprintf(source, sizeof(source), "//%s/flipslot/%s", host, app);
	put(event, "specversion", "1.0");
	put(event, "id", entry->id);
	put(event, "source", source);
	put(event, "type", alert_message_type(entry, type));
	put(event, "subject", app);
	put(event, "time", clock_format(entry->created, when));
	put(event, "datacontenttype", "application/json");
	(void)json_object_set_new(event, "data", make_data(app, host, entry));
	json = json_dumps(event, JSON_COMPACT);
	json_decref(event);
	if (!json)
		return error_set(err, FAULT_INTERNAL, "no memory for the event");
	*ret_json = json;
	return 0;
}

/* The versions, as far as they are known. */
static const char *or_unknown(const char *version)
{
	return version[0] ? version : "?";
}

static void describe(const struct outbox_entry *entry, char *ret_text, size_t room)
{
	const char *from = or_unknown(entry->from_version);
	const char *to = or_unknown(entry->to_version);

	if (is_test(entry))
		(void)snprintf(ret_text, room, "a test: alerts arrive here");
	else if (entry->damaged)
		(void)snprintf(ret_text, room, "%s is damaged on the disk", to);
	else if (entry->late)
		(void)snprintf(ret_text, room, "the service failed, running %s", to);
	else if (entry->outcome == OUTCOME_COMMITTED)
		(void)snprintf(ret_text, room, "%s is installed", to);
	else if (entry->outcome == OUTCOME_ROLLED_BACK)
		(void)snprintf(ret_text, room, "%s was rolled back to %s", to, from);
	else
		(void)snprintf(ret_text, room, "%s to %s: %s", verb_name(entry->verb), to,
			       outcome_name(entry->outcome));
}

char *alert_message_title(const char *app, const char *host, const struct outbox_entry *entry,
			  char ret_title[static ALERT_MESSAGE_TEXT_MAX])
{
	char what[512];

	describe(entry, what, sizeof(what));
	(void)snprintf(ret_title, ALERT_MESSAGE_TEXT_MAX, "%s on %s: %s", app, host, what);
	for (char *c = ret_title; *c; c++) /* it is the value of a header */
		if (*c < ' ' || *c > '~')
			*c = '?';
	return ret_title;
}

char *alert_message_text(const struct outbox_entry *entry,
			 char ret_text[static ALERT_MESSAGE_TEXT_MAX])
{
	char safe[2 * STATE_REASON_MAX];
	char when[CLOCK_TEXT_MAX];
	char what[512];
	int n;

	describe(entry, what, sizeof(what));
	n = snprintf(ret_text, ALERT_MESSAGE_TEXT_MAX, "%s\n%s%s%s%s%s",
		     entry->reason[0] ?
			     text_escape(entry->reason, strlen(entry->reason), safe, sizeof(safe)) :
			     what,
		     clock_format(entry->created, when), entry->transaction[0] ? ", " : "",
		     entry->transaction, entry->fault == FAULT_NONE ? "" : ", ",
		     entry->fault == FAULT_NONE ? "" : fault_name(entry->fault));
	if (entry->dropped > 0 && n > 0 && n < ALERT_MESSAGE_TEXT_MAX)
		(void)snprintf(ret_text + n, (size_t)(ALERT_MESSAGE_TEXT_MAX - n),
			       "\n%u alerts before this one were dropped", entry->dropped);
	return ret_text;
}

int alert_message_chat(const char *app, const char *host, const struct outbox_entry *entry,
		       char **ret_json, struct error *err)
{
	char title[ALERT_MESSAGE_TEXT_MAX], more[ALERT_MESSAGE_TEXT_MAX];
	char both[2 * ALERT_MESSAGE_TEXT_MAX];
	json_t *object = json_object();
	char *json;

	(void)snprintf(both, sizeof(both), "%s\n%s", alert_message_title(app, host, entry, title),
		       alert_message_text(entry, more));
	(void)json_object_set_new(object, "text", json_string(both));
	json = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!json)
		return error_set(err, FAULT_INTERNAL, "no memory for the message");
	*ret_json = json;
	return 0;
}

/* The bytes of the key. */
static int read_secret(const char *secret, uint8_t ret_key[static SECRET_MAX], size_t *ret_size,
		       struct error *err)
{
	size_t size = strlen(secret);
	int n;

	if (size == 0 || size >= SECRET_MAX)
		return error_set(err, FAULT_CONFIG, "the secret of the webhook is %s",
				 size == 0 ? "empty" : "too long");
	if (strncmp(secret, SECRET_PREFIX, strlen(SECRET_PREFIX)) != 0) {
		memcpy(ret_key, secret, size + 1);
		*ret_size = size;
		return 0;
	}
	secret += strlen(SECRET_PREFIX);
	size -= strlen(SECRET_PREFIX);
	n = size > 0 && size % 4 == 0 ?
		    EVP_DecodeBlock(ret_key, (const uint8_t *)secret, (int)size) :
		    -1;
	for (size_t i = size; n > 0 && i > 0 && secret[i - 1] == '='; i--)
		n--;
	if (n <= 0)
		return error_set(err, FAULT_CONFIG,
				 "the secret of the webhook is not base64 behind " SECRET_PREFIX);
	*ret_size = (size_t)n;
	return 0;
}

int alert_message_sign(const char *secret, const char *id, uint64_t timestamp_sec, const char *body,
		       char ret_signature[static ALERT_MESSAGE_SIGNATURE_MAX], struct error *err)
{
	uint8_t key[SECRET_MAX], mac[EVP_MAX_MD_SIZE], encoded[2 * EVP_MAX_MD_SIZE];
	_cleanup_text_ struct text text = {};
	unsigned int mac_size = 0;
	size_t size = 0;
	int r = read_secret(secret, key, &size, err);

	if (r < 0)
		return r;
	text_add(&text, "%s.%" PRIu64 ".%s", id, timestamp_sec, body);
	r = text_check(&text, err);
	if (r == 0 && !HMAC(EVP_sha256(), key, (int)size, (const uint8_t *)text.data, text.size,
			    mac, &mac_size))
		r = error_set(err, FAULT_INTERNAL, "the message could not be signed");
	explicit_bzero(key, sizeof(key));
	if (r < 0)
		return r;
	(void)EVP_EncodeBlock(encoded, mac, (int)mac_size);
	(void)snprintf(ret_signature, ALERT_MESSAGE_SIGNATURE_MAX, "v1,%.60s",
		       (const char *)encoded);
	return 0;
}
