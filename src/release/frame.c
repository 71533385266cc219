#include "release/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/bulk.h"

void frame_done(struct frame *frame)
{
	bulk_free(frame->data);
	*frame = (struct frame){};
}

static int corrupt(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "the bundle's head: %s", what);
}

static int unpack_into(const void *bytes, const struct frame *frame, const void *prefix,
		       size_t prefix_size, struct error *err)
{
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	size_t n;

	if (!zstd)
		return error_code(err, -ENOMEM, "reading a bundle");
	n = ZSTD_DCtx_refPrefix(zstd, prefix, prefix_size);
	if (!ZSTD_isError(n))
		n = ZSTD_decompressDCtx(zstd, frame->data, frame->size, bytes, frame->packed);
	ZSTD_freeDCtx(zstd);
	return n == frame->size ? 0 : corrupt(err, "damaged");
}

int frame_unpack(const void *bytes, size_t size, const void *prefix, size_t prefix_size, size_t max,
		 struct frame *ret_frame, struct error *err)
{
	_cleanup_frame_ struct frame frame = {};
	unsigned long long content = ZSTD_getFrameContentSize(bytes, size);
	int r;

	frame.packed = ZSTD_findFrameCompressedSize(bytes, size);
	if (ZSTD_isError(frame.packed) || content == ZSTD_CONTENTSIZE_ERROR ||
	    content == ZSTD_CONTENTSIZE_UNKNOWN)
		return corrupt(err, "no zstd frame of known size");
	if (content > max)
		return corrupt(err, "unpacks to too much");
	frame.size = (size_t)content;
	frame.data = bulk_alloc(frame.size + 1, 1);
	if (!frame.data)
		return error_code(err, -ENOMEM, "reading a bundle");
	r = unpack_into(bytes, &frame, prefix, prefix_size, err);
	if (r < 0)
		return r;
	*ret_frame = frame;
	frame = (struct frame){};
	return 0;
}
