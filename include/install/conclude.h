/*
 * The last steps of a slot whose files are all in their places: links, a look at the whole, sync, seal.
 */
#pragma once

#include "install/meter.h"
#include "install/seal.h"

struct place;

struct conclude_options {
	int dirfd;
	enum slot slot;
	int slot_fd; /* open since before the first write: syncfs tells of errors since then */
	int other_fd; /* the other slot, if it may share files; -1 */
	uid_t owner;
	struct index *index; /* sorted */
	struct place *place;
	struct meter *meter; /* STAGE_SYNC */
};

/*
 * descriptor comes in as for stage_archive and goes out complete, as it is in the seal. FAULT_BUSY: the tree is not what the
 * index says, which only somebody else can have done.
 */
int conclude_run(const struct conclude_options *options, struct descriptor *descriptor,
		 struct error *err);
