/*
 * The bundles of a release in a repository: one without base, and one from each of the latest releases of the same app, channel
 * and machine, whose trees are taken from their full blobs.
 */
#pragma once

#include "publish/pack.h"
#include "publish/repo.h"
#include "release/offer.h"

#define DELTA_BASES_MAX	  (OFFER_BUNDLES_MAX - 1)
#define DELTA_BASES_USUAL 3
#define DELTA_WORTH \
	90 /* percent of the full blob: a larger bundle from an older release is not published */

struct delta_options {
	bool bundle; /* the one without base */
	unsigned int bases; /* how many older releases */
	void (*note)(void *data, const char *line); /* what was made or left away; may be NULL */
	void *data;
};

/*
 * Makes the bundles' blobs and lists them in the offer, instead of those that it has. packed: of the tree; what it has of the
 * tree's index is taken.
 */
int delta_run(struct repo *repo, int tree_fd, const struct pack_options *pack,
	      const struct delta_options *options, struct pack_result *packed, struct offer *offer,
	      struct error *err);
