/*
 * What is to be known of one app: gathered in one go from its directory, its configuration and systemd, nothing
 * changed. Showing it is status-text's and status-json's work.
 */
#pragma once

#include "app/result.h"
#include "release/descriptor.h"
#include "store/checked.h"
#include "store/outbox.h"
#include "store/scrubbed.h"
#include "unit/proof.h"

#define STATUS_PATH_MAX 1024
#define STATUS_NEXT_MAX 1200

struct status_slot {
	bool sealed; /* descriptor is set */
	struct descriptor descriptor;
	char problem[ERROR_TEXT_MAX]; /* the seal cannot be read; empty: it can, or there is none */
	bool current; /* `current` names it */
	bool good; /* it holds what is known good */
	bool fallback; /* … what was known good before */
	bool bad; /* … what is remembered as bad */
	uint64_t verified; /* realtime usec, when it was read and compared last; 0: not yet */
	uint64_t differences; /* that were found then */
	char damage[SCRUBBED_FIRST_MAX]; /* the first of them */
	char unmended[STATE_REASON_MAX]; /* why they could not be repaired; empty: not tried */
};

/* What systemd says of the app's unit, and /proc of its processes. */
struct status_unit {
	bool known;
	char unknown[ERROR_TEXT_MAX]; /* why it is not known */
	char load[32], active[32], sub[32];
	bool running;
	char explanation[300]; /* why it does not run */
	int main_pid;
	uint64_t since; /* realtime usec; 0: it does not run */
	unsigned int restarts; /* by systemd, since it was started by somebody */
	bool crashing; /* … and not settled yet */
	bool before_slot; /* it runs since before `current` names the slot, and not from there */
	bool proved; /* proof is set */
	char unproved[ERROR_TEXT_MAX]; /* why there is no proof to tell of */
	struct proof_verdict proof;
};

/* What waits in the outbox. */
struct status_alerts {
	size_t waiting;
	uint64_t oldest; /* realtime usec; 0: none waits */
	unsigned int attempts; /* of the oldest */
	unsigned int dropped; /* undelivered: the most that a receiver has missed */
	char receiver[OUTBOX_RECEIVER_MAX]; /* of the oldest */
	char error[OUTBOX_ERROR_MAX]; /* of its last attempt; or why nothing is known */
};

struct status {
	uint64_t now; /* realtime usec */
	char app[EVENT_LINE_APP_MAX];
	char unit_name[UNIT_NAME_MAX];
	char user[STATE_USER_MAX]; /* Scope=user:NAME; empty: Scope=system */
	char root[STATUS_PATH_MAX];
	uint64_t watch_usec;
	uint64_t scrub_usec; /* how often the slots are read; 0: never */
	struct error config_problem; /* FAULT_NONE: the configuration is in order */
	enum slot current; /* SLOT_NONE: nothing is installed */
	char problem[ERROR_TEXT_MAX]; /* `current` is damaged; empty: it is not */
	bool current_is_link; /* … but a link, which can be replaced */
	struct status_slot slots[SLOT_MAX];
	bool has_source; /* [Source] Url= is set: checked is what the last look found */
	struct checked checked;
	bool used_up; /* an update waits: MaxBytesPerDay= is used up */
	struct state state;
	struct status_unit unit;
	struct status_alerts alerts;
	bool worker_known, worker_alive;
	bool progress; /* step, done and total are of the transaction under way */
	enum stage_step step;
	uint64_t done, total;
	bool last_known; /* there was a transaction that has ended */
	struct result last;
};

/*
 * FAULT_CONFIG: no such app. What systemd does not tell is no error: see status_unit; nor is a broken
 * configuration, as long as the app's directory is found: see config_problem.
 */
int status_gather(const char *app, struct status *ret_status, struct error *err);

/* The same of the disk alone: systemd is not asked, and how far a step has got is not looked for. */
int status_gather_disk(const char *app, struct status *ret_status, struct error *err);

/* Which slot a rollback would go to; SLOT_NONE: none. */
enum slot status_rollback_slot(const struct status *status);
