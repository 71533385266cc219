/*
 * TargetPattern=: choosing one of a repository's target files, none of which has a descriptor.
 *
 * The newest is the one whose version (what the * of the pattern stands for) is the newest by
 * target_pattern_compare; two that are equally new are nobody's choice: FAULT_CORRUPT. A file that is listed
 * by somebody who may not speak for it does not count. A pattern without * is one file, whose version is
 * plain_name, which is neither newer nor older than any other.
 */
#pragma once

#include "deploy/plain.h"
#include "deploy/refresh.h"

struct pick_wish {
	const char *pattern; /* as configured */
	const char *machine; /* for {arch} */
	const char *version; /* this one and no other; "": the newest */
	unsigned int strip_components; /* when it is unpacked */
};

/* The client is CLIENT_READY before and after. > 0: PICK_NONE, nothing matches. */
enum { PICK_NONE = 1 };
int pick_plain(const struct refresh *refresh, struct client *client, const struct pick_wish *wish,
	       struct plain **ret_plain, struct error *err);
