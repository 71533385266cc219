/*
 * What an end of a process means in words: statuses of systemd (systemd.exec(5), "Process exit codes"),
 * signals, wait codes.
 */
#pragma once

#include <stddef.h>

#define EXITCODE_TEXT_MAX 256 /* for any of its texts */

/*
 * For si_code and si_status of a child (waitid(2)): "exited with status 1", "could not change to its
 * working directory (200/CHDIR)", "was killed by signal 9 (KILL)", "crashed by signal 11 (SEGV)".
 * Returns ret_text.
 */
char *exitcode_explain(int code, int status, char *ret_text, size_t room);
