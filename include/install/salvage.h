/*
 * Mending a slot that is not what its seal says any more, while nothing runs from it:
 *
 *     new           surveys the slot: what is as the seal says stays as it is; of the rest the contents are wanted
 *     from_slot     wanted contents that the other slot has too are copied to staging/, and verified while they are
 *     take_block    the same with those of the release's bundle without base (release/bundle.h)
 *     from_archive  the same with those of the archive that the release came in
 *     finish        nothing is wanted any more: the seal is laid aside in staging/, taken away, the slot is put right with what lies in
 *                   staging/ (install/rebuild.h), synced and sealed again
 *
 * Until finish the slot and its seal are as they were: a damaged release to go back to is more than none. A process that is killed
 * in finish leaves a slot without a seal, and the seal in staging/, by which the next one goes on.
 */
#pragma once

#include "install/stage.h"
#include "release/bundle.h"

struct salvage;

/*
 * listener may be NULL (STAGE_VERIFY). The slot must not be the one that `current` names. > 0: SEAL_ABSENT, neither has it a seal
 * nor was one laid aside.
 */
int salvage_new(int dirfd, enum slot slot, const struct stage_listener *listener,
		struct salvage **ret_salvage, struct error *err);
void salvage_free(struct salvage *salvage);
CLEANUP_DEFINE(struct salvage, salvage_free);

/* What is mended: as its seal says. */
const struct descriptor *salvage_descriptor(const struct salvage *salvage);

/* Contents that are wanted still, and their bytes. */
size_t salvage_count_wanted(const struct salvage *salvage, uint64_t *ret_bytes);

/* A content that cannot be had there, or is not what it should be, is passed over. */
int salvage_from_slot(struct salvage *salvage, enum slot other, struct error *err);

/* Is the content that the block is of wanted still? Of a bundle with the seal's index. */
bool salvage_wants(const struct salvage *salvage, const struct bundle_block *block);

/*
 * bytes: as they travelled, not verified yet. Of a content each block in its order; one that is not wanted is passed over.
 * FAULT_UNTRUSTED: not the promised bytes. FAULT_CORRUPT: they make another file than the seal says.
 */
int salvage_take_block(struct salvage *salvage, const struct bundle *bundle,
		       const struct bundle_block *block, const void *bytes, size_t size,
		       struct error *err);

/* fd: the archive, whose digest must be that of the seal's `source`; FAULT_UNTRUSTED otherwise, before it is parsed. */
int salvage_from_archive(struct salvage *salvage, int fd, const struct stage_options *options,
			 struct error *err);

/* FAULT_CORRUPT: something is wanted still, nothing was changed. FAULT_NO_SPACE: neither. */
int salvage_finish(struct salvage *salvage, uint64_t reserve_bytes, struct error *err);

/* Was a mending cut off? Then the slot has no seal, and *ret_descriptor says what is to come. > 0: SEAL_ABSENT, no. */
int salvage_peek(int dirfd, enum slot slot, struct descriptor *ret_descriptor, struct error *err);

/* Removes a seal that was laid aside and is of no use any more; fine if there is none. */
int salvage_drop(int dirfd, struct error *err);
