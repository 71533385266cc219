/*
 * The end of a slot whose files are all written: they are synced, and while the disk works the seal over them is made. It is
 * for the caller to write it, by seal_put.
 */
#pragma once

#include "install/seal.h"

struct sealing {
	int slot_fd; /* open since before the first write: syncfs tells of errors since then */
	struct index *index;
	int (*check)(const void *data,
		     struct error *err); /* of what was written, meanwhile; NULL: none */
	const void *data;
};

/* Sets files, installed and index of the descriptor, of which only the rest is given. *ret_seal is the caller's, text_done. */
int sealing_sync(const struct sealing *sealing, struct descriptor *descriptor,
		 struct text *ret_seal, struct error *err);
