/*
 * Contents of several blocks, while they grow in staging/ (install/staged.h). Of a content, what was verified when it was
 * written or read is counted in blocks from its beginning; nothing else of it is believed.
 */
#pragma once

#include "install/contents.h"
#include "install/decode.h"
#include "release/bundle.h"

struct assembly;

/* contents are borrowed. */
int assembly_new(const struct contents *contents, struct assembly **ret_assembly,
		 struct error *err);
void assembly_free(struct assembly *assembly);
CLEANUP_DEFINE(struct assembly, assembly_free);

/* Blocks that it has of the content. */
uint32_t assembly_reached(const struct assembly *assembly, uint32_t content);

/* Of all contents that are not complete. */
uint64_t assembly_bytes(const struct assembly *assembly);

/*
 * Reads what staging/ has of the content on from what it has already, as long as it is what the blocks of the bundle, of
 * which the first of that content is given, decode to. buffer has BLOCK_SIZE bytes. Writes nothing.
 */
int assembly_resume(struct assembly *assembly, int staging_fd, uint32_t content,
		    const struct bundle *bundle, size_t first, void *buffer, struct error *err);

/*
 * The next block of the content, decoded. The bytes are the assembly's until assembly_make_room: their digest is made while the next
 * block is decoded (install/aside.h). > 0: ASSEMBLY_COMPLETE, it is whole and verified; ASSEMBLY_DIFFERS, it is another
 * one than the index says, and is gone.
 */
enum { ASSEMBLY_COMPLETE = 1, ASSEMBLY_DIFFERS = 2 };
int assembly_add(struct assembly *assembly, int staging_fd, uint32_t content, const void *bytes,
		 size_t size, struct error *err);

/*
 * A buffer for the next block that is not the assembly's: the same one when it is through with it, or, if there may be a second
 * one (4 MiB of what base/bulk.h leaves), the other. Not where whole blocks come: they wait in memory themselves.
 */
int assembly_make_room(struct assembly *assembly, struct decode *decode, bool second,
		       struct error *err);
