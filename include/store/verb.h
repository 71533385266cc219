/*
 * What a person or a timer wants of the worker.
 */
#pragma once

enum verb {
	VERB_NONE,
	VERB_INSTALL,
	VERB_SWITCH,
	VERB_ROLLBACK,
	VERB_HOLD,
	VERB_UNHOLD,
	VERB_CANCEL,
	VERB_MAX,
};

const char *verb_name(enum verb verb);
enum verb verb_from_name(const char *name); /* VERB_NONE if unknown */
