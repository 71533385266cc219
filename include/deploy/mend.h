/*
 * What becomes of a slot that was found damaged (deploy/soundness.h), in an idle worker.
 *
 * It is told, and alerted, once for each time that it was found. The slot to go back to is repaired, at most once an hour, as long
 * as the service runs: of what is not as its seal says, from the other slot what is there, the rest from the source, if
 * that has it still: block by block (deploy/blocks.h), or from the archive that the release came in. What a repair that
 * failed had taken does not stay in staging/, unless it came by a network that failed, or the slot has no seal any more. The slot that runs is never written:
 * installing its release again mends it.
 */
#pragma once

#include "deploy/session.h"

#define MEND_PAUSE_USEC (3600 * USEC_PER_SEC)

/* Whatever fails is told; a request that comes in is served, and ends it. */
void mend_run(struct session *session);
