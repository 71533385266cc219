/*
 * What a release costs beside the one before it: memory. That is no verdict of systemd's and of no probe.
 */
#pragma once

#include "deploy/session.h"
#include "unit/unit.h"

/* Notes what the release that still runs uses; not for one that has just come up. */
void growth_note(struct session *session, const struct unit *unit);

/* At the end of the watch window: tells what has grown beyond what the configuration allows. */
void growth_tell(struct session *session);
