/*
 * Signing elsewhere: what waits for signatures is written to files, signed by who has the keys, on a machine that
 * needs nothing but those files, and merged. The files are the metadata itself, with the signatures so far; in
 * what order they are signed and merged, one after the other or side by side, does not matter.
 */
#pragma once

#include "base/text.h"
#include "publish/repo.h"

/* Makes the next version of root or targets, with nothing changed but when it expires. */
int offline_renew(struct repo *repo, enum root_role role, struct error *err);

/* Writes what is pending to dirfd as VERSION.ROLE.json; their names go to report, a line each. */
int offline_export(const struct repo *repo, int dirfd, struct text *report, struct error *err);

/* Takes the signatures of a file. FAULT_CONFIG: nothing of its role waits; FAULT_UNTRUSTED: it was changed. */
int offline_merge(struct repo *repo, const char *file, struct error *err);

/*
 * Signs the file with every key of the keyring; whether the role has them is told by who merges. The file is
 * replaced. report: what it is that was signed, for the person who does.
 */
int offline_sign(int dirfd, const char *file, const struct keyring *keyring, struct text *report,
		 struct error *err);
