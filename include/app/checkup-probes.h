/*
 * What doctor asks of the service itself: does a probe fail right now that could condemn a release? Then nobody could tell by it whether
 * the next update is a bad one. Asked are those that are asked before a switch (Baseline=), in the same way, of a service that has been up for
 * SWITCHING_STEADY_USEC while nothing is under way.
 */
#pragma once

#include "app/checkup.h"

void checkup_probes(const struct checkup *checkup);
