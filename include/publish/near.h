/*
 * Making a bundle that starts from any of several releases (src/release/bundle-near.c draws it), for devices for which no other was made: files that
 * not all of these releases have come as pieces of theirs, and what is new among them.
 *
 *     near_new      for what is published
 *     near_add      the latest release first: what it has; it is not needed any more then
 *     near_write    from as many of them as make it little larger
 */
#pragma once

#include "publish/bundler.h"
#include "release/offer.h"

#define NEAR_BASES 8 /* releases that are looked at; at most OFFER_NEAR_MAX */

struct near;

/* fresh is borrowed. */
int near_new(const struct stock *fresh, struct near **ret_near, struct error *err);
void near_free(struct near *near);
CLEANUP_DEFINE(struct near, near_free);

/* index: its digest. */
int near_add(struct near *near, const struct stock *old, const struct digest *index,
	     struct error *err);

/* Is there a release, of those that it starts from (or, before near_write, may), that has no other bundle in the offer? */
bool near_is_needed(const struct near *near, const struct offer *offer);

/* The indexes of the releases that the bundle starts from which was written. */
size_t near_bases(const struct near *near, struct digest ret_from[static OFFER_NEAR_MAX]);

/* Bytes of the blocks, as the bundle without base has them, that the latest release lacks. */
int near_count_blocks(struct near *near, struct spool *spool, uint64_t *ret_bytes,
		      struct error *err);

/* What a bundle from more releases than the latest may have: */
struct near_limits {
	uint64_t spare; /* bytes beyond those of the one from the latest alone, */
	uint64_t fine; /* or so many, if that is more; */
	uint64_t most; /* but no more than these in any case */
};

/*
 * The bundle, from as many of the releases as the limits allow, from the latest at least. out_fd: an empty file, open for both. level: of zstd. Nothing is
 * read back or synced.
 */
int near_write(struct near *near, struct spool *spool, int level, const struct near_limits *limits,
	       int out_fd, struct bundler_result *ret_result, struct error *err);
