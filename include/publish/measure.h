/*
 * An archive_sink that writes nothing: it computes the index that a device will have of the tree.
 */
#pragma once

#include "release/sink.h"

struct measure;

int measure_new(struct measure **ret_measure, struct error *err);
void measure_free(struct measure *measure);
CLEANUP_DEFINE(struct measure, measure_free);

extern const struct archive_sink measure_sink; /* its data is the struct measure */

/* Checks the tree as a whole; *ret_index is the caller's. Only free may follow. */
int measure_finish(struct measure *measure, struct index **ret_index, struct error *err);
