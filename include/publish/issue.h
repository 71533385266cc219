/*
 * Publishing: from what is pending to what a reader sees.
 *
 *     sign      what is pending, by the keys at hand; it is written, with whatever signatures it has
 *     choose    the latest root and targets that have enough signatures; what has not waits, and what was
 *               published before stays in force
 *     make      snapshot and timestamp, if they must change, signed
 *     write     targets, snapshot, timestamp, each whole and durable before the next. At every instant a reader
 *               finds a set that fits together, old or new; timestamp.json is the commit point.
 *
 * A new root goes last if what is written before is signed for the old root too (as it is when the old keys are at
 * hand): then readers of the old and of the new root are both served at every instant. If not, it goes first.
 *
 * An interruption is mended by running any of this again.
 */
#pragma once

#include "base/text.h"
#include "publish/repo.h"

/*
 * What was done goes to report, a line each. > 0: ISSUE_WAITING, signatures are missing; the report says whose.
 * Keys of snapshot or timestamp that are needed and not at hand: FAULT_CONFIG.
 */
enum { ISSUE_WAITING = 1 };
int issue_run(struct repo *repo, struct text *report, struct error *err);

/*
 * The same, after new versions of root and targets were made of those of which less than half of their time is
 * left, if enough keys are at hand; if not, the report says what expires when. Nothing to do: an empty report.
 */
int issue_refresh(struct repo *repo, struct text *report, struct error *err);

/* Is it signed by enough keys of the role, by that root (a body)? Otherwise FAULT_UNTRUSTED. */
int issue_check(const json_t *root, enum root_role role, json_t *document, struct error *err);

/* How many of the role's keys are at hand. */
int issue_count_keys(struct repo *repo, enum root_role role, uint64_t *ret_n, struct error *err);
