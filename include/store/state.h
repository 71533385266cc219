/*
 * The durable state of one app: one struct, one writer (whoever holds the lock), one record file.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "store/outcome.h"
#include "store/phase.h"
#include "store/slot.h"
#include "store/verb.h"

#define STATE_ID_MAX	  37 /* a transaction id: UUID text with the final NUL */
#define STATE_VERSION_MAX 128 /* bytes with the final NUL */
#define STATE_REASON_MAX  300
#define STATE_WHY_MAX	  128
#define STATE_WHO_MAX	  64
#define STATE_USER_MAX	  33
#define STATE_UNIT_MAX	  256
#define STATE_SIGNER_MAX  17 /* a minisign key id: 16 hexadecimal digits, with the final NUL */
#define STATE_GROUP_MAX	  65 /* a name as an app has, with the final NUL */
#define STATE_PATH_MAX	  1024
#define STATE_BAD_MAX	  6 /* remembered bad releases; the oldest is dropped */
#define STATE_STARTS_MAX  8 /* remembered start times */

/* A release as far as the state must know it. A null digest: none. */
struct state_release {
	struct digest digest; /* of the canonical file index of its tree: what the seal says */
	char version[STATE_VERSION_MAX];
	uint64_t sequence; /* in its repository; 0: not known */
};

/* The transaction under way, or the last one while phase is PHASE_IDLE (empty id: never one). */
struct state_transaction {
	char id[STATE_ID_MAX];
	enum verb verb;
	char unit[STATE_UNIT_MAX]; /* must be running from the switch on, whatever becomes of us */
	char user[STATE_USER_MAX]; /* in whose manager it is; empty: that of the scope */
	enum slot target; /* absolute: the slot that shall become current */
	enum slot origin; /* the slot that was current before; SLOT_NONE at a first install */
	struct state_release release; /* digest is null until it is staged */
	uint64_t began; /* realtime */
	uint64_t phase_began; /* realtime */
	uint64_t switched; /* realtime, when the unit was (re)started for the trial; 0: not yet */
	char boot_id[CLOCK_BOOT_ID_MAX]; /* the boot in which phase was entered or resumed last */
	bool orderly; /* the machine was being shut down when the worker let go */
	unsigned int attempts; /* worker starts in this phase */
	unsigned int boot_tries_left;
	/* the unit's invocation before the flip, and the one under trial; empty: none yet */
	char old_invocation[33];
	char invocation[33];
	uint64_t phase_began_monotonic; /* in the boot of boot_id */
	/* usec from the old release's end to the first passed start; 0: not measured */
	uint64_t downtime;
	/* of an update: bytes of the release that were fetched, at least, and in how many requests */
	uint64_t fetched, requests;
	uint64_t files,
		reused; /* files of the release; of them on this disk already. 0: not known */
	char from_version[STATE_VERSION_MAX]; /* what ran before; empty: nothing */
	uint64_t memory; /* bytes that the old release used before the switch; 0: not known */
	/* records of priority err that it logged in the time before the switch; usec, 0: not known */
	uint64_t errors, errors_usec;
	/* names of probes that failed on the old release, each with a comma behind */
	char baseline[256];
	char siblings[256]; /* units of AlsoRestart= that were up before the switch; the same */
	/* ports that the unit had before the switch or, if it was down, that somebody else had; the same */
	char ports[100];
	bool was_up;
	bool trust_me; /* sideloaded on a person's word alone */
	char signer[STATE_SIGNER_MAX]; /* the minisign key that signed the archive; empty: none */
	/*
	 * How it ended. Writing PHASE_IDLE with an outcome is the commit point of the outcome;
	 * `recorded` follows once the history has it, so that a crash in between records it at the
	 * next start, once. fault and reason are set before that when the verdict fell (REVERTING). In STAGING and
	 * STAGED reason says what is waited for.
	 */
	enum outcome outcome;
	bool recorded;
	uint64_t ended; /* realtime */
	bool unjudged; /* nobody could ask its probes: it goes back, and is not remembered as bad */
	enum fault fault;
	char reason[STATE_REASON_MAX];
	/* arguments of the request */
	char source[STATE_PATH_MAX]; /* archive, absolute */
	struct digest source_digest;
	uint64_t sequence; /* update: wanted; once staged: that of the release. 0: none given */
	bool unattended; /* asked for by the timer, nobody follows */
	unsigned int strip_components;
	bool start; /* --start: an inactive unit is fine */
	bool no_way_back; /* --accept-no-rollback */
	bool data; /* the data is kept aside before the release runs, and comes back with a rollback */
	uint64_t data_inode; /* of the directory with the old data, once it is whole; 0: not yet, or not any more */
	uint64_t epoch; /* install: of the release's data */
	bool now; /* --now: neither a window nor an inhibitor is waited for */
	bool force; /* --force: the slot is emptied although old processes still use it */
	uint64_t inhibited; /* monotonic, in the boot of boot_id: when it was held off first; 0: it was not */
	char group[STATE_GROUP_MAX]; /* of which it is a part; empty: none */
	char round[STATE_ID_MAX]; /* of that group */
	char why[STATE_WHY_MAX]; /* --why, cut to that; empty: nothing was said */
	char who[STATE_WHO_MAX];
};

