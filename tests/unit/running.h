/*
 * Asking a probe of a unit that really runs, through the child that really asks. Includes fixture.h
 * before.
 */
#pragma once

#include <poll.h>

#include "unit/job.h"
#include "unit/probe-helper.h"
#include "unit/probe.h"

/* (Re)starts the unit and says what it is then. */
UNUSED static void running_start(struct manager *manager, const char *name, const char *text,
				 struct unit *ret_unit)
{
	_cleanup_(job_freep) struct job *job = NULL;
	enum job_result result;
	struct error err = {};

	fixture_unit(manager, name, text);
	check_ok(job_new(manager, JOB_RESTART, name, &job, &err), &err);
	check_ok(job_wait(job, -1, 60 * USEC_PER_SEC, &result, &err), &err);
	assert_int_equal(result, JOB_RESULT_DONE);
	check_ok(unit_query(manager, name, ret_unit, &err), &err);
}

UNUSED static struct probe_context running_context(struct manager *manager, const struct unit *unit)
{
	return (struct probe_context){
		.helper = "/proc/self/exe",
		.app = "app",
		.unit = unit->name,
		.slot_path = fixture_dir,
		.user = unit->user,
		.group = unit->group,
		.dynamic_user = unit->dynamic_user,
		.invocation = unit->invocation,
		.started = unit->started_usec,
		.manager = manager,
	};
}

UNUSED static struct probe_answer running_ask(const struct probe_options *options,
					      const struct probe_context *context)
{
	_cleanup_(probe_run_freep) struct probe_run *run = NULL;
	struct probe_answer answer = {};
	struct error err = {};
	int r = PROBE_PENDING;

	check_ok(probe_begin(options, context, &run, &err), &err);
	while (r == PROBE_PENDING) {
		struct pollfd poll_fd = { .fd = probe_fd(run), .events = POLLIN };
		uint64_t now = clock_monotonic_usec();
		uint64_t deadline = probe_deadline(run);

		(void)poll(&poll_fd, 1, now < deadline ? (int)((deadline - now) / 1000) + 1 : 0);
		r = probe_finish(run, &answer, &err);
		check_ok(r, &err);
	}
	return answer;
}

UNUSED static struct probe_options running_options(enum probe_kind kind)
{
	struct probe_options options;

	probe_options_init(&options);
	options.kind = kind;
	options.name = fixture_text("test");
	return options;
}
