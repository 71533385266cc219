/* What a receiver of alerts gets: docs/ALERTS.md, CloudEvents 1.0, Standard Webhooks 1.0. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/alert-message.h"
#include "base/cleanup.h"

static struct outbox_entry rolled_back(void)
{
	return (struct outbox_entry){
		.id = "5f0c",
		.created = 1763933645 * 1000000ULL,
		.transaction = "5f0c",
		.verb = VERB_UPDATE,
		.outcome = OUTCOME_ROLLED_BACK,
		.fault = FAULT_UNHEALTHY,
		.from_version = "1.0",
		.to_version = "1.1",
		.reason = "probe web failed",
	};
}

static json_t *event_of(const struct outbox_entry *entry)
{
	_cleanup_free_ char *text = NULL;
	struct error err = {};
	json_t *event;

	if (alert_message_json("gateway", "box7", entry, &text, &err) < 0)
		fail_msg("%s", err.text);
	event = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(event);
	return event;
}

static void assert_text(json_t *object, const char *key, const char *wanted)
{
	const char *is = json_string_value(json_object_get(object, key));

	if (!is || strcmp(is, wanted) != 0)
		fail_msg("%s is %s, not %s", key, is ? is : "absent", wanted);
}

/* The attributes that CloudEvents 1.0 requires, and no other name than [a-z0-9]. */
static void test_cloudevent(void **unused)
{
	const struct outbox_entry entry = rolled_back();
	json_t *event = event_of(&entry);
	json_t *data = json_object_get(event, "data");
	const char *key;
	json_t *value;

	(void)unused;
	assert_text(event, "specversion", "1.0");
	assert_text(event, "id", "5f0c");
	assert_text(event, "source", "//box7/flipslot/gateway");
	assert_text(event, "type", "flipslot.outcome.rolled-back");
	assert_text(event, "subject", "gateway");
	assert_text(event, "time", "2025-11-23T21:34:05Z");
	assert_text(event, "datacontenttype", "application/json");
	json_object_foreach(event, key, value)
		assert_int_equal(strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789"), strlen(key));
	assert_text(data, "app", "gateway");
	assert_text(data, "host", "box7");
	assert_text(data, "outcome", "rolled-back");
	assert_text(data, "fault", "unhealthy");
	assert_text(data, "reason", "probe web failed");
	assert_text(data, "verb", "update");
	assert_text(data, "from_version", "1.0");
	assert_text(data, "to_version", "1.1");
	assert_text(data, "transaction", "5f0c");
	assert_int_equal(json_integer_value(json_object_get(data, "dropped")), 0);
	json_decref(event);
}

static void test_types(void **unused)
{
	struct outbox_entry late = { .late = true };
	struct outbox_entry damaged = { .damaged = true };
	struct outbox_entry test = {};
	char type[64];

	(void)unused;
	assert_string_equal(alert_message_type(&late, type), "flipslot.late-failure");
	assert_string_equal(alert_message_type(&damaged, type), "flipslot.damaged-slot");
	assert_string_equal(alert_message_type(&test, type), "flipslot.test");
	for (enum outcome outcome = OUTCOME_COMMITTED; outcome < OUTCOME_MAX; outcome++) {
		const struct outbox_entry entry = { .outcome = outcome };

		(void)alert_message_type(&entry, type);
		assert_int_equal(strncmp(type, "flipslot.outcome.", 17), 0);
		assert_string_equal(type + 17, outcome_name(outcome));
	}
}

static void test_what_is_not_known_is_null(void **unused)
{
	const struct outbox_entry entry = { .id = "x" };
	json_t *event = event_of(&entry);
	json_t *data = json_object_get(event, "data");
	static const char *const keys[] = { "outcome",	    "fault",	  "reason",	"verb",
					    "from_version", "to_version", "transaction" };

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!json_is_null(json_object_get(data, keys[i])))
			fail_msg("%s", keys[i]);
	json_decref(event);
}

