/*
 * An alert in the forms that receivers know: CloudEvents 1.0 (structured JSON), a sentence for people, and the
 * signature of Standard Webhooks 1.0.
 */
#pragma once

#include "store/outbox.h"

#define ALERT_MESSAGE_TEXT_MAX	    1024
#define ALERT_MESSAGE_SIGNATURE_MAX 64

/* "flipslot.outcome.rolled-back", "flipslot.late-failure", "flipslot.test" (no outcome). Returns ret_type. */
char *alert_message_type(const struct outbox_entry *entry, char ret_type[static 64]);

/* *ret_json is malloc'ed; the same for each attempt. */
int alert_message_json(const char *app, const char *host, const struct outbox_entry *entry,
		       char **ret_json, struct error *err);

/* "gateway on box7: 1.1 was rolled back to 1.0"; ASCII, one line. */
char *alert_message_title(const char *app, const char *host, const struct outbox_entry *entry,
			  char ret_title[static ALERT_MESSAGE_TEXT_MAX]);

/* What is known beyond the title, one line or several. */
char *alert_message_text(const struct outbox_entry *entry,
			 char ret_text[static ALERT_MESSAGE_TEXT_MAX]);

/* {"text": title and text}, as Slack, Mattermost and their kin take it; *ret_json is malloc'ed. */
int alert_message_chat(const char *app, const char *host, const struct outbox_entry *entry,
		       char **ret_json, struct error *err);

/*
 * "v1,BASE64" over "id.timestamp.body". The secret is whsec_BASE64, or a text as it is. FAULT_CONFIG: it is
 * empty, or not base64.
 */
int alert_message_sign(const char *secret, const char *id, uint64_t timestamp_sec, const char *body,
		       char ret_signature[static ALERT_MESSAGE_SIGNATURE_MAX], struct error *err);
