/*
 * The offers of a repository (release/offer.h): what is published for each app, channel and machine.
 */
#pragma once

#include "publish/delta.h"
#include "publish/pack.h"
#include "publish/repo.h"
#include "release/offer.h"

struct catalog_name {
	const char *app;
	const char *channel;
	const char *arch;
};

/* The latest one, pending or published. > 0: CATALOG_ABSENT */
enum { CATALOG_ABSENT = 1 };
int catalog_get(const struct repo *repo, const struct catalog_name *name, struct offer **ret_offer,
		struct error *err);

/* The last one of that sequence, which need not be offered any more. > 0: CATALOG_ABSENT */
int catalog_find(const struct repo *repo, const struct catalog_name *name, uint64_t sequence,
		 struct offer **ret_offer, struct error *err);

typedef int (*catalog_visit)(void *data, const char *path, const struct offer *offer,
			     struct error *err);

/* Calls for each offer that there ever was, with its file below dirfd (the repository). What cannot be read is none. */
int catalog_scan(int dirfd, const struct catalog_name *name, catalog_visit visit, void *data,
		 struct error *err);

#define CATALOG_KEEP UINT64_MAX /* as the offer before had it; 0 if there was none */

struct catalog_release {
	struct catalog_name name;
	const char *version;
	uint64_t min_sequence; /* or CATALOG_KEEP */
	uint64_t epoch; /* or CATALOG_KEEP */
	uint64_t from, memory; /* or CATALOG_KEEP: what it requires */
	const char *kernel, *glibc, *os; /* NULL: as before */
	const char *libraries, *commands; /* likewise; "": none any more */
	const struct command *check; /* likewise; without words: none any more */
	struct pack_options pack;
	struct delta_options delta;
};

/*
 * Packs the tree, makes its bundles, and offers it with the next sequence; issue_run publishes it. > 0: CATALOG_SAME, it is what is
 * offered already, with that version and nothing else asked (then an interruption is mended by issue_run). *ret_offer may be NULL.
 */
enum { CATALOG_SAME = 2 };
int catalog_add(struct repo *repo, int tree_fd, const struct catalog_release *release,
		struct offer **ret_offer, struct error *err);

/* Lists a release as withdrawn in the offer; min_sequence as above. No such sequence: FAULT_CONFIG. */
int catalog_withdraw(struct repo *repo, const struct catalog_name *name, uint64_t sequence,
		     uint64_t min_sequence, const char *why, struct error *err);

/* Calls for each offer that is offered, in the order of their paths. */
int catalog_list(const struct repo *repo, catalog_visit visit, void *data, struct error *err);
