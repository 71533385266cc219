/*
 * Bringing alerts to their receivers: one at once, or what waits in the outbox.
 */
#pragma once

#include "app/config.h"
#include "store/outbox.h"
#include "transfer/post.h"

#define ALERT_SEND_USER "flipslot-alert" /* whom the child becomes */

/*
 * One attempt. A receiver that does not take it is no error, but ret_answer->delivered is false; a secret that
 * cannot be read is one.
 */
int alert_send_once(const struct config *config, const struct alert_settings *alert,
		    const struct outbox_entry *entry, struct post_answer *ret_answer,
		    struct error *err);

/* How long to wait after so many failed attempts; chance is any number. */
uint64_t alert_send_pause(unsigned int attempts, uint64_t chance);

/*
 * Delivers what waits, each receiver's oldest first, and goes on trying for ALERT_SEND_PATIENCE_USEC; what
 * is left then stays in the outbox for the next tick. Tells each attempt on stdout.
 */
#define ALERT_SEND_PATIENCE_USEC (5 * 60 * 1000000ULL)
int alert_send_all(const struct config *config, int dirfd, struct error *err);
