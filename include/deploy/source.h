/*
 * Where releases come from: options of [Source], and the way to a verified offer.
 */
#pragma once

#include "deploy/session.h"
#include "release/offer.h"

/*
 * Refreshes the metadata (TUF client workflow) by the fetch helper and finds the newest release offered for this
 * app, channel and machine. The trusted files lie in the app's `trust` directory, root.json first.
 *
 * > 0: SOURCE_NONE, the repository is all right and offers nothing for this app; *ret_offer is not set.
 * What was verified, or why not, is in session->checked and on disk when this returns, also on failure.
 */
enum { SOURCE_NONE = 1 };
int source_refresh(struct session *session, const char *request_id, struct offer **ret_offer,
		   struct error *err);

/* Is a release barred by what was verified last: withdrawn, or below min_sequence? ret_why says which. */
bool source_bars(int dirfd, const struct descriptor *descriptor, char *ret_why, size_t room);
