/*
 * The descriptor of a published release: a TUF target `APP/CHANNEL/ARCH.json`, which the metadata vouches for. One
 * JSON object, canonical (keys sorted, no white space, a final newline is allowed when reading):
 *
 *     {"app":"gateway","arch":"x86_64","blobs":{"bundles":[{"from":"<index hex or empty>","head":N,"head_sha256":"<hex>",
 *      "length":N,"sha256":"<hex>"},…],"full":{"length":N,"pieces":["<sha256 hex>",…],"sha256":"<hex>"}},
 *      "bytes":N,"channel":"stable","epoch":0,"files":N,"format":"flipslot-offer 1","index":"<sha256 hex>",
 *      "min_sequence":0,"requires":{},"sequence":3,"version":"1.4","withdrawn":[{"index":"<hex>","sequence":2,"why":"…"}]}
 *
 * There may be a "check":["bin/selftest",…] (release/command.h). "requires" may have "commands":"git tar", "from":N, "glibc":"2.36", "kernel":"5.10", "libraries":"libfoo.so.1", "memory":BYTES, "os":"debian:12".
 *
 * A blob is served as `blobs/sha256/HEX` below where the repository is. "full" is an ordinary solid .tar.zst
 * that tar can open; `pieces` are the digests of its 1 MiB pieces (PIECES_SIZE), so that it can be streamed, resumed and
 * verified before it is decompressed. "bundles" (which may be missing) are release/bundle.h: from the release of that index, or,
 * with an empty one, from any; "near" (likewise), whose "from" is a list, from any of those; `head` and `head_sha256` are the length and the digest of its head. Unknown keys are kept out of the way: ignored.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "release/descriptor.h"

#define OFFER_MAX	    (1024 * 1024) /* bytes of JSON */
#define OFFER_NAME_MAX	    65 /* channel, arch: 1..64 of [a-z0-9_.-], with the final NUL */
#define OFFER_WITHDRAWN_MAX 64
#define OFFER_BUNDLES_MAX   32
#define OFFER_NEAR_MAX	    16
#define OFFER_REQUIRES_MAX  32 /* bytes of a text, with the final NUL */
#define OFFER_NAMES_MAX	    256 /* the same for a list of names */
#define OFFER_FULL_MAX	    (16ULL << 30) /* bytes of the full blob */

struct offer_withdrawn {
	struct digest index;
	uint64_t sequence;
	char why[160];
};

struct offer_bundle {
	struct digest from; /* index of the release that it starts from; null: any */
	struct digest blob;
	uint64_t length;
	struct digest head_digest;
	uint64_t head;
};

struct offer_requires { /* zero, empty: nothing */
	uint64_t from; /* it can only come over a release of this sequence or later */
	uint64_t memory; /* bytes that the machine must have */
	char kernel[OFFER_REQUIRES_MAX]; /* or later */
	char glibc[OFFER_REQUIRES_MAX]; /* or later */
	char os[OFFER_REQUIRES_MAX]; /* ID of os-release(5), or ID:VERSION_ID, or later */
	char libraries[OFFER_NAMES_MAX]; /* sonames, with blanks between */
	char commands[OFFER_NAMES_MAX]; /* names of programs, likewise */
	char unknown[OFFER_REQUIRES_MAX]; /* a requirement that only a newer version understands */
};

/* A bundle that starts from any of several releases. */
struct offer_near {
	struct offer_bundle bundle; /* its `from` is null */
	struct digest from[OFFER_NEAR_MAX]; /* their indexes */
	size_t n_from; /* 0: there is no such bundle */
};

struct offer {
	char app[65];
	char channel[OFFER_NAME_MAX];
	char arch[OFFER_NAME_MAX]; /* as `uname -m`, or "any" */
	char version[DESCRIPTOR_VERSION_MAX];
	uint64_t sequence; /* from 1; orders releases, the version is for people */
	uint64_t min_sequence; /* nothing below it may run any more, nor be rolled back to */
	uint64_t epoch; /* of the data that it reads and writes */
	struct offer_requires requires;
	struct command check; /* that the release must pass on the device before it is switched to */
	uint64_t bytes, files; /* unpacked */
	struct digest index; /* SHA-256 of the canonical index of the tree */
	struct digest full;
	uint64_t full_length;
	struct digest *pieces; /* of the full blob, in order */
	size_t n_pieces;
	struct offer_bundle bundles[OFFER_BUNDLES_MAX];
	size_t n_bundles;
	struct offer_near near;
	struct offer_withdrawn withdrawn[OFFER_WITHDRAWN_MAX];
	size_t n_withdrawn;
};

void offer_free(struct offer *offer);
CLEANUP_DEFINE(struct offer, offer_free);

/* *ret_json is malloc'ed. */
int offer_encode(const struct offer *offer, char **ret_json, size_t *ret_size, struct error *err);

/* Strict: FAULT_CORRUPT names the key. The number of pieces must fit full_length. */
int offer_decode(const void *json, size_t size, struct offer **ret_offer, struct error *err);

/* "APP/CHANNEL/ARCH.json" into ret_path. */
int offer_path(const char *app, const char *channel, const char *arch, char *ret_path, size_t room,
	       struct error *err);

/* The bundle that starts from that release (null: from any); NULL if there is none. */
const struct offer_bundle *offer_find_bundle(const struct offer *offer, const struct digest *from);

/* The one to update by from that release; NULL if there is none. */
const struct offer_bundle *offer_find_update(const struct offer *offer, const struct digest *from);

/* Is the release of that index withdrawn by this offer? NULL if not. */
const struct offer_withdrawn *offer_find_withdrawn(const struct offer *offer,
						   const struct digest *index);
