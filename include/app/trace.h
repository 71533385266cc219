/*
 * Where an app's directory was when its configuration could still be read: a worker that finds it broken, also
 * right after boot, must know whether a transaction waits there.
 *
 *     RUN/APP/root	a link to it, gone after a reboot
 *     STATE/APP.root	the same for good; only if it is not STATE/APP
 */
#pragma once

#include "base/error.h"

/* As base/scope.h names them: SCOPE_RUN and SCOPE_STATE. */
struct trace_places {
	const char *run, *state;
};

/* Makes the links lead to root, or takes the second away where it is not needed. */
int trace_leave(const struct trace_places *places, const char *app, const char *root,
		struct error *err);

/* The app's directory by the first link that leads to one, or STATE/APP; -1: there is none. */
int trace_open(const struct trace_places *places, const char *app);
