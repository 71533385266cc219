#include "install/decode-head.h"

#include <pthread.h>

#include "base/fd.h"
#include "install/decode.h"
#include "store/layout.h"

struct reading {
	const struct decode_head *what;
	struct decode *decode;
	uint32_t verified; /* the base of the last block */

	pthread_mutex_t mutex; /* for what is below */
	uint32_t bad; /* a listed file that differs, and how */
	const char *why;
};

static void tell(const struct reading *reading, uint32_t number, const char *why)
{
	const struct rebuild_listener *listener = reading->what->listener;

	if (why && listener->tampered)
		listener->tampered(listener->data,
				   index_at(reading->what->source_index, number)->path, why);
}

static int differs(const struct reading *reading, uint32_t number)
{
	tell(reading, number, decode_take_finding(reading->decode));
	return BUNDLE_BASE_DIFFERS;
}

/* By any thread. */
static int read_base(void *data, uint32_t number, void *ret_bytes, struct error *err)
{
	struct reading *reading = data;
	const char *why = NULL;
	int r = decode_read_base(reading->decode, number, ret_bytes, &why, err);

	if (r != DECODE_NO_BASE)
		return r;
	pthread_mutex_lock(&reading->mutex);
	reading->bad = number;
	reading->why = why;
	pthread_mutex_unlock(&reading->mutex);
	return BUNDLE_BASE_DIFFERS;
}

static void tell_base(void *data)
{
	const struct reading *reading = data;

	tell(reading, reading->bad, reading->why);
}

/* There is no digest of what the block makes, so that the base is verified first. */
static int check_base(struct reading *reading, const struct bundle_block *block, struct error *err)
{
	int r;

	if (!block_needs_base(block->kind) || reading->verified == block->base)
		return 0;
	r = decode_check_base(reading->decode, block, err);
	if (r == 0)
		reading->verified = block->base;
	return r;
}

static int decode(void *data, const struct bundle_block *block, size_t raw_size,
		  const void **ret_bytes, struct error *err)
{
	struct reading *reading = data;
	int r = check_base(reading, block, err);

	if (r == 0)
		r = decode_block(reading->decode, block, block->bytes, block->length, raw_size,
				 err);
	if (r == DECODE_NO_BASE)
		return differs(reading, block->base);
	*ret_bytes = decode_buffer(reading->decode);
	return r;
}

int decode_head(const struct decode_head *what, const void *head, size_t size,
		struct bundle **ret_bundle, struct error *err)
{
	_cleanup_close_ int source_fd = -1;
	_cleanup_(decode_freep) struct decode *unpacking = NULL;
	struct reading reading = { .what = what,
				   .verified = BUNDLE_NO_BASE,
				   .mutex = PTHREAD_MUTEX_INITIALIZER };
	const struct bundle_source source = {
		.index = what->source_index,
		.read = read_base,
		.differs = tell_base,
		.decode = decode,
		.data = &reading,
		.spare_dirfd = what->dirfd,
	};
	int r = layout_open_slot(what->dirfd, what->source, &source_fd, err);

	if (r == 0)
		r = decode_new(source_fd, what->source_index, &unpacking, err);
	if (r < 0)
		return r;
	reading.decode = unpacking;
	return bundle_decode_promised(head, size, &source, &what->promise, ret_bundle, err);
}
