/*
 * Who signs for a role, and how many of them it takes: "keyids" and "threshold" of a role beside
 * the "keys" of the same file (TUF specification 4.3, 4.5).
 *
 * A key id is a name, valid within the file that lists it, and nothing is computed from it; what is
 * counted is distinct public keys. See docs/TRUST.md.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/key.h"

#define SIGNERS_MAX 1024 /* key ids of one role */

struct signers_one {
	char *keyid;
	struct key *key; /* NULL: not listed in "keys", or unusable; never verifies */
};

struct signers {
	const char *hint; /* NULL, or what may be wrong when none of them has signed; static */
	uint64_t threshold; /* ≥ 1; may be more than there are keys: then nothing is ever signed */
	size_t n;
	struct signers_one list[];
};

/* Wrong form, a threshold of 0, more than SIGNERS_MAX: FAULT_CORRUPT. */
int signers_read(const json_t *keys, const json_t *role, struct signers **ret_signers,
		 struct error *err);
void signers_free(struct signers *signers);
CLEANUP_DEFINE(struct signers, signers_free);

/* Is there a usable key in `before` that `after` has no more? (5.3.11: "have been rotated") */
bool signers_lost_one(const struct signers *before, const struct signers *after);
