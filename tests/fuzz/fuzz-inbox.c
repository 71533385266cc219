/*
 * What a hostile fetch helper writes, taken by the worker: the first byte says which range was asked for and how
 * fast the consumer is.
 */
#include "transfer/inbox.h"

#include "fuzz.h"

#define CAP 1000000

static void check_end(const struct inbox *inbox, uint64_t range, uint64_t taken)
{
	const struct fetch_result *result = inbox_result(inbox);

	if (result && result->class == FETCH_OK)
		assert(result->bytes == taken && (range == 0 || result->bytes == range));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t how = size > 0 ? data[0] : 0;
	uint64_t range = how & 1 ? 100 : 0, taken = 0;
	_cleanup_(inbox_freep) struct inbox *inbox = NULL;
	struct wire_frame frame;
	struct error err = {};
	uint8_t room[4096];
	size_t used;

	assert(inbox_new(range, CAP, &inbox, &err) == 0);
	for (size_t at = 1; at < size; at += used) {
		_cleanup_free_ void *bytes = fuzz_bytes(data + at, size - at);

		if (wire_take(bytes, size - at, WIRE_ANSWER_MAX, &frame, &used) != 0)
			return 0;
		assert(used > 0 && used <= size - at && frame.size < used);
		if (frame.type < WIRE_HEAD || frame.type > WIRE_END)
			continue;
		if (inbox_take(inbox, &frame))
			return 0;
		taken += frame.type == WIRE_DATA ? frame.size : 0;
		assert(taken <= CAP);
		check_end(inbox, range, taken);
		(void)inbox_read(inbox, room, (how >> 1) * 32U % sizeof(room));
		(void)inbox_credit(inbox);
	}
	inbox_fail(inbox, FETCH_HELPER, "that was all");
	assert(inbox_result(inbox));
	return 0;
}
