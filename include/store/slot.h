/*
 * The two slots of an app.
 */
#pragma once

enum slot {
	SLOT_NONE = -1,
	SLOT_A,
	SLOT_B,
	SLOT_MAX,
};

const char *slot_name(enum slot slot); /* "a", "b", "none" */
const char *slot_dir_name(enum slot slot); /* "slots/a", also the text of the links */
const char *slot_seal_name(enum slot slot); /* "slots/a.seal" */
enum slot slot_from_name(const char *name); /* SLOT_NONE if it is neither "a" nor "b" */
enum slot slot_other(enum slot slot); /* SLOT_NONE for SLOT_NONE */
