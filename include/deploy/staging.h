/*
 * STAGING: the release goes into the inactive slot.
 */
#pragma once

#include "deploy/session.h"

/* Ends in STAGED, or with outcome refused, failed, cancelled, or (nothing to do) committed. */
int staging_run(struct session *session, struct error *err);
