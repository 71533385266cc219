/*
 * What may come in: the rules, limits and policy for entries of an archive or of a directory that is
 * taken over. Decides from what it is told and touches no file.
 *
 * Refused with FAULT_CORRUPT: names against release/names.h; what is neither file, directory nor link;
 * absolute link targets; setuid, setgid and file capabilities (unless allowed); a hard link to what has
 * not been seen, or with content of its own; a second entry of another kind than the first, and one that
 * replaces a file which others are hard links to. (A directory may come twice, a second file or symlink
 * replaces the first.) What treecheck.h checks, the caller does at the end.
 *
 * Refused with FAULT_NO_SPACE: more than the limits.
 *
 * Policy: directories get 0755. Files: everybody may read them, everybody may execute what its owner may,
 * its owner may write what he may, nobody else may write. Times: mtime in seconds, if between 0 and 2^33, else 0. A hard link to a
 * symlink becomes a symlink of the same text. Who owns files, ACLs, flags and extended attributes (but
 * security.capability, where setuid is allowed) are not taken over.
 */
#pragma once

#include "release/sink.h"

struct intake;

/* options is borrowed. archive_bytes: what the ratio is of; UINT64_MAX: no ratio. */
int intake_new(const struct archive_options *options, uint64_t archive_bytes,
	       struct intake **ret_intake, struct error *err);
void intake_free(struct intake *intake);
CLEANUP_DEFINE(struct intake, intake_free);

/* From now on a second file of the same name is refused. */
void intake_set_no_replace(struct intake *intake);

/* The next entry has this name, as it is written in the archive (NULL: not to be had). Counts it. */
int intake_begin(struct intake *intake, const char *name, struct error *err);

/* How many entries were begun. */
uint64_t intake_count(const struct intake *intake);

/* Refuses the entry: "entry 3 (its/name): what". */
int intake_refuse(const struct intake *intake, const char *what, struct error *err);

/*
 * The rest of the entry that was begun: `raw` has the type, the mode as it is written, mtime, size
 * (`sized`: is it known?), target and capability. *ret_entry is what shall be made of it, borrowed
 * until the next entry. > 0: INTAKE_SKIP, nothing is to be made.
 */
enum { INTAKE_SKIP = 1 };
int intake_entry(struct intake *intake, const struct index_entry *raw, bool sized,
		 const struct index_entry **ret_entry, struct error *err);

/* `size` bytes of content come at `offset` of the file. */
int intake_content(struct intake *intake, uint64_t size, uint64_t offset, struct error *err);

/* Counts bytes that come without being looked at (intake_content counts those it is told of). */
int intake_stored(struct intake *intake, uint64_t size, struct error *err);

/* The file is complete: gives its size. */
uint64_t intake_end(struct intake *intake);

/* May so many bytes come out of the archive in all? */
int intake_check_ratio(const struct intake *intake, uint64_t bytes, struct error *err);

/* The tree as far as it has come; the second hands it over to the caller. */
const struct index *intake_index(const struct intake *intake);
struct index *intake_take_index(struct intake *intake);
