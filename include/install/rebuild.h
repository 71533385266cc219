/*
 * Turning the inactive slot into a release, with what is on the disk already and with blocks of a bundle:
 *
 *     new       surveys the inactive slot: a file that is what the new index says, content and metadata, stays as it is,
 *               unwritten; the content of others is looked for elsewhere in it (a file that was renamed), in staging/, and
 *               in the slot that runs, by its seal; what none has is wanted from a bundle. Nothing is written.
 *     resume    reads what staging/ has of large files, by the table of a bundle. Nothing is written.
 *     begin     the seal of the inactive slot goes (durably); what does not belong into the new release is removed; directories
 *               are made; another thread begins with what clone does.
 *     clone     local files are cloned (reflink where the file system can, a copy otherwise), and verified while
 *               they are, one with each call. A local file that is not what its seal says (tampering) is told to the listener
 *               when all are through, and becomes wanted.
 *     take      a block, in any order of files, each file's blocks in order: decoded, written, and, with the last one, the
 *               whole file verified before it gets its name.
 *     finish    links; the whole tree is what the index says; syncfs; seal.
 *
 * The inactive slot is its own journal: after a kill at any instant a new survey finds what is good and keeps it. A file
 * of several blocks grows in staging/ under its digest, and what is good of it is kept too.
 *
 * No file that exists in a slot is opened for writing. For lack of space (FAULT_NO_SPACE from begin, clone, take, finish) the
 * inactive slot, and what is ours in staging/, is emptied: a disk does not stay full because of us. After a failure of
 * begin, clone, take or finish only rebuild_free may follow; a new rebuild goes on. The slot has no seal then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "install/dedupe.h"
#include "install/stage.h"
#include "release/bundle.h"

struct rebuild;

struct rebuild_listener {
	struct stage_listener
		stage; /* STAGE_VERIFY (new), STAGE_CLONE (begin, clone), STAGE_SYNC (finish) */
	/* A file of the running slot that is not what its seal says. May be NULL. */
	void (*tampered)(void *data, const char *path, const char *what);
	void *data; /* of tampered */
};

struct rebuild_figures {
	uint64_t kept_files, kept_bytes; /* in the inactive slot already, unwritten */
	uint64_t local_files, local_bytes; /* whose content is on this disk */
	uint64_t wanted_files, wanted_bytes; /* contents from the bundle, unpacked */
	uint64_t write_bytes; /* as install/outlay.h has it */
	uint64_t peak_bytes, peak_inodes; /* beyond what is in use now, at most */
	bool reflink; /* the file system can */
};

struct rebuild_options {
	int dirfd; /* the app's directory */
	enum slot target; /* never the one that `current` names */
	enum slot source; /* the one that runs; SLOT_NONE: none */
	struct index *
		source_index; /* of its seal; NULL: none. Bundles with a base are differences to this. */
	struct index *index; /* of the new release, whole (index_decode) */
	enum dedupe
		dedupe; /* DEDUPE_HARDLINK without a source: only what is shared already stays so */
	const struct rebuild_listener *listener; /* may be NULL */
};

/* Dirfd, indexes and listener are borrowed; the indexes get sorted. */
int rebuild_new(const struct rebuild_options *options, struct rebuild **ret_rebuild,
		struct error *err);
void rebuild_free(struct rebuild *rebuild);
CLEANUP_DEFINE(struct rebuild, rebuild_free);

void rebuild_figures(const struct rebuild *rebuild, struct rebuild_figures *ret_figures);

/* FAULT_NO_SPACE as plan_check says it. */
int rebuild_check_space(const struct rebuild *rebuild, uint64_t reserve_bytes, struct error *err);

/* For each bundle that blocks will be asked of, before rebuild_wants. */
int rebuild_resume(struct rebuild *rebuild, const struct bundle *bundle, struct error *err);

/* Is the block wanted still? Its file is neither there nor local, nor are we beyond the block. */
bool rebuild_wants(const struct rebuild *rebuild, const struct bundle_block *block);

int rebuild_begin(struct rebuild *rebuild, struct error *err);

/* After begin, between takes as it suits, from the same thread. > 0: REBUILD_CLONED, nothing is left to be cloned. */
enum { REBUILD_CLONED = 1 };
int rebuild_clone(struct rebuild *rebuild, struct error *err);

/*
 * bytes: as they travelled, not verified yet. bundle: the one that block is of, with the same index. A block that is not
 * wanted is passed over. Base files are taken from the source slot; what becomes of them is verified, and they only when that
 * is not what it should be: one that is not what its seal says is > 0: REBUILD_NO_BASE (told to the listener), and what the
 * file still lacks must come from a bundle without base. FAULT_UNTRUSTED: not the promised bytes. FAULT_CORRUPT: a block of another release, or one that makes
 * another file than the index says.
 */
enum { REBUILD_NO_BASE = 1 };
int rebuild_take(struct rebuild *rebuild, const struct bundle *bundle,
		 const struct bundle_block *block, const void *bytes, size_t size,
		 struct error *err);

/* Contents that are still wanted. */
uint64_t rebuild_count_wanted(const struct rebuild *rebuild);

/* Only when all is cloned and nothing is wanted any more. descriptor as for stage_archive. */
int rebuild_finish(struct rebuild *rebuild, struct descriptor *descriptor, struct error *err);
