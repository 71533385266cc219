/*
 * What a person or a timer wants of the worker.
 */
#pragma once

#include <stdbool.h>

enum verb {
	VERB_NONE,
	VERB_INSTALL,
	VERB_SWITCH,
	VERB_ROLLBACK,
	VERB_HOLD,
	VERB_UNHOLD,
	VERB_CANCEL,
	VERB_UPDATE, /* what the source offers */
	VERB_CHECK, /* only look what it offers */
	VERB_FORGIVE, /* a release that was rolled back may be tried again unattended */
	VERB_MAX,
};

const char *verb_name(enum verb verb);
bool verb_stages(enum verb verb); /* install, update: a release comes in first */

enum verb verb_from_name(const char *name); /* VERB_NONE if unknown */
