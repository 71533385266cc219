/*
 * Where releases come from: options of [Source], and the way to a verified offer.
 */
#pragma once

#include "deploy/pick.h"
#include "deploy/session.h"
#include "release/offer.h"

struct source_release { /* one of the two, or neither */
	struct offer *offer; /* by its descriptor */
	struct plain *plain; /* TargetPattern= */
};

void source_release_done(struct source_release *release);
#define _cleanup_source_release_ _cleanup_(source_release_done)

/*
 * Refreshes the metadata (TUF client workflow) by the fetch helper and finds the newest release offered for this
 * app, channel and machine, or (TargetPattern=) the newest target, or the one of that version ("": the newest). The trusted files lie in the app's `trust` directory, root.json first.
 *
 * > 0: SOURCE_NONE, the repository is all right and offers nothing for this app; *ret_release is not set.
 * What was verified, or why not, is in session->checked and on disk when this returns, also on failure.
 */
enum { SOURCE_NONE = 1 };
int source_refresh(struct session *session, const char *request_id, const char *version,
		   struct source_release *ret_release, struct error *err);

/* The same version order that chooses: would the target take the place of a newer one from there? */
bool source_is_older(const struct session *session, const struct plain *plain,
		     struct descriptor *ret_running);

/*
 * What was offered last, that digest: would it change the data of what runs so that nobody could take it back ([Data])? That is a person's
 * to decide, and no timer's.
 */
bool source_is_one_way(const struct deploy_options *options, int dirfd,
		       const struct digest *offered);

/* Is a release barred by what was verified last: withdrawn, or below min_sequence? ret_why says which. */
bool source_bars(int dirfd, const struct descriptor *descriptor, char *ret_why, size_t room);
