/*
 * What a rebuild costs, from its survey: bytes, inodes, and whether it fits.
 */
#pragma once

#include "install/plan.h"
#include "install/survey.h"

#define OUTLAY_INODE 512 /* bytes written of each inode, in the journal and in its place */

struct outlay {
	uint64_t kept_files, kept_bytes; /* in the slot already */
	uint64_t local_files, local_bytes; /* to be had on this disk */
	uint64_t wanted_files, wanted_bytes; /* contents that are not, unpacked */
	uint64_t write_bytes; /* that will be written, in whole blocks, with seal and inodes; the content of what is reflinked or moved costs none */
	struct plan plan; /* of what is to be made */
	struct plan_space space; /* with what clearing the slot will free */
};

/* reflink: the file system can. */
int outlay_measure(int dirfd, int slot_fd, const struct survey *survey, bool reflink,
		   struct outlay *ret_outlay, struct error *err);

/* Beyond what is in use now, at most. */
uint64_t outlay_peak_bytes(const struct outlay *outlay);
uint64_t outlay_peak_inodes(const struct outlay *outlay);