/* Bytes of a service's output can be in a reason. */
static void test_hostile_bytes(void **unused)
{
	struct outbox_entry entry = rolled_back();
	char text[ALERT_MESSAGE_TEXT_MAX];
	_cleanup_free_ char *chat = NULL;
	json_t *object;

	(void)unused;
	(void)snprintf(entry.reason, sizeof(entry.reason), "\xff\x1b[31m\r\nX: y");
	(void)snprintf(entry.to_version, sizeof(entry.to_version), "1\r\nEvil: 2\xc3\xa4");
	json_decref(event_of(&entry));
	(void)alert_message_title("gateway", "box7", &entry, text);
	for (const char *c = text; *c; c++)
		assert_in_range(*c, ' ', '~');
	(void)alert_message_text(&entry, text);
	assert_null(strchr(text, '\x1b'));
	assert_null(strchr(text, '\r'));
	assert_int_equal(alert_message_chat("gateway", "box7", &entry, &chat, NULL), 0);
	object = json_loads(chat, 0, NULL);
	assert_non_null(json_string_value(json_object_get(object, "text")));
	json_decref(object);
}

static void assert_title(const struct outbox_entry *entry, const char *wanted)
{
	char title[ALERT_MESSAGE_TEXT_MAX];

	assert_string_equal(alert_message_title("gateway", "box7", entry, title), wanted);
}

static void test_sentences(void **unused)
{
	struct outbox_entry entry = rolled_back();
	const struct outbox_entry test = {};
	char text[ALERT_MESSAGE_TEXT_MAX];
	_cleanup_free_ char *chat = NULL;

	(void)unused;
	assert_title(&entry, "gateway on box7: 1.1 was rolled back to 1.0");
	assert_string_equal(alert_message_text(&entry, text),
			    "probe web failed\n2025-11-23T21:34:05Z, 5f0c, unhealthy");
	assert_int_equal(alert_message_chat("gateway", "box7", &entry, &chat, NULL), 0);
	assert_string_equal(chat, "{\"text\":\"gateway on box7: 1.1 was rolled back to 1.0\\n"
				  "probe web failed\\n2025-11-23T21:34:05Z, 5f0c, unhealthy\"}");
	entry.dropped = 3;
	assert_non_null(strstr(alert_message_text(&entry, text),
			       "\n3 alerts before this one were dropped"));
	entry.outcome = OUTCOME_BOTH_BAD;
	assert_title(&entry, "gateway on box7: update to 1.1: both-bad");
	entry.outcome = OUTCOME_COMMITTED;
	assert_title(&entry, "gateway on box7: 1.1 is installed");
	entry = (struct outbox_entry){ .late = true };
	assert_title(&entry, "gateway on box7: the service failed, running ?");
	assert_title(&test, "gateway on box7: a test: alerts arrive here");
}

/* The vector that the libraries of standardwebhooks.com test with. */
static void test_signature(void **unused)
{
	char signature[ALERT_MESSAGE_SIGNATURE_MAX];
	struct error err = {};

	(void)unused;
	assert_int_equal(alert_message_sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
					    "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
					    "{\"test\": 2432232314}", signature, &err),
			 0);
	assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	/* printf 'i.1.b' | openssl dgst -sha256 -hmac secret -binary | base64 */
	assert_int_equal(alert_message_sign("secret", "i", 1, "b", signature, &err), 0);
	assert_string_equal(signature, "v1,8vmNJK5SywkOmDAztxd4N5cg/jNAt/x7q7lTGLR/vwg=");
}

static void test_secrets_that_are_none(void **unused)
{
	static const char *const wrong[] = { "", "whsec_", "whsec_abc", "whsec_????",
					     "whsec_====" };
	char signature[ALERT_MESSAGE_SIGNATURE_MAX];
	char long_one[2048] = "";

	(void)unused;
	memset(long_one, 'x', sizeof(long_one) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = {};

		if (alert_message_sign(wrong[i], "i", 1, "b", signature, &err) >= 0)
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_int_equal(err.fault, FAULT_CONFIG);
	}
	assert_true(alert_message_sign(long_one, "i", 1, "b", signature, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cloudevent),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_what_is_not_known_is_null),
		cmocka_unit_test(test_hostile_bytes),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_secrets_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
