/*
 * The worker: answers requests and performs transactions of one app until nothing is left to do.
 */
#pragma once

#include "deploy/event.h"
#include "deploy/options.h"

/*
 * Takes the app's lock, resumes what the state record says was under way, then serves requests; returns
 * when the app is idle and no request waits. ready() is called once, when the first request's intent is on disk (or there
 * was nothing to do, or a transaction was resumed). stop_fd (signalfd or eventfd; -1: none) readable asks to let go: the transaction stays as it is
 * on disk and goes on at the next start.
 *
 * Returns 0, or > 0: WORKER_BUSY (another worker has the lock), WORKER_STOPPED (let go with a transaction under way).
 */
enum { WORKER_BUSY = 1, WORKER_STOPPED = 2 };
int worker_run(const struct deploy_options *options, const struct event_listener *listener,
	       void (*ready)(void *data), void *ready_data, int stop_fd, struct error *err);
