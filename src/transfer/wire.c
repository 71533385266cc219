/*
 *     0        4        8        12                12 + size
 *     +--------+--------+--------+------------------+
 *     |  type  |   id   |  size  |  payload         |
 *     +--------+--------+--------+------------------+
 */
#include "transfer/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>

#include "base/cleanup.h"

static bool size_is_right(uint32_t type, size_t size, size_t max)
{
	static const struct {
		size_t min, max;
	} sizes[] = {
		[WIRE_SET] = { 0, WIRE_ORDER_MAX },
		[WIRE_START] = { 0, 0 },
		[WIRE_GET] = { sizeof(struct wire_get) + 1, WIRE_ORDER_MAX },
		[WIRE_CREDIT] = { sizeof(uint64_t), sizeof(uint64_t) },
		[WIRE_CANCEL] = { 0, 0 },
		[WIRE_READY] = { 0, WIRE_TEXT_MAX },
		[WIRE_HEAD] = { sizeof(struct wire_head), sizeof(struct wire_head) },
		[WIRE_DATA] = { 1, WIRE_ANSWER_MAX },
		[WIRE_END] = { sizeof(struct wire_end), sizeof(struct wire_end) + WIRE_TEXT_MAX },
	};

	return type >= WIRE_SET && type < ARRAY_SIZE(sizes) && size >= sizes[type].min &&
	       size <= sizes[type].max && size <= max - sizeof(struct wire_header);
}

int wire_take(const void *bytes, size_t size, size_t max, struct wire_frame *ret_frame,
	      size_t *ret_used)
{
	struct wire_header header;

	if (size < sizeof(header))
		return WIRE_PARTIAL;
	memcpy(&header, bytes, sizeof(header));
	if (!size_is_right(header.type, header.size, max))
		return -EBADMSG;
	if (size - sizeof(header) < header.size)
		return WIRE_PARTIAL;
	*ret_frame = (struct wire_frame){
		.type = header.type,
		.id = header.id,
		.payload = (const char *)bytes + sizeof(header),
		.size = header.size,
	};
	*ret_used = sizeof(header) + header.size;
	return 0;
}

/* Steps over what was written. */
static void advance(struct iovec *parts, size_t n_parts, size_t written)
{
	for (size_t i = 0; i < n_parts; i++) {
		size_t n = written < parts[i].iov_len ? written : parts[i].iov_len;

		parts[i].iov_base = (char *)parts[i].iov_base + n;
		parts[i].iov_len -= n;
		written -= n;
	}
}

int wire_write(int fd, enum wire_type type, uint32_t id, const void *payload, size_t size,
	       const void *more, size_t more_size)
{
	struct wire_header header = { type, id, (uint32_t)(size + more_size) };
	size_t left = sizeof(header) + size + more_size;
	struct iovec parts[] = {
		{ &header, sizeof(header) },
		{ (void *)payload, size },
		{ (void *)more, more_size },
	};

	assert(size_is_right(type, size + more_size, WIRE_ANSWER_MAX));
	while (left > 0) {
		ssize_t n = writev(fd, parts, ARRAY_SIZE(parts));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		left -= (size_t)n;
		advance(parts, ARRAY_SIZE(parts), (size_t)n);
	}
	return 0;
}
