/*
 * REVERTING: back to the slot that ran before. Needs no network and allocates nothing on disk.
 */
#pragma once

#include "deploy/session.h"

/* Ends with outcome rolled-back, rolled-back-unhealthy, both-bad or failed-first. */
int reverting_run(struct session *session, struct error *err);

/*
 * What a worker does for an app that is idle: after both-bad the known good release is kept running. Starts the unit
 * if it is not, and says so.
 */
int reverting_reassert(struct session *session, struct error *err);
