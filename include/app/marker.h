/*
 * The file that the fault app of `flipslot drill --fault migrate` writes into the service's data ([Data] Path=): MARKER_NAME, and while it is
 * written MARKER_NAME ".new". Nothing else of the data is touched, and no file of these names that is there already. With the
 * rollback the data is what was kept aside before the switch, so the marker is gone with what it was written into.
 */
#pragma once

#include <sys/types.h>

#include "base/cleanup.h"
#include "deploy/options.h"

#define MARKER_NAME "flipslot-drill-marker"
#define MARKER_MAX  200 /* bytes of its path: the fault app's lines are short */

struct marker {
	char path[MARKER_MAX]; /* of the marker */
	const char *data; /* Path= */
	ino_t inode; /* of the data as the marker is written into it */
	int watch_fd; /* sees it come */
};

void marker_done(struct marker *marker);

/* Before the drill. FAULT_CONFIG: there is nothing to rehearse, and how it is had; or a file of that name is there. `options` must outlive it. */
int marker_init(struct marker *marker, const struct deploy_options *options, struct error *err);

/*
 * After the rollback: the marker was written, is gone, and another directory is in its place, the one that was kept aside.
 * FAULT_CONFIG: it was never written. FAULT_UNHEALTHY: the data is not as it was.
 */
int marker_judge(const struct marker *marker, struct error *err);
