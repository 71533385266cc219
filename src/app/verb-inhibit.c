#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "app/verbs.h"
#include "unit/inhibitor.h"

#define NOT_FOUND     127 /* as a shell */
#define SIGNAL_STATUS 128

/* The exit status is the command's own. */
static int run(char **command)
{
	int status = 0;
	pid_t pid;
	int r;

	r = posix_spawnp(&pid, command[0], NULL, NULL, command, environ);
	if (r != 0) {
		(void)fprintf(stderr, "flipslot: %s: %s\n", command[0], strerrordesc_np(r));
		return NOT_FOUND;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return NOT_FOUND;
	return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNAL_STATUS + WTERMSIG(status);
}

int verb_inhibit(const struct cli_verb *verb, int argc, char **argv)
{
	const char *why = NULL;
	const struct cli_option options[] = {
		{ "why", '\0', "TEXT", "the reason, shown by status (must be given)",
		  .text = &why },
		{},
	};
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int lock_fd = -1;
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 2, 1000, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (!why || !why[0])
		return cli_refuse(verb, "--why is missing: who waits will want to know");
	if (cli_load(operands[0], &config, &err) < 0 ||
	    inhibitor_hold(config_root(config), &lock_fd, &err) < 0)
		return cli_fail(&err);
	return run(operands + 1);
}
