/*
 * What the publisher's side of a repository remembers, in DIR/.flipslot-repo/config (no secret is in it):
 *
 *     [Expires]
 *     Root=365d
 *     Targets=90d
 *     Snapshot=30d
 *     Timestamp=7d
 *
 *     [Keys]
 *     3fa20b…=../repo.keys/root.key     the first 32 digits of the key id = a file (from DIR on), or pkcs11:…
 *
 * Which keys sign for which role is what the root says, and nothing else; here is only where they are. A key
 * that is not listed is somewhere else: offline.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "trust/root.h"

#define SETTINGS_ID_SIZE 32 /* digits */

struct settings_key {
	char id[SETTINGS_ID_SIZE + 1];
	char *name;
};

struct settings {
	uint64_t expires[ROOT_ROLE_MAX]; /* usec */
	struct settings_key *keys;
	size_t n_keys;
};

/* The usual ones, without a key. */
void settings_init(struct settings *ret_settings);
void settings_done(struct settings *settings);

/* dirfd is DIR/.flipslot-repo. */
int settings_load(int dirfd, struct settings *ret_settings, struct error *err);
int settings_save(int dirfd, const struct settings *settings, struct error *err);

/* The name of a key, NULL: not at hand. An id is known once: the last name counts. */
const char *settings_find_key(const struct settings *settings, const char *keyid);
int settings_add_key(struct settings *settings, const char *keyid, const char *name,
		     struct error *err);
