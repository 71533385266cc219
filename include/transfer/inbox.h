/*
 * What has come for one fetch, on the worker's side, and whether it may: the helper is taken for
 * hostile. No descriptor and no clock.
 *
 * The body goes through a ring of INBOX_WINDOW bytes. The helper may send as much as it has credit for;
 * credit is given as the consumer reads, so that the ring never overflows and a slow consumer holds up
 * only its own fetch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "transfer/fetch-class.h"
#include "transfer/wire.h"

#define INBOX_WINDOW (256 * 1024) /* bytes; the first credit, which goes without saying */

struct inbox;

/* range_length 0: the whole file, of at most cap bytes. */
int inbox_new(uint64_t range_length, uint64_t cap, struct inbox **ret_inbox, struct error *err);
void inbox_free(struct inbox *inbox);
CLEANUP_DEFINE(struct inbox, inbox_free);

/*
 * A frame HEAD, DATA or END of this fetch. Returns NULL, or how it breaks the rules ("sent …"): out of
 * order, more than the credit, the cap or what was announced, fewer at an end that is called good, or a
 * result that a helper cannot have.
 */
const char *inbox_take(struct inbox *inbox, const struct wire_frame *frame);

/* Ends it from our side, if it has no end yet. */
void inbox_fail(struct inbox *inbox, enum fetch_class class, const char *text);

/* Takes out at most size bytes; how many. */
size_t inbox_read(struct inbox *inbox, void *buf, size_t size);
bool inbox_is_empty(const struct inbox *inbox);

/* The credit to send now (it then counts as sent), or 0: not worth a frame yet. */
uint64_t inbox_credit(struct inbox *inbox);

/* May the helper send? Otherwise that nothing comes is our doing. */
bool inbox_is_waiting(const struct inbox *inbox);

/* Of the body: WIRE_UNKNOWN until it is known. */
uint64_t inbox_length(const struct inbox *inbox);

/* NULL until the end was taken. */
const struct fetch_result *inbox_result(const struct inbox *inbox);
