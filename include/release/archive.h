/*
 * Reading an archive of verified pieces: tar (plain, gz, bz2, xz, zst) and zip through libarchive, never
 * through an external program. Each entry is checked against the limits and the rules for names before
 * the sink hears of it; what a rule refuses ends the reading with FAULT_CORRUPT (FAULT_NO_SPACE for
 * limits) and one line that names the entry, its number and the rule.
 *
 * Refused: absolute names, "..", empty names, control characters and invalid UTF-8 in names, names or
 * targets too long, devices, fifos, sockets, setuid/setgid/file capabilities (unless allowed), more than
 * the limits, a hard link to what has not been seen, a second entry that changes the type of an earlier
 * one (a second directory entry is fine; a second file replaces the first).
 *
 * Policy: owner is always who unpacks (root). Mode: directories 0755; files: the owner's r and x bits, copied
 * to group and others; the owner's w bit kept; nobody else may write. Times: mtime in seconds, kept if between 0 and 2^33. Hard links
 * within the tree are kept. Holes of sparse files stay holes. ACLs, flags and extended attributes are not
 * applied (security.capability is, where setuid is allowed).
 */
#pragma once

#include "release/index.h"
#include "release/pieces.h"

struct archive_options {
	unsigned int strip_components; /* leading parts of each name to drop; entries with fewer vanish */
	bool allow_setuid;	       /* also file capabilities */
	uint64_t max_bytes;	       /* unpacked, of all files (apparent size) */
	uint64_t max_files;	       /* entries */
	unsigned int max_depth;	       /* parts of a name */
	unsigned int max_ratio;	       /* unpacked bytes per byte of archive, checked above 16 MiB unpacked */
};

struct archive_sink {
	/* A new entry; the sink may keep nothing of it after the call but what it copies. */
	int (*entry)(void *data, const struct index_entry *entry, struct error *err);
	/* Content of the file announced last, in rising order of offset; what is skipped is a hole. */
	int (*content)(void *data, const void *bytes, size_t size, uint64_t offset, struct error *err);
	/* The file announced last is complete. */
	int (*end)(void *data, struct error *err);
};

/* progress counts bytes of the archive. */
int archive_read(struct pieces *pieces, const struct archive_options *options,
		 const struct archive_sink *sink, void *sink_data, pieces_progress progress,
		 void *progress_data, struct error *err);

/*
 * Reads the archive without writing anything: *ret_index has the whole tree (digests still null),
 * checked by index_check.
 */
int archive_scan(struct pieces *pieces, const struct archive_options *options, pieces_progress progress,
		 void *progress_data, struct index **ret_index, struct error *err);
