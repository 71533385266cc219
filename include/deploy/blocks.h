/*
 * What a repair lacks, from the bundle without base that the release was published with: as much is fetched as is damaged,
 * compressed, and the head of the bundle.
 */
#pragma once

#include "deploy/watcher.h"
#include "install/salvage.h"

/*
 * > 0: BLOCKS_NONE, the seal names no such bundle, the source does not have it any more, or its server gives no ranges; what was
 * taken stays taken. FAULT_UNTRUSTED, FAULT_CORRUPT: it is not what the seal promises; otherwise as retrieval_check and
 * retrieval_prepare, FAULT_NETWORK, -EDQUOT.
 */
enum { BLOCKS_NONE = 1 };
int blocks_get(struct watcher *watcher, struct salvage *salvage, struct error *err);
