/*
 * Removing blobs that no offer needs any more.
 *
 * Needed are: all blobs of what is offered, published or waiting for signatures; all blobs of what was offered within the
 * grace time, since a device may be fetching; and of the latest `keep` releases the full archive, from which the next
 * bundles are made, and the bundle without base, by which a device repairs what has rotted.
 */
#pragma once

#include "publish/repo.h"

struct prune_options {
	uint64_t grace; /* usec */
	unsigned int keep; /* releases of each app, channel and machine */
	bool dry; /* remove nothing */
	void (*removed)(void *data, const char *name, uint64_t bytes); /* may be NULL */
	void *data;
};

struct prune_result {
	uint64_t blobs, bytes; /* removed */
	uint64_t kept;
};

int prune_run(struct repo *repo, const struct prune_options *options,
	      struct prune_result *ret_result, struct error *err);
