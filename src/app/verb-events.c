#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "app/tail.h"
#include "app/verbs.h"
#include "base/parse.h"
#include "base/scope.h"

#define LOOK_MSEC 500 /* in case the streams tell nothing of a new file */

/* The streams of these apps, to be read side by side. */
struct listening {
	struct tail **tails;
	struct pollfd *fds;
	size_t n;
};

static void listening_done(const struct listening *listening)
{
	for (size_t i = 0; i < listening->n; i++)
		tail_free(listening->tails[i]);
	free(listening->tails);
	free(listening->fds);
}

static int open_all(char **apps, struct listening *listening, struct error *err)
{
	size_t n = 0;

	while (apps[n])
		n++;
	listening->tails = calloc(n + 1, sizeof(struct tail *));
	listening->fds = calloc(n + 1, sizeof(struct pollfd));
	if (!listening->tails || !listening->fds)
		return error_errno(err, "following the events");
	for (; listening->n < n; listening->n++) {
		int r = tail_new(scope_dir(SCOPE_RUN), apps[listening->n], TAIL_BEGIN,
				 &listening->tails[listening->n], err);

		if (r < 0)
			return r;
		listening->fds[listening->n] =
			(struct pollfd){ .fd = tail_fd(listening->tails[listening->n]),
					 .events = POLLIN };
	}
	return 0;
}

/* What they have for now. */
static int print(struct tail *tail, struct error *err)
{
	struct event_line line;
	const char *json;
	int r;

	while ((r = tail_next(tail, &line, &json, err)) == 0)
		(void)fputs(json, stdout);
	return r < 0 ? r : 0;
}

static int listen_to(char **apps, bool follow, struct error *err)
{
	_cleanup_(listening_done) struct listening listening = {};
	int r = open_all(apps, &listening, err);

	while (r == 0) {
		for (size_t i = 0; r == 0 && i < listening.n; i++)
			r = print(listening.tails[i], err);
		if (fflush(stdout) != 0 || !follow)
			break; /* nobody reads any more */
		(void)poll(listening.fds, listening.n, LOOK_MSEC);
	}
	return r;
}

int verb_events(const struct cli_verb *verb, int argc, char **argv)
{
	bool follow = false;
	const struct cli_option options[] = {
		{ "follow", 'f', NULL, "go on with what is to come, until Ctrl-C",
		  .flag = &follow },
		{},
	};
	_cleanup_(parse_argv_freep) char **apps = NULL;
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int dirfd = -1;
	struct error problem = {}, err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 0, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	/* the app must be one, but its configuration may have mistakes */
	r = operands[0] ? cli_open_rough(operands[0], &config, &dirfd, &problem, &err) :
			  config_list(&apps, &err);
	if (r >= 0)
		r = listen_to(operands[0] ? operands : apps, follow, &err);
	return r < 0 ? cli_fail(&err) : 0;
}
