/*
 * Helpers: this program run once more as `PROGRAM WORD`, with one descriptor to read, one to write and nothing else: no
 * variable of the environment, no signal blocked or ignored, a session of its own.
 *
 * Who starts them is said once, by spawn_through: by default they are children of the caller; else they are children of
 * the spawner at a socket (base/spawner.h), which has the rights that the caller need not have, and they end when it does
 * and when the caller does. Nothing waits for the spawner: an order lies in its socket until it is there.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define SPAWN_WORD_MAX 24

struct spawn { /* set to SPAWN_NONE where there is no helper */
	pid_t pid; /* of a child; 0: not a child */
	int fd; /* readable when it has ended: a pidfd, or the leash in a spawner's hand; -1: no helper */
};

#define SPAWN_NONE ((struct spawn){ .fd = -1 })

/* How a helper ended: as in siginfo_t. code 0: not known; status is then the errno that kept it from starting, or 0. */
struct spawn_end {
	int code, status;
	bool by_us; /* it was killed, or it was about to end */
};

/* From now on helpers are started by the spawner at this path, which is borrowed for ever; NULL: by ourselves. */
void spawn_through(const char *socket_path);

bool spawn_is_through(void); /* is it a spawner's work? */

/* Connects, so that the spawner is there when it is needed. < 0: nobody listens, as spawn_start would tell. */
int spawn_early(void);

/* Is there a spawner, and does it take orders? Waits msec for that. > 0: SPAWN_NOBODY, and err says why. */
int spawn_hail(int msec, struct error *err);

/*
 * program: a path; opened by the caller, so that worker and helper are of one version while the program is replaced.
 * in, out: borrowed. > 0: SPAWN_NOBODY, the spawner cannot be reached; err says so, and it may be asked again.
 */
enum { SPAWN_NOBODY = 1 };
int spawn_start(const char *program, const char *word, int in, int out, struct spawn *ret_spawn,
		struct error *err);

/*
 * Its order lies where no spawner has taken it, and none has within 100 ms more, as one does that was about to: whatever
 * it has not done by now, it is not to blame.
 */
bool spawn_is_unheard(const struct spawn *spawn);

/*
 * Waits grace_msec for its end, kills it with all its session, and waits 2 s for that at most. > 0: SPAWN_LOST, the spawner
 * ended with it: the helper was not to blame. Leaves SPAWN_NONE behind; with that, does nothing.
 */
enum { SPAWN_LOST = 1 };
int spawn_finish(struct spawn *spawn, int grace_msec, struct spawn_end *ret_end);
