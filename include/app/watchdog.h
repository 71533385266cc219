/*
 * Feeding systemd's watchdog from a thread of its own: a step of the worker, one syncfs for instance, may take
 * longer than any sensible WatchdogSec=. What is told so is that the process is scheduled, nothing more.
 */
#pragma once

#include "base/error.h"

/* Starts the thread if systemd wants to be fed (sd_watchdog_enabled(3)); it ends with the process. */
int watchdog_start(struct error *err);
