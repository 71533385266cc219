/*
 * A SHA-256 digest of what comes piece by piece: new, update any number of times, finish (once; then
 * only reset or free).
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

struct digest; /* base/digest.h */
struct digester;

int digester_new(struct digester **ret_digester, struct error *err);
void digester_free(struct digester *digester);
CLEANUP_DEFINE(struct digester, digester_free);
int digester_reset(struct digester *digester, struct error *err);
int digester_update(struct digester *digester, const void *data, size_t size, struct error *err);
int digester_finish(struct digester *digester, struct digest *ret_digest, struct error *err);
