/*
 * STAGED: may the switch happen now? Window= and processes that hold it off (flipslot inhibit) say so. Nothing that a person asks for
 * with --now waits, nor a way back, nor a first install.
 */
#pragma once

#include "deploy/session.h"

/*
 * Waits as long as it has to. > 0: GATE_SHUT, not now: the worker shall stop (it lets go until the window opens; a timer then starts
 * it), or a request has moved the phase on.
 */
enum { GATE_SHUT = 1 };
int gate_pass(struct session *session, struct error *err);
