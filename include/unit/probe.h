/*
 * Probes: questions to a service whose answer is healthy or not. docs/PROBES.md is their manual.
 *
 * unit and notify are answered from what the manager says. All others run in a child process that holds
 * no descriptor, key or privilege of the worker and may only talk: kinds http, tcp and journal as the
 * user flipslot-probe; unix and file as the user of the app, without capabilities; exec in a sandboxed
 * transient unit (Type=oneshot) with the app's User=, so that its children die with it. Where the worker
 * is not root, the children run as who it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unit/unit.h"

enum probe_kind {
	PROBE_UNIT, /* active, not restarted since the trial began, the same invocation */
	PROBE_NOTIFY, /* Type=notify said READY=1; match in STATUS= if given */
	PROBE_HTTP, /* GET: status in range, body and header as wanted */
	PROBE_TCP, /* a connection is accepted */
	PROBE_UNIX, /* the same on a unix stream socket */
	PROBE_EXEC, /* a command exits 0 */
	PROBE_JOURNAL, /* a record of this invocation matches, none is to be rejected */
	PROBE_FILE, /* a file exists, is newer than the start, has the wanted text */
	PROBE_HEALTH, /* the service itself has said that it is well (flipslot health) */
	PROBE_ERRORS, /* no question to answer with yes: a number of records (unit/complaint.h) */
	PROBE_LAST, /* nor this: the last line (the same) */
	PROBE_KIND_MAX,
	PROBE_CONFIGURABLE_MAX =
		PROBE_ERRORS, /* the kinds before it have a place in a configuration */
};

const char *probe_kind_name(enum probe_kind kind);
enum probe_kind probe_kind_from_name(const char *name); /* PROBE_KIND_MAX if unknown */

#define PROBE_STATUS_RANGES 8

struct probe_options { /* all strings malloc'ed, NULL: not given */
	char *name;
	enum probe_kind kind;
	bool required; /* Level=required (default) or wanted */
	bool external; /* Class=external: never rolls back */
	bool in_start, in_watch;
	uint64_t period_usec; /* between the end of one run and the next */
	uint64_t timeout_usec; /* of one run */
	unsigned int success_threshold; /* in a row, to have passed */
	unsigned int failure_threshold; /* in a row, in the watch phase, to have failed */
	char *url; /* http */
	unsigned int status_ranges[PROBE_STATUS_RANGES][2]; /* inclusive; none given: 200-299 */
	size_t n_status_ranges;
	char *body; /* http: substring of the first 64 KiB */
	char *header; /* http: "Name: substring" that the answer must have */
	char *ca_file; /* http: PEM bundle instead of the system's */
	bool insecure; /* http: the certificate is not verified */
	char *address; /* tcp: HOST:PORT or [IPV6]:PORT */
	char *path; /* unix, file: absolute or relative to the slot; unix: "@name" is abstract */
	char **command; /* exec: argv, argv[0] absolute or relative to the slot */
	char *match; /* journal: ERE on MESSAGE; file: substring; notify: substring of STATUS= */
	char *reject; /* journal: ERE that condemns */
	bool fresh; /* file: must be newer than the start of the invocation */
};

/* Kind unit, required, local, start and watch, every 2 s, at most 5 s, 1 success, 3 failures. */
void probe_options_init(struct probe_options *options);
void probe_options_done(struct probe_options *options);

struct probe_context {
	const char *helper; /* this program, to run as `helper probe-helper` ("/proc/self/exe") */
	const char *app;
	const char *unit;
	const char *slot_path; /* absolute */
	const char *user, *group; /* of the unit, may be "" */
	bool dynamic_user; /* of the unit */
	const char *invocation; /* hex, may be "" */
	uint64_t started; /* realtime usec when the invocation was started: unit.started_usec */
	struct manager *manager; /* stops what a killed exec probe left; NULL: its own timeout does */
};

#define PROBE_TEXT_MAX 300

struct probe_answer {
	bool passed;
	uint64_t took_usec;
	char text[PROBE_TEXT_MAX]; /* "HTTP 500 from …, wanted 200-299", safe to print */
};

/* unit and notify: at once, from unit. For other kinds this is a bug (asserts). */
void probe_ask_unit(const struct probe_options *options, const struct probe_context *context,
		    const struct unit *unit, struct probe_answer *ret_answer);
bool probe_is_of_unit(enum probe_kind kind);

/*
 * The other kinds: a run in a child. probe_fd becomes readable when there is an answer; probe_finish
 * then returns 0; > 0: PROBE_PENDING. A child that has not answered at probe_deadline (the timeout and
 * PROBE_GRACE_USEC for its start) is killed and has failed ("no answer in 5s"). Freeing a run kills it,
 * with everything that it started. Both can return PROBE_UNASKED: who starts helpers (base/spawn.h) was not there or ended, so
 * that nobody has asked, which says nothing about the service; err says why, and the run is to be freed. The context is not needed after probe_begin, but for its manager.
 */
#define PROBE_GRACE_USEC 500000ULL

struct probe_run;
enum { PROBE_PENDING = 1, PROBE_UNASKED };
int probe_begin(const struct probe_options *options, const struct probe_context *context,
		struct probe_run **ret_run, struct error *err);
bool probe_is_unheard(const struct probe_run *run); /* spawn_is_unheard */
int probe_fd(const struct probe_run *run);
uint64_t probe_deadline(const struct probe_run *run); /* monotonic usec */
int probe_finish(struct probe_run *run, struct probe_answer *ret_answer, struct error *err);
void probe_run_free(struct probe_run *run);
CLEANUP_DEFINE(struct probe_run, probe_run_free);

/* All of it: begins, waits for the answer and finishes. > 0: PROBE_UNASKED, and *ret_answer is left as it was. */
int probe_run_once(const struct probe_options *options, const struct probe_context *context,
		   struct probe_answer *ret_answer, struct error *err);
