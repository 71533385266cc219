/*
 * The client of The Update Framework, version 1.0 (specification 1.0.37, chapter 5): bytes in,
 * verdict out. It reads no file, opens no socket and has no clock; it says what it needs, one
 * thing at a time:
 *
 *     client_new(options, bytes of the trusted root.json)
 *     for (;;)
 *         client_next → step
 *             CLIENT_FETCH   get step.name (it can stand in a URL as it is) from where metadata is
 *                            served, at most step.max bytes: client_give_consume, or client_lacks
 *                            if the server has no such file
 *             CLIENT_LOAD    read step.name from the trusted store: client_give_consume, or
 *                            client_lacks if it is not there, unreadable or above step.max
 *             CLIENT_SAVE    write step.data, step.size bytes, durably as step.name: client_did
 *             CLIENT_REMOVE  remove step.name, durably (it may not be there): client_did
 *             CLIENT_READY   the metadata is the latest: client_search may be called (again)
 *
 * Nothing that follows a SAVE or a REMOVE is trusted before client_did: a caller that cannot do it
 * ends here. The order is that of the specification, so that the store is at every instant one
 * that the next run can go on from.
 *
 * The store is a folder of the client's alone: root.json, timestamp.json, snapshot.json,
 * targets.json and ROLE.json (trust/filename.h).
 *
 * Errors: one line that names role, file and reason. FAULT_UNTRUSTED (signatures, hashes,
 * promises), FAULT_STALE (rolled back, expired), FAULT_CORRUPT (not of its form), FAULT_NETWORK (a
 * file that must be there is not). After an error of a refresh only client_free and the getters
 * may be called; after one of a search the client is CLIENT_READY again, and the target counts as
 * not found. A wrong answer (data where a SAVE was asked for, say) is a bug and asserts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/found.h"
#include "trust/listing.h"
#include "trust/root.h"
#include "trust/trusted.h"

/*
 * Bytes. Of the last two the length that is promised counts, if it is, up to CLIENT_PROMISED_MAX.
 */
#define CLIENT_ROOT_MAX	     (512 * 1024)
#define CLIENT_TIMESTAMP_MAX (16 * 1024)
#define CLIENT_SNAPSHOT_MAX  (2 * 1024 * 1024)
#define CLIENT_TARGETS_MAX   (5 * 1024 * 1024)
#define CLIENT_PROMISED_MAX  (16 * 1024 * 1024)

#define CLIENT_ROTATIONS_MAX 256 /* new roots in one refresh (5.3.3); the next refresh goes on */

struct client;

enum client_action {
	CLIENT_READY,
	CLIENT_FETCH,
	CLIENT_LOAD,
	CLIENT_SAVE,
	CLIENT_REMOVE,
};

struct client_step {
	enum client_action action;
	const char *name; /* one name, no path; lent until the next call */
	size_t max; /* FETCH, LOAD: bytes */
	bool may_lack; /* FETCH: that it is not there is normal. Only HTTP 404 and 403 say so */
	const void *data; /* SAVE */
	size_t size;
};

/* The root is the trusted one (5.2), from the store or shipped. Makes no request yet. */
int client_new(const struct trusted_options *options, const void *root, size_t size,
	       struct client **ret_client, struct error *err);
void client_free(struct client *client);
CLEANUP_DEFINE(struct client, client_free);

/* What is to be done now; the same until it was answered. */
void client_next(const struct client *client, struct client_step *ret_step);

/* The answers. client_give_consume takes malloc'ed data, also when it fails. */
int client_give_consume(struct client *client, void *data, size_t size, struct error *err);
int client_lacks(struct client *client, struct error *err);
/* FETCH: it cannot be had, err says why, r < 0. Puts role and file before it, and returns r. */
int client_fail(struct client *client, int r, struct error *err);
int client_did(struct client *client, struct error *err);

/*
 * Begins the search for a target (5.6.7); go on with client_next until CLIENT_READY, then
 * client_found gives it, or NULL: no such target. Lent until the next search.
 */
int client_search(struct client *client, const char *path, struct error *err);
const struct found *client_found(const struct client *client);

/*
 * The same to list all targets of a pattern (trust/listing.h): until CLIENT_READY, then client_listed has
 * the names, lent until the next listing, or an error of a search. Each is then to be searched.
 */
int client_list(struct client *client, const char *pattern, struct error *err);
const struct listing *client_listed(const struct client *client);

/* The version of a role that is trusted now, 0: none yet; and when it ends (realtime usec). */
uint64_t client_version(const struct client *client, enum root_role role, uint64_t *ret_expires);

/*
 * What a person should know although nothing failed, a line each: files of the store that were of
 * no use, roles that were used though they have expired (EXPIRY_WARN). "" if nothing.
 */
const char *client_notes(const struct client *client);