struct state_hold {
	bool held;
	uint64_t since;
	uint64_t until; /* 0: until somebody says unhold */
	char who[STATE_WHO_MAX];
	char why[STATE_REASON_MAX];
};

/* Since the app was set up; what each outcome adds is in the same write as the outcome. */
struct state_totals {
	unsigned int ended[OUTCOME_MAX - 1]; /* transactions, by how they ended: [outcome - 1] */
	uint64_t downtime; /* usec, of those that were measured */
	uint64_t fetched, requests; /* of releases: bytes, and requests that were made for them */
};

struct state {
	enum phase phase;
	struct state_transaction transaction;
	struct state_release good; /* known good: what must run when nothing is under way */
	struct state_release fallback; /* known good before that: what `rollback` goes to */
	struct state_hold hold;
	struct state_release bad[STATE_BAD_MAX]; /* newest first; null digest ends the list */
	/* usec from job to ready of committed trials, newest first; 0 ends */
	uint64_t starts[STATE_STARTS_MAX];
	struct state_totals totals;
	char late[9]; /* the invocation, its first 8 digits, whose failure was told last with nothing under way */
	/* the request that was answered last */
	char answered[STATE_ID_MAX];
	bool accepted;
	char answer[STATE_REASON_MAX]; /* why not, if not accepted; of `forgive`: what was forgotten */
};

/* Adds a transaction that has ended. */
void state_count(struct state *state, const struct state_transaction *transaction);

/*
 * Loads; a file that was never written gives PHASE_IDLE and nothing else, no file FAULT_CONFIG.
 * > 0: STATE_TORN, the record before the newest was taken (see record_load).
 */
enum { STATE_TORN = 1 };
int state_load(int dirfd, struct state *ret_state, struct error *err);

/*
 * Stores. It always fits: if need be, first the reasons (reason, why, answer) are cut to 63 bytes, then
 * the versions of bad releases to 11.
 */
int state_store(int dirfd, const struct state *state, struct error *err);

/* Is this release remembered as bad? */
bool state_is_bad(const struct state *state, const struct digest *digest);
void state_remember_bad(struct state *state, const struct state_release *release);
void state_forget_bad(struct state *state, const struct digest *digest);

/*
 * Forgets the bad releases that `what` means: a version, a sequence, the first 8 or more digits of a digest; "": all. Their
 * versions, with commas between, are put in ret_names. > 0: STATE_NOT_BAD, none is meant.
 */
enum { STATE_NOT_BAD = 1 };
int state_forgive(struct state *state, const char *what, char *ret_names, size_t room);

/* Is the hold in force at that time? (`until` may have passed) */
bool state_is_held(const struct state *state, uint64_t realtime_usec);
