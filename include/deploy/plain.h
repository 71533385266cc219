/*
 * A plain target file, which has no descriptor (deploy/pick.h chooses it), and getting it onto the disk.
 * Only its whole has a hash, so that it can be verified no sooner than it is there: it lies in the app's
 * `staging` directory, closed to everybody else and in the way of nothing, never longer than promised, and
 * no byte of it is looked at but by the hashes until these are all right. What an earlier try left is gone
 * on with; if the whole is not what was promised then, it is fetched once more from the beginning.
 */
#pragma once

#include "deploy/watcher.h"
#include "trust/found.h"

struct plain {
	struct found *found; /* what verified metadata says of it */
	char version[STATE_VERSION_MAX];
	bool ordered; /* its version says whether it is newer than another */
	/*
	 * Its listed SHA-256; if none is listed, or parts of names are dropped: the SHA-256 of the listed hash
	 * in hexadecimal, a blank, and how many parts.
	 */
	struct digest promised;
};

/* The version of a target that has none of its own. Returns ret_version. */
char *plain_name(const struct digest *promised, char ret_version[static STATE_VERSION_MAX]);

/* Copies; version "": plain_name, and not ordered. */
int plain_new(const struct found *found, const char *version, unsigned int strip_components,
	      struct plain **ret_plain, struct error *err);
void plain_free(struct plain *plain);
CLEANUP_DEFINE(struct plain, plain_free);

/* Bytes done of all; < 0 stops with that code. Called several times a second. */
typedef int (*plain_progress)(struct watcher *watcher, uint64_t done, uint64_t total,
			      struct error *err);

/*
 * *ret_fd is open for reading, *ret_digest is the SHA-256 of what was verified: the reader holds the file to
 * it. FAULT_NO_SPACE before the first byte, if it is longer than an archive may be, or does not fit beside the
 * reserve; FAULT_UNTRUSTED: not what was promised; FAULT_NETWORK; FAULT_CONFIG: no day allows so many bytes at once; -EDQUOT: the day's bytes
 * are used up. The count of the day is that of the last look (deploy/source.h).
 */
int plain_get(struct watcher *watcher, const struct plain *plain, plain_progress progress,
	      int *ret_fd, struct digest *ret_digest, struct error *err);

/* Removes what plain_get left; fine if there is nothing. */
int plain_drop(struct session *session, struct error *err);
