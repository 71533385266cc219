/*
 * A zstd frame (RFC 8878) with the size of its content in its header, unpacked in memory: a part of a bundle's head.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

struct frame {
	char *data; /* owned, of base/bulk.h; a NUL behind it */
	size_t size;
	size_t packed; /* bytes that the frame has */
};

void frame_done(struct frame *frame);
#define _cleanup_frame_ _cleanup_(frame_done)

/* The frame that the bytes begin with. prefix: of what it goes on from; NULL, 0: none. What does not fit is FAULT_CORRUPT. */
int frame_unpack(const void *bytes, size_t size, const void *prefix, size_t prefix_size, size_t max,
		 struct frame *ret_frame, struct error *err);
