/*
 * Reading an archive of verified pieces: tar (plain, gz, bz2, xz, zst) and zip through libarchive, never
 * through an external program. Each entry passes intake.h, which has the rules and the policy, before the
 * sink hears of it.
 *
 * The kind of archive is told by its first bytes; at most one compression is taken off, and a zip only
 * as it is. A tar ends at its end-of-archive mark, which must be there (else it may be cut short); what
 * follows the mark is not looked at. Names are the bytes of the archive, whatever the locale is; only
 * libarchive's zip reader composes decomposed letters (NFC), so that a zip may name no file twice.
 */
#pragma once

#include "release/pieces.h"
#include "release/sink.h"

/* progress (may be NULL) counts bytes of the archive. */
int archive_read(struct pieces *pieces, const struct archive_options *options,
		 const struct archive_sink *sink, void *sink_data, pieces_progress progress,
		 void *progress_data, struct error *err);

/*
 * Reads the archive without writing anything: *ret_index has the whole tree (digests still null),
 * checked by treecheck_run. An archive with nothing in it is FAULT_CORRUPT.
 */
int archive_scan(struct pieces *pieces, const struct archive_options *options,
		 pieces_progress progress, void *progress_data, struct index **ret_index,
		 struct error *err);
