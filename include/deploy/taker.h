/*
 * The thread that rebuilds the slot while another one fetches: it begins, then takes block after block in the order in which they
 * are put, and clones files of this disk while there is no block. What waits for it is bounded.
 */
#pragma once

#include "deploy/relay.h"

#define TAKER_ROOM (2U * 1024 * 1024) /* bytes of blocks that have room, being fetched or waiting */

struct taker;

/* Starts the thread, which calls rebuild_begin and rebuild_clone. relay and rebuild are borrowed, and the thread's until taker_free. */
int taker_new(struct rebuild *rebuild, struct relay *relay, struct taker **ret_taker,
	      struct error *err);

/* Stops the thread, in the middle if need be. */
void taker_free(struct taker *taker);
CLEANUP_DEFINE(struct taker, taker_free);

/* Room for so many bytes of a block: malloc'ed, to be given back by taker_put or taker_drop. NULL: none now. */
void *taker_reserve(struct taker *taker, size_t size);
void taker_drop(struct taker *taker, void *bytes, size_t size);

/* bundle and block are borrowed until taker_finish. */
int taker_put_consume(struct taker *taker, const struct bundle *bundle,
		      const struct bundle_block *block, void *bytes, struct error *err);

/* All blocks that came with the head of the bundle, which is borrowed likewise; they take no room. */
int taker_put_inlined(struct taker *taker, const struct bundle *bundle, struct error *err);

/* < 0: the rebuild has failed, and takes nothing any more. */
int taker_check(struct taker *taker, struct error *err);

/* Waits until a block was taken, at most until then (monotonic usec). True: nothing waits any more, and all is cloned. */
bool taker_wait(struct taker *taker, uint64_t until);

/* Blocks that were taken, so far. */
uint64_t taker_count_taken(struct taker *taker);
