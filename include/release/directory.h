/*
 * Reading a directory that exists as if it were an archive: the same rules, policy and sink. Hard links
 * within it are found by inode, holes by SEEK_HOLE. strip_components and max_ratio do not apply.
 *
 * A file that changes while it is read is FAULT_BUSY; another file system mounted below it is refused.
 */
#pragma once

#include "release/pieces.h"
#include "release/sink.h"

/* Names, sizes and links only: *ret_index (digests null) is checked by treecheck_run. */
int directory_scan(int dirfd, const struct archive_options *options, struct index **ret_index,
		   struct error *err);

/* progress (may be NULL) counts bytes of content, of `total` (the caller knows it from the scan). */
int directory_read(int dirfd, const struct archive_options *options, uint64_t total,
		   const struct archive_sink *sink, void *sink_data, pieces_progress progress,
		   void *progress_data, struct error *err);
