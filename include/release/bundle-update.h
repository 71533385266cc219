/*
 * Reading the head of a bundle with a base (release/bundle.h). Its format is drawn in src/release/bundle-update.c.
 */
#pragma once

#include "release/bundle.h"

#define UPDATE_VERSION 0x20 /* the high half of the first byte */
#define UPDATE_FORM    0x03 /* of the first byte; 0: one frame has text and contents */
#define UPDATE_PATCH   0x01 /* one patch has both */
#define UPDATE_APART   0x02 /* the text is a frame, the contents are a block behind it */
#define UPDATE_LONG    0x03 /* likewise, and the contents are several blocks */
#define UPDATE_TAIL    0x04 /* blocks stand at the end of the head */

#define UPDATE_MAGIC_SIZE 4 /* of a zstd frame, left away in front of the text */

/* Fills a bundle whose lengths are set. > 0: BUNDLE_BASE_DIFFERS. */
int bundle_update_read(struct bundle *bundle, const void *head, const struct bundle_source *source,
		       const struct digest *expected, struct error *err);
