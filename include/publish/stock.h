/*
 * A tree whose files can be read by their entry in its index: one that is there, or one that was unpacked from a full blob
 * into a folder of ours, where each file lies flat, named by the SHA-256 of its path.
 */
#pragma once

#include "publish/pack.h"
#include "release/index.h"

struct stock {
	struct index *index; /* sorted, owned */
	int dirfd; /* owned */
	bool flat;
};

/* STOCK_NONE owns nothing. */
#define STOCK_NONE ((struct stock){ .dirfd = -1 })
void stock_done(struct stock *stock);
#define _cleanup_stock_ _cleanup_(stock_done)

/* Takes over the index; the descriptor is copied. */
int stock_of_tree_consume(int tree_fd, struct index *index, struct stock *ret_stock,
			  struct error *err);

/* Reads the tree, by the options' rules and times, as if it were to be packed. */
int stock_measure(int tree_fd, const struct pack_options *options, struct stock *ret_stock,
		  struct error *err);

/* Unpacks the archive blob_fd, whose digest is verified, into the empty folder dirfd (copied). */
int stock_unpack(int dirfd, int blob_fd, const struct digest *digest, struct stock *ret_stock,
		 struct error *err);

/* For reading. entry: a file of its index. */
int stock_open(const struct stock *stock, const struct index_entry *entry, int *ret_fd,
	       struct error *err);

/* Reads all of it into memory. *ret_data is malloc'ed. */
int stock_read(const struct stock *stock, const struct index_entry *entry, uint8_t **ret_data,
	       struct error *err);
