/*
 * Past transactions: a preallocated file of HISTORY_ENTRIES blocks (store/block.h) of 1 KiB, a ring;
 * the magic is "flipslot-history", the payload is fields (store/fields.h).
 *
 * Sequence n (from 1) stands in block (n - 1) mod HISTORY_ENTRIES. A damaged block is passed over.
 */
#pragma once

#include "store/state.h"

#define HISTORY_BLOCK	  1024
#define HISTORY_ENTRIES	  256
#define HISTORY_FILE_SIZE (HISTORY_BLOCK * HISTORY_ENTRIES)

struct history_entry {
	uint64_t sequence; /* set by history_append */
	char id[STATE_ID_MAX];
	enum verb verb;
	enum outcome outcome;
	enum fault fault;
	char from_version[STATE_VERSION_MAX]; /* empty: nothing ran before */
	char to_version[STATE_VERSION_MAX];
	enum slot slot; /* the target */
	uint64_t began; /* realtime */
	uint64_t ended; /* realtime */
	uint64_t downtime; /* usec from the job to the first passed start probe; 0: not measured */
	uint64_t fetched, requests, files, reused; /* as in the state */
	bool trusted_by_word; /* installed with --trust-me */
	char signer[STATE_SIGNER_MAX]; /* the minisign key that signed it; empty: none */
	char group[STATE_GROUP_MAX]; /* of which it was a part; empty: none */
	char who[STATE_WHO_MAX];
	char why[STATE_WHY_MAX]; /* what the one who asked gave as a reason */
	char reason[STATE_REASON_MAX];
};

/* What the history says of a transaction, sequence left 0. */
struct history_entry history_entry_of(const struct state_transaction *transaction);

/* Appends durably; an id that the newest entry has is not written twice. Strings are cut to fit. */
int history_append(int dirfd, const struct history_entry *entry, struct error *err);

/* The newest `max` entries, newest first; *ret_entries is malloc'ed. */
int history_load(int dirfd, size_t max, struct history_entry **ret_entries, size_t *ret_n,
		 struct error *err);
