/*
 * From the caller to the worker: a request is written beside the app's state, the worker's unit is started over
 * D-Bus, and the answer is read from the state record. The worker survives the caller; nothing is done here.
 */
#pragma once

#include "store/request.h"

#define ASK_PATIENCE_USEC \
	(30 * USEC_PER_SEC) /* how long an answer is waited for; then the request expires */

/* Sets a fresh id, this boot and who asks. The rest is the caller's; the expiry is set when it is posted. */
int ask_prepare(struct request *request, struct error *err);

/*
 * "alice by sudo", "root (uid 0)": who asks, as far as it can be known. sudo_user is the caller's SUDO_USER or NULL.
 * Returns ret_who.
 */
char *ask_who(const char *sudo_user, unsigned int uid, char ret_who[static STATE_WHO_MAX]);

/*
 * Asks the worker of `app` and waits for its answer, in *ret_state (state->accepted and state->answer).
 * Waits first while another caller's request is unanswered. No answer in time: the request is withdrawn,
 * FAULT_BUSY. > 0: ASK_INTERRUPTED, interrupt_fd (-1: none) became readable: withdrawn as well.
 */
enum { ASK_INTERRUPTED = 1 };
int ask_worker(const char *app, int dirfd, const struct request *request, int interrupt_fd,
	       struct state *ret_state, struct error *err);

/*
 * FAULT_CONFIG if `path` (absolute) is another file, or none, below `root`, which is how the worker sees it
 * (ASK_WORKER_ROOT). Not judged if that cannot be looked at.
 */
#define ASK_WORKER_ROOT "/proc/1/root"
int ask_check_seen(const char *path, const char *root, struct error *err);

/* Starts the worker without a request: it resumes what is under way. */
int ask_start_worker(const char *app, struct error *err);
