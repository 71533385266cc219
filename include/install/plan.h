/*
 * Does it fit? Decides from figures, touches nothing; plan_measure gets the figures.
 *
 * The needs are rounded up: holes count as if they were written, blocks and directories generously, as
 * no two file systems agree. What fits by these figures fits.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "release/index.h"

#define PLAN_WHERE_MAX 128

struct plan_space { /* of the file system that holds the app's directory */
	char where[PLAN_WHERE_MAX]; /* that directory, for messages */
	uint64_t block_size;
	uint64_t bytes_free; /* for who asks (without what is reserved for root, unless root) */
	uint64_t inodes_free; /* UINT64_MAX: the file system makes them as needed */
	uint64_t bytes_freed; /* by removing what the inactive slot holds now */
	uint64_t inodes_freed;
};

struct plan {
	uint64_t bytes_needed; /* files rounded up to blocks, directories, seal */
	uint64_t inodes_needed;
};

/* To whole blocks; at most UINT64_MAX. */
uint64_t plan_round_up(uint64_t bytes, uint64_t block_size);

/* What one entry of a tree needs, without its name. */
uint64_t plan_of_entry(const struct index_entry *entry, uint64_t block_size);

/*
 * Bytes that files without a name may take while a release of so many entries is worked on (base/bulk.h): what there is for each entry, beyond what a
 * process has of its own.
 */
uint64_t plan_spill(uint64_t files);

/* Sums up the tree of index (sorted), and what it spills. */
struct plan plan_of(const struct index *index, uint64_t block_size);

/* FAULT_NO_SPACE says what is needed, what there is, and what is kept in reserve. */
int plan_check(const struct plan *plan, const struct plan_space *space, uint64_t reserve_bytes,
	       struct error *err);

/* Measures: statvfs of dirfd and the blocks and inodes of slot_fd's tree (-1: none). */
int plan_measure(int dirfd, int slot_fd, struct plan_space *ret_space, struct error *err);
