/*
 * The service's data ([Data]): kept aside while the service is stopped, before a release of a higher epoch runs; put back with a
 * rollback; dropped when the transaction has ended.
 *
 *     PARENT/NAME                the data: Path=
 *     PARENT/.NAME.flipslot      what is kept aside; after it was put back: what the failed release made of the data
 *
 * PARENT and all above it belong to root (to the user, in a user's flipslot), and nobody else may write there: so the two names are root's to exchange,
 * in one step. What is *in* them is the service's: only a child that is their owner looks into it (deploy/data-helper.h).
 *
 * Which of both is the old data is recorded by the number of its inode (state: transaction.data_inode), as soon as the copy is complete and synced. Putting
 * it back means "NAME shall be that inode", which is true or made true: the same after any crash. 0: nothing is kept aside, and the
 * new release has not run.
 */
#pragma once

#include "deploy/preflight.h"
#include "deploy/session.h"

/* Is data kept aside at all? */
bool data_is_kept(const struct deploy_options *options);

/* For preflight of such a switch: can it be, and does it fit? */
void data_check(const struct deploy_options *options, struct preflight *preflight);

/* What it would take: "12.0 MiB are copied", "… shared". FAULT_…: it cannot be. */
int data_describe(const struct deploy_options *options, char *ret_text, size_t room,
		  struct error *err);

/*
 * Keeps the data aside; the service is stopped. Anew if that was begun before. > 0: DATA_INTERRUPTED (deploy/data-helper.h). An error is the data's, or
 * the disk's: what was there is as it was.
 */
int data_take(struct session *session, struct error *err);

/* Is the old data in its place (or was none kept aside)? */
int data_is_back(struct session *session, bool *ret_back, struct error *err);

/* Puts it back; the service is stopped. > 0: DATA_LOST, neither name is what was kept aside. */
enum { DATA_LOST = 1 };
int data_restore(struct session *session, struct error *err);

/* Nothing is under way: drops what was kept aside. Told if that fails; the next worker tries again. */
void data_drop(struct session *session);
