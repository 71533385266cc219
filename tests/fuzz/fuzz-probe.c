/* The answer of a probe's child, and the orders that it is given. */
#include "unit/probe-order.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *line = fuzz_text(data, size);
	_cleanup_free_ void *bytes = fuzz_bytes(data, size);
	struct probe_answer answer = {};
	struct probe_order order = {};
	struct error err = {};

	if (probe_order_read_answer(bytes, size, &answer)) {
		assert(memchr(answer.text, '\0', sizeof(answer.text)));
		for (const char *c = answer.text; *c; c++)
			assert((unsigned char)*c >= ' ' && *c != 0x7f);
	}
	if (probe_order_read(line, &order, &err) == 0)
		probe_order_done(&order);
	return 0;
}
