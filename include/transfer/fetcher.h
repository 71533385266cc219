/*
 * The worker's side of the fetch helper: one child process for a transaction or a check, which keeps its
 * connections. It is taken for hostile: every frame is checked (transfer/inbox.h), every wait has an
 * end, and a helper that breaks the rules, hangs or dies is killed, with its fetches ended as
 * FETCH_HELPER. The next fetch starts another one, FETCHER_STARTS_MAX times at most.
 *
 * One thread uses a fetcher, and outlives it. Callers use transfer/fetch.h or transfer/download.h, and
 * of this header fetcher_new, fetcher_wait or the three that let a fetcher share a poll.
 */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "transfer/fetch-settings.h"
#include "transfer/inbox.h"

#define FETCHER_FETCHES_MAX 4 /* at once */
#define FETCHER_STARTS_MAX  5

struct fetcher;

/*
 * helper: this program ("/proc/self/exe"), to run as `HELPER fetch-helper`. Both are borrowed until
 * fetcher_free. Starts the helper, and does not wait for it.
 */
int fetcher_new(const char *helper, const struct fetch_settings *settings,
		struct fetcher **ret_fetcher, struct error *err);

/* All its fetches must be free. Kills the helper and reaps it. */
void fetcher_free(struct fetcher *fetcher);
CLEANUP_DEFINE(struct fetcher, fetcher_free);

/* Waits until something has come or happened to a fetch, at most until then (monotonic usec). */
void fetcher_wait(struct fetcher *fetcher, uint64_t until);

/*
 * The same in a poll of the caller's: when the descriptor (-1: none now; it changes with the helper) is
 * readable, or the time has come (monotonic usec; USEC_INFINITY), dispatch. It never waits.
 */
int fetcher_fd(const struct fetcher *fetcher);
uint64_t fetcher_deadline(const struct fetcher *fetcher);
void fetcher_dispatch(struct fetcher *fetcher);

/* What the helper gave away ("user 991, landlock 7, seccomp"); "" until it is ready. Printable. */
const char *fetcher_confinement(const struct fetcher *fetcher);

/* ---- for transfer/fetch ---- */

/*
 * Orders a fetch; what comes goes to the inbox (borrowed until fetcher_close), at last its end. > 0:
 * FETCHER_FULL, there are FETCHER_FETCHES_MAX already. < 0: there is no helper any more and none will
 * be started: FAULT_CONFIG (it refused its settings) or FAULT_NETWORK (it died too often).
 */
enum { FETCHER_FULL = 1 };
int fetcher_open(struct fetcher *fetcher, const char *url, const struct wire_get *get,
		 struct inbox *inbox, uint32_t *ret_id, struct error *err);

/* The consumer has read: the helper may send more. */
void fetcher_credit(struct fetcher *fetcher, uint32_t id);

/* Not wanted any more. */
void fetcher_close(struct fetcher *fetcher, uint32_t id);
