/*
 * The metadata that is trusted now, and what may take its place (TUF specification 5.2 to 5.6,
 * each check in its order). It gives verdicts and does nothing else: trust/client.h asks it in the
 * right order.
 *
 * take_: new bytes, from a server. 0: they are trusted from now on, and must be stored.
 * load_: bytes that were trusted earlier and come from the store. They need not be the latest, and
 *        may have expired: they count in comparisons with new ones (rollback), if the root still
 *        vouches for them.
 *
 * Faults as in trust/client.h; the text does not name the role.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/expiry.h"
#include "trust/metafile.h"
#include "trust/root.h"
#include "trust/targets.h"

struct trusted_options {
	enum expiry_policy policy;
	uint64_t reference; /* realtime usec, by expiry_reference, when the refresh began (5.1) */
};

struct trusted;

int trusted_new(const struct trusted_options *options, const void *root, size_t size,
		struct trusted **ret_trusted, struct error *err);
void trusted_free(struct trusted *trusted);
CLEANUP_DEFINE(struct trusted, trusted_free);

/* The next root (5.3.4, 5.3.5), as often as there is one; then its expiry (5.3.10). */
int trusted_take_root(struct trusted *trusted, const void *data, size_t size, struct error *err);
int trusted_end_root(struct trusted *trusted, struct error *err);
const struct root *trusted_root(const struct trusted *trusted);

/* Must what timestamp and snapshot signed earlier be forgotten (5.3.11)? */
bool trusted_is_rotated(const struct trusted *trusted);

/*
 * > 0: TRUSTED_SAME, it is the version that was loaded: that one stays, and nothing is to be
 * stored.
 */
enum { TRUSTED_SAME = 1 };
int trusted_load_timestamp(struct trusted *trusted, const void *data, size_t size,
			   struct error *err);
int trusted_take_timestamp(struct trusted *trusted, const void *data, size_t size,
			   struct error *err);

/*
 * After the timestamp: what it promises of the snapshot, and whether the loaded one is that very
 * file and has not expired: then it need not be fetched. Loading takes the data over (malloc'ed),
 * also on failure.
 */
int trusted_load_snapshot_consume(struct trusted *trusted, void *data, size_t size,
				  struct error *err);
const struct metafile *trusted_promised_snapshot(const struct trusted *trusted);
bool trusted_has_latest_snapshot(struct trusted *trusted);
int trusted_take_snapshot(struct trusted *trusted, const void *data, size_t size,
			  struct error *err);

/* After the snapshot: what it promises of a role. */
int trusted_find(const struct trusted *trusted, const char *role, struct metafile *ret_promised,
		 struct error *err);

/*
 * A targets role, stored or new: it must be what was promised, signed by these, and not have
 * expired.
 */
int trusted_read_targets(struct trusted *trusted, const char *role, const struct signers *signers,
			 const struct metafile *promised, const void *data, size_t size,
			 struct targets **ret_targets, struct error *err);

/* The version of a role, 0 if none is trusted, and when it ends; targets are not kept here: 0. */
uint64_t trusted_version(const struct trusted *trusted, enum root_role role, uint64_t *ret_expires);

/*
 * Lines for a person, "ROLE: …"; what has expired and is used all the same (EXPIRY_WARN) is said
 * here.
 */
void trusted_note(struct trusted *trusted, const char *role, const char *what);
const char *trusted_notes(const struct trusted *trusted);
