/*
 * Unpacking a published release into a slot while it still arrives, in a thread of its own: the one that fetches tells how
 * far the file is verified, looks now and then how far the unpacking is, and waits for it at the end.
 *
 *     arrival_new(…, &arrival)
 *     while (more comes)
 *             write and verify; arrival_verified(arrival, bytes); stop if arrival_look() says that it ended
 *     while (!arrival_look(arrival, &step, &done, &total))
 *             wait, show, arrival_free to give up
 *     arrival_finish(arrival, &descriptor)
 */
#pragma once

#include "install/stage.h"

struct arrival;

struct arrival_options {
	int dirfd; /* of the app, borrowed */
	enum slot slot;
	int fd; /* the file that grows, borrowed */
	uint64_t bytes; /* that it will have */
	bool forget; /* it is emptied before the sync, so that what nobody needs any more is not written to the disk */
	const struct stage_options *stage; /* borrowed */
};

/* descriptor: as for stage_arriving. Starts the thread. */
int arrival_new(const struct arrival_options *options, const struct descriptor *descriptor,
		struct arrival **ret_arrival, struct error *err);

/* Stops the thread, in the middle if need be; it writes nothing any more afterwards. So does arrival_free. */
void arrival_stop(struct arrival *arrival);
void arrival_free(struct arrival *arrival);
CLEANUP_DEFINE(struct arrival, arrival_free);

/* So many bytes from the beginning of the file are verified and there. */
void arrival_verified(struct arrival *arrival, uint64_t bytes);

/* How far it is: a step of stage.h. True: it has ended, well or not. */
bool arrival_look(struct arrival *arrival, enum stage_step *ret_step, uint64_t *ret_done,
		  uint64_t *ret_total);

/* Was the slot touched? Final only when the thread was stopped, or has ended. */
bool arrival_touched(struct arrival *arrival);

/* Waits until something of that has changed, at most until then (monotonic usec). */
void arrival_wait(struct arrival *arrival, uint64_t until);

/* It has ended: how. The slot is sealed if 0. */
int arrival_finish(struct arrival *arrival, struct descriptor *ret_descriptor, struct error *err);
