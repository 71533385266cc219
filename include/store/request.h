/*
 * What a caller wants from the worker: written by the CLI under the lock of the request file
 * itself, answered by the worker in the state record (state.answered).
 */
#pragma once

#include "store/state.h"

struct request {
	char id[STATE_ID_MAX]; /* of the transaction to be, or of the command */
	char boot_id[CLOCK_BOOT_ID_MAX];
	uint64_t expires; /* monotonic: with the boot id, the clock may jump meanwhile */
	enum verb verb;
	enum slot slot; /* switch: a, b, or SLOT_NONE for "previous" */
	char version[STATE_VERSION_MAX]; /* install */
	char source[STATE_PATH_MAX];
	struct digest source_digest;
	unsigned int strip_components;
	bool trust_me; /* install: no digest was given and the person said so */
	char signer[STATE_SIGNER_MAX]; /* install: the digest is that of what this key has signed */
	bool start;
	bool now;
	bool no_way_back; /* accepted */
	uint64_t epoch; /* install: of the release's data */
	bool force;
	uint64_t sequence; /* update: this one and no other; 0: the newest */
	uint64_t until; /* hold */
	char group[STATE_GROUP_MAX]; /* as a part of it; empty: none */
	char round[STATE_ID_MAX];
	char why[STATE_REASON_MAX];
	char who[STATE_WHO_MAX];
};

/* A fresh random id (UUID version 4 text) of a transaction or command. */
int request_new_id(char ret_id[static STATE_ID_MAX], struct error *err);

/* Locks the request file: as lock_wait(); *ret_lock_fd is closed to unlock. > 0: LOCK_TAKEN. */
int request_lock(int dirfd, uint64_t timeout_usec, int *ret_lock_fd, struct error *err);

int request_store(int dirfd, const struct request *request, struct error *err);

/* > 0: REQUEST_NONE: never written, or withdrawn (VERB_NONE). Expiry is the caller's to judge: */
enum { REQUEST_NONE = 1 };
int request_load(int dirfd, struct request *ret_request, struct error *err);
bool request_is_expired(const struct request *request, const char *boot_id,
			uint64_t monotonic_usec);
