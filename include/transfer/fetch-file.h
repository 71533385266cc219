/*
 * file:// for the fetch helper: the folder may lie on a stick that an attacker has prepared, so it is
 * read here, where a file system that lies or hangs does no harm.
 *
 * Only regular files at or below file_root; links are followed as long as they stay below it.
 */
#pragma once

#include "base/error.h"
#include "transfer/fetch-stream.h"

/* Opens the folder, with the rights that the process still has. FAULT_CONFIG. */
int fetch_file_open_root(const char *file_root, int *ret_fd, struct error *err);

/*
 * Begins. Returns a descriptor that the caller closes, positioned at the first byte that is wanted; -1:
 * the stream has ended. file_root NULL: there is no such folder.
 */
int fetch_file_begin(struct fetch_stream *stream, const char *file_root, int root_fd);

/* Sends what may be sent at once, one frame at most; ends the stream at the end. */
void fetch_file_step(struct fetch_stream *stream, int fd, uint64_t now);
