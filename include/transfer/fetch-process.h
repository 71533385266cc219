/*
 * The fetch helper as a process: this program, run once more as `HELPER fetch-helper`, with two pipes
 * and nothing else: no descriptor, no variable, no signal blocked or ignored.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/spawn.h"

#define FETCH_PROCESS_TEXT_MAX 64

struct fetch_process {
	struct spawn spawn;
	int orders; /* written without waiting; -1: none */
	int answers; /* read without waiting */
};

#define FETCH_PROCESS_NONE \
	((struct fetch_process){ .spawn = { .fd = -1 }, .orders = -1, .answers = -1 })

static inline bool fetch_process_is_there(const struct fetch_process *process)
{
	return process->spawn.fd >= 0;
}

/*
 * The helper is killed when the thread that starts it ends (PR_SET_PDEATHSIG): that one must outlive it. > 0:
 * FETCH_PROCESS_NOBODY, who starts helpers cannot be reached (base/spawn.h); err says so.
 */
enum { FETCH_PROCESS_NOBODY = 1 };
int fetch_process_start(const char *helper, struct fetch_process *ret_process, struct error *err);

/*
 * Closes the pipes; kills it if it does not end by itself within grace_msec; reaps it. A process that
 * the kernel keeps in a read that never ends is given up after 2 s. ret_how: how it ended by itself:
 * "exited with 1", "was killed by signal 31"; or "".
 */
void fetch_process_end(struct fetch_process *process, int grace_msec,
		       char ret_how[static FETCH_PROCESS_TEXT_MAX]);
