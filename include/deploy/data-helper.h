/*
 * What touches a service's data: a child (`flipslot data-helper`) that becomes the data's owner and loses all else before it looks at
 * anything. Nothing that it says is believed but figures for people, and whether it has done it.
 */
#pragma once

#include "install/shadow.h"

enum data_errand {
	DATA_MEASURE, /* of from_fd */
	DATA_COPY, /* from_fd to to_fd */
	DATA_SWEEP, /* empties from_fd */
	DATA_ERRAND_MAX,
};

struct data_run {
	const char *helper; /* this program */
	enum data_errand errand;
	int from_fd, to_fd; /* directories; -1: none */
	unsigned int uid, gid; /* whom it becomes */
	struct shadow_limits limits;
	uint64_t timeout_usec;
	int wake_fd; /* -1: none */
	int (*interrupt)(void *data); /* NULL: never; > 0: it is killed */
	void *data;
};

/* > 0: DATA_INTERRUPTED. The text of what went wrong is the child's, printable. */
enum { DATA_INTERRUPTED = 1 };
int data_helper_run(const struct data_run *run, struct shadow_figures *ret_figures,
		    struct error *err);

/* The child; the exit status. */
int data_helper_main(void);
