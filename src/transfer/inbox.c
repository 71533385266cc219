#include "transfer/inbox.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "transfer/retry.h"

struct inbox {
	uint64_t range_length, cap;
	uint64_t length; /* as announced, or WIRE_UNKNOWN */
	bool begun, ended;
	uint64_t received; /* of the body */
	uint64_t granted; /* credit in all */
	struct fetch_result result;
	size_t begin, used; /* of the ring */
	char ring[INBOX_WINDOW];
};

/* The ring is not cleared: pages that no body needs are not touched. */
int inbox_new(uint64_t range_length, uint64_t cap, struct inbox **ret_inbox, struct error *err)
{
	struct inbox *inbox = malloc(sizeof(*inbox));

	if (!inbox)
		return error_code(err, -ENOMEM, "preparing a fetch");
	memset(inbox, 0, offsetof(struct inbox, ring));
	inbox->range_length = range_length;
	inbox->cap = cap;
	inbox->length = WIRE_UNKNOWN;
	inbox->granted = INBOX_WINDOW;
	*ret_inbox = inbox;
	return 0;
}

void inbox_free(struct inbox *inbox)
{
	free(inbox);
}

/* ---- frames ---- */

static const char *take_head(struct inbox *inbox, const struct wire_frame *frame)
{
	struct wire_head head;

	memcpy(&head, frame->payload, sizeof(head));
	if (inbox->begun)
		return "sent a body that begins twice";
	if (inbox->range_length > 0 && head.length != inbox->range_length)
		return "sent a range of another length than was asked for";
	if (head.length != WIRE_UNKNOWN && head.length > inbox->cap)
		return "sent a body longer than it may be";
	inbox->begun = true;
	inbox->length = head.length;
	return NULL;
}

/* There is room: what has credit is at most a window, and credit is given for what was read. */
static void append(struct inbox *inbox, const char *data, size_t size)
{
	size_t at = (inbox->begin + inbox->used) % INBOX_WINDOW;
	size_t first = size < INBOX_WINDOW - at ? size : INBOX_WINDOW - at;

	assert(size <= INBOX_WINDOW - inbox->used);
	memcpy(inbox->ring + at, data, first);
	memcpy(inbox->ring, data + first, size - first);
	inbox->used += size;
}

static const char *take_data(struct inbox *inbox, const struct wire_frame *frame)
{
	uint64_t most = inbox->length != WIRE_UNKNOWN ? inbox->length : inbox->cap;

	if (!inbox->begun)
		return "sent bytes of a body that has not begun";
	if (frame->size > inbox->granted - inbox->received)
		return "sent more bytes than it may send";
	if (frame->size > most - inbox->received)
		return "sent a body longer than it may be";
	append(inbox, frame->payload, frame->size);
	inbox->received += frame->size;
	inbox->result.bytes = inbox->received;
	return NULL;
}

static const char *judge_end(const struct inbox *inbox, const struct wire_end *end)
{
	if (end->class >= FETCH_HELPER || end->http_status > 999)
		return "sent an end that cannot be";
	if (end->class == FETCH_OK && !inbox->begun)
		return "sent a good end of a body that has not begun";
	if (end->class == FETCH_OK && inbox->length != WIRE_UNKNOWN &&
	    inbox->received != inbox->length)
		return "sent fewer bytes than it announced";
	return NULL;
}

static const char *take_end(struct inbox *inbox, const struct wire_frame *frame)
{
	struct fetch_result *result = &inbox->result;
	struct wire_end end;
	const char *wrong;

	memcpy(&end, frame->payload, sizeof(end));
	wrong = judge_end(inbox, &end);
	if (wrong)
		return wrong;
	if (end.retry_after > RETRY_AFTER_MAX)
		end.retry_after = RETRY_AFTER_MAX;
	result->class = end.class;
	result->http_status = end.http_status;
	result->retry_after_usec = end.retry_after * USEC_PER_SEC;
	(void)text_escape((const char *)frame->payload + sizeof(end), frame->size - sizeof(end),
			  result->text, sizeof(result->text));
	inbox->ended = true;
	return NULL;
}

const char *inbox_take(struct inbox *inbox, const struct wire_frame *frame)
{
	if (inbox->ended)
		return "sent an answer after its end";
	switch (frame->type) {
	case WIRE_HEAD:
		return take_head(inbox, frame);
	case WIRE_DATA:
		return take_data(inbox, frame);
	case WIRE_END:
		return take_end(inbox, frame);
	default:
		return "sent an answer of a kind that there is not";
	}
}

void inbox_fail(struct inbox *inbox, enum fetch_class class, const char *text)
{
	if (inbox->ended)
		return;
	inbox->result.class = class;
	(void)text_copy(text, inbox->result.text, sizeof(inbox->result.text));
	inbox->ended = true;
}

/* ---- the consumer ---- */

size_t inbox_read(struct inbox *inbox, void *buf, size_t size)
{
	size_t first;

	if (size > inbox->used)
		size = inbox->used;
	first = size < INBOX_WINDOW - inbox->begin ? size : INBOX_WINDOW - inbox->begin;
	memcpy(buf, inbox->ring + inbox->begin, first);
	memcpy((char *)buf + first, inbox->ring, size - first);
	inbox->begin = (inbox->begin + size) % INBOX_WINDOW;
	inbox->used -= size;
	if (inbox->used == 0)
		inbox->begin = 0; /* a small body stays in few pages */
	return size;
}

bool inbox_is_empty(const struct inbox *inbox)
{
	return inbox->used == 0;
}

uint64_t inbox_credit(struct inbox *inbox)
{
	/* What the helper may have in flight, and what lies here, fit in the ring together. */
	uint64_t unused = inbox->granted - inbox->received;
	uint64_t credit = INBOX_WINDOW - inbox->used - unused;

	if (inbox->ended || credit < INBOX_WINDOW / 2)
		return 0;
	inbox->granted += credit;
	return credit;
}

bool inbox_is_waiting(const struct inbox *inbox)
{
	return !inbox->ended && inbox->granted > inbox->received;
}

uint64_t inbox_length(const struct inbox *inbox)
{
	return inbox->length;
}

const struct fetch_result *inbox_result(const struct inbox *inbox)
{
	return inbox->ended ? &inbox->result : NULL;
}
