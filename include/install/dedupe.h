/*
 * How a file that the running slot has, too, gets into the other one: Dedupe=.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum dedupe {
	DEDUPE_AUTO, /* shares its blocks where the file system can, else is copied */
	DEDUPE_COPY, /* copied */
	DEDUPE_REFLINK, /* shares its blocks, or nothing is done */
	DEDUPE_HARDLINK, /* is the same file if that has the same name, content and attributes there, and no other name; else as AUTO */
};

/* Are blocks to be shared with the slot source_fd (-1: there is none)? FAULT_CONFIG: they must, and cannot. */
int dedupe_decide(enum dedupe dedupe, int slot_fd, int source_fd, bool *ret_reflink,
		  struct error *err);
