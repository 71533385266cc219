/*
 * TRIAL and WATCHING: is what runs now what should run, and is it well?
 */
#pragma once

#include "deploy/judge.h"
#include "deploy/session.h"

/* Ends in WATCHING, REVERTING, or (OnFail=keep) with outcome failed. */
int trial_run(struct session *session, struct error *err);

/* Ends with outcome committed, in REVERTING, or (OnFail=keep) with outcome failed. */
int trial_watch(struct session *session, struct error *err);

/*
 * Makes sure that the unit runs, starting it if it was stopped without having failed (at most twice), and judges it.
 * Returns a verdict of judge_run (JUDGE_STOPPED never), or < 0.
 */
int trial_judge(struct session *session, struct judge_options *judge,
		struct judge_report *ret_report, struct error *err);
