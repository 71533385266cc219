/*
 * The release that a bundle starts from, as a device has it: for reading the head of one (bundle_decode), and its blocks.
 */
#pragma once

#include "publish/stock.h"
#include "release/bundle.h"

struct forebear;

/* stock (borrowed): NULL: none, for a bundle without base. */
int forebear_new(const struct stock *stock, struct forebear **ret_forebear, struct error *err);
void forebear_free(struct forebear *forebear);
CLEANUP_DEFINE(struct forebear, forebear_free);

/* The forebear's; NULL: it is of no release. */
const struct bundle_source *forebear_source(const struct forebear *forebear);

/* *ret_bytes are good until the next call. */
int forebear_decode(struct forebear *forebear, const struct bundle_block *block, const void *packed,
		    size_t raw_size, const void **ret_bytes, struct error *err);
