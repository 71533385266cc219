/*
 * The spawner: starts helpers for a worker whose unit lets it have neither network nor another user's rights. What
 * flipslot-helper@APP.service runs, for one connection to flipslot-helper@APP.socket.
 *
 *     worker ──── SOCK_SEQPACKET ────▶ spawner        struct spawner_order, with SPAWNER_FDS descriptors:
 *        │                                │                program, what the helper reads, what it writes, leash
 *        └─────────── leash ──────────────┘           the worker shuts it down: the helper is killed;
 *                                                     the spawner writes struct spawn_end: it has ended
 *
 * Both ends are of the same machine, and the order of every version begins with its size and version. Who may connect: only
 * the user that the spawner is. He may have any program run there, under the two words of helpers, and had better be trusted.
 */
#pragma once

#include <stdint.h>

#include "base/spawn.h"

#define SPAWNER_VERSION 1
#define SPAWNER_HAIL	"hail" /* a word that starts nothing: the end is reported at once */

enum spawner_fd { SPAWNER_PROGRAM, SPAWNER_IN, SPAWNER_OUT, SPAWNER_LEASH, SPAWNER_FDS };

struct spawner_order {
	uint32_t version;
	char word[SPAWN_WORD_MAX]; /* with its NUL */
};

/* One posix_spawn with nothing of ours but in and out. Returns a negative errno. */
int spawner_run(const char *program, const char *word, int in, int out, pid_t *ret_pid);

/* Serves a connection until it is closed, and then kills what is left. Returns an exit status. */
int spawner_serve(int fd);

/*
 * The same for the first connection to a listening socket. It may be there before the worker is, whose sandbox is made meanwhile; when
 * nobody comes in 10 s it ends, and whoever comes later starts another. A connection of another user is closed.
 */
int spawner_main(int listener);
