/*
 * Taking an installed directory over as the first release: copied into slot a, sealed, known good, `current`. A
 * slot that is current but has lost its seal counts for no release: it can be taken over itself, into the other one.
 * The directory itself is not touched. Private to app/init*.
 */
#pragma once

#include <sys/stat.h>

#include "app/init.h"
#include "release/descriptor.h"

struct init_adopt {
	char *dir; /* as a person named it, absolute, without a slash at the end; NULL: nothing to adopt */
	struct stat st;
	int fd;
	enum slot slot; /* into which */
	bool done; /* an earlier run did it */
	struct descriptor descriptor; /* after the copy, or as it was made by the earlier run */
};

#define INIT_ADOPT_NONE  \
	{                \
		.fd = -1 \
	}
void init_adopt_done(struct init_adopt *adopt);
#define _cleanup_init_adopt_ _cleanup_(init_adopt_done)

/*
 * Looks whether it can be done. root: the app's directory, dirfd: the same, or -1 if it is not there yet.
 * FAULT_CONFIG: not a directory, one in the other, no version; FAULT_BUSY: the app has a release already.
 */
int init_adopt_look(struct init_adopt *adopt, const struct init_options *options, const char *root,
		    int dirfd, struct error *err);

/* Does it, under the app's lock. Up to the commit point nothing is left that a second run would trip over. */
int init_adopt_run(struct init_adopt *adopt, const struct init_options *options,
		   const struct deploy_options *deploy, int dirfd, struct error *err);
