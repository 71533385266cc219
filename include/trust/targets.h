/*
 * Targets roles, the top-level one and delegated ones alike (TUF specification 4.5, 5.6).
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/delegation.h"
#include "trust/hashes.h"
#include "trust/metadata.h"
#include "trust/metafile.h"
#include "trust/signers.h"

struct targets {
	struct metadata metadata;
	json_t *files; /* "targets", looked into one by one */
	struct delegation *delegation; /* NULL: delegates nothing */
};

/* What a role says of a target file. */
struct targets_file {
	uint64_t length; /* bytes */
	struct hashes hashes;
	char *custom; /* JSON of the "custom" object, malloc'ed; NULL if there is none */
};

/*
 * In the order of 5.6: these are the bytes that the snapshot promised, signed by these signers, of
 * the form, of the promised version. Not compared with a clock yet.
 */
int targets_read(const struct signers *signers, const struct metafile *promised, const void *data,
		 size_t size, struct targets **ret_targets, struct error *err);
void targets_free(struct targets *targets);
CLEANUP_DEFINE(struct targets, targets_free);

/* > 0: TARGETS_ABSENT, it says nothing of that path. A wrong form is FAULT_CORRUPT. */
enum { TARGETS_ABSENT = 1 };
int targets_find(const struct targets *targets, const char *path, struct targets_file *ret_file,
		 struct error *err);
void targets_file_done(struct targets_file *file);
