/*
 * Which file of an older release has most in common with a new one, whatever both are called.
 */
#pragma once

#include "base/cleanup.h"
#include "publish/stock.h"

struct likeness;

/* Reads all files of the older release that are neither empty nor larger than max. old is borrowed. */
int likeness_new(const struct stock *old, uint64_t max, struct likeness **ret_likeness,
		 struct error *err);
void likeness_free(struct likeness *likeness);
CLEANUP_DEFINE(struct likeness, likeness_free);

/*
 * Reads a file of the new release. *ret_entry: the one that shares most of its contents with it, a tenth at least, as far as samples
 * tell; NULL: none. What more than a few files have, a licence say, is not looked at. A function of the contents.
 */
int likeness_find(const struct likeness *likeness, const struct stock *fresh,
		  const struct index_entry *entry, const struct index_entry **ret_entry,
		  struct error *err);
