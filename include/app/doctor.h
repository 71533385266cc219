/*
 * What would make the next update or the next rollback of an app fail, found now: everything that preflight asks, and what it does
 * not, since it lasts too long or concerns later moments (each byte of both slots, room on the disk, timers, recovery at boot). Changes
 * nothing but what is known of the source (online).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct doctor_finding {
	enum fault fault;
	bool warning; /* it would not fail for this, but should be known */
	const char *text; /* one line: what, and what to do */
};

struct doctor_listener {
	void (*handle)(void *data, const struct doctor_finding *finding);
	void *data;
};

/* For those who look: tells a finding, and counts what is no warning. */
struct doctor_tally {
	const struct doctor_listener *listener;
	unsigned int problems;
};

void doctor_complain(struct doctor_tally *tally, enum fault fault, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void doctor_warn(struct doctor_tally *tally, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* online: the source is asked now. *ret_problems: findings that are no warnings. < 0: it could not be looked at all. */
int doctor_run(const char *app, bool online, const struct doctor_listener *listener,
	       unsigned int *ret_problems, struct error *err);
