/*
 * What the verbs that want something of the worker have in common: ask, tell the answer, follow, tell
 * the end. All return the exit status.
 */
#pragma once

#include "app/cli.h"
#include "store/request.h"

struct errand {
	const struct cli_verb *verb;
	const char *app;
	bool json; /* events instead of words on stdout */
	bool no_follow; /* return once the worker has accepted */
};

/* request: its verb and arguments are set; id, boot and who are added here. Needs root. */
int errand_run(const struct errand *errand, struct request *request);

/* Follows a transaction from its beginning, or tells its end; "" stands for the last one. Needs no root. */
int errand_follow(const struct errand *errand, const char *transaction);
