/*
 * A repository from the publisher's side:
 *
 *     DIR/metadata/N.root.json, N.targets.json, N.snapshot.json, timestamp.json     served
 *     DIR/targets/APP/CHANNEL/SHA256.ARCH.json                                      served: offers
 *     DIR/blobs/sha256/SHA256                                                       served: archives
 *     DIR/.flipslot-repo/config, lock, root.json, targets.json                      not to be served
 *
 * The last two are pending: made, but not published, since signatures are missing or a publisher was
 * interrupted. What is published is what timestamp.json leads to; a file of a later version that it does not lead
 * to was left by an interruption, and is written anew.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "publish/keyring.h"
#include "publish/settings.h"
#include "trust/root.h"

#define REPO_STATE_DIR	  ".flipslot-repo"
#define REPO_METADATA_DIR "metadata"
#define REPO_TARGETS_DIR  "targets"
#define REPO_BLOBS_DIR	  "blobs/sha256"
#define REPO_LOCK_USEC	  (30 * 1000000ULL) /* how long to wait for another publisher */

struct repo_options {
	uint64_t now; /* realtime usec */
	secret_ask ask; /* for encrypted keys; may be NULL */
	void *ask_data;
};

struct repo {
	struct repo_options options;
	int dirfd; /* DIR */
	int statefd; /* DIR/.flipslot-repo */
	int lockfd; /* held */
	struct settings settings;
	struct keyring keyring;
	json_t *published[ROOT_ROLE_MAX]; /* documents; NULL: none yet */
	json_t *pending[ROOT_ROLE_MAX]; /* root and targets; NULL: none */
};

/* Makes the folders of a new one, in DIR which is made if need be. One that is there: FAULT_CONFIG. */
int repo_create(const char *dir, const struct repo_options *options, struct repo **ret_repo,
		struct error *err);

/* Opens one, locked. > 0 never; somebody else is publishing: FAULT_BUSY. */
int repo_open(const char *dir, const struct repo_options *options, struct repo **ret_repo,
	      struct error *err);
void repo_free(struct repo *repo);
CLEANUP_DEFINE(struct repo, repo_free);

/* What comes next if all goes well: pending, otherwise published; lent, NULL: none. */
json_t *repo_latest(const struct repo *repo, enum root_role role);

/* The pending document of the role, made from the published one if there is none; lent. Its signatures go. */
int repo_edit(struct repo *repo, enum root_role role, json_t **ret_body, struct error *err);

/* Makes the document the pending one: takes it over. */
void repo_set_pending_consume(struct repo *repo, enum root_role role, json_t *document);

/* Writes what is pending, durably. */
int repo_save_pending(struct repo *repo, struct error *err);

/* It is published now. */
int repo_drop_pending(struct repo *repo, enum root_role role, struct error *err);

/* When metadata that is made now expires. */
uint64_t repo_expires(const struct repo *repo, enum root_role role);
