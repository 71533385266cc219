/*
 * Memory for more bytes than a process should hold: a file without a name, mapped, which the kernel writes out when memory is short.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct scratch;

/*
 * dirfd: the directory that the file lies in, with blocks for all of it; <= 0, or one that can have no such file: memory of the
 * process. `size` (at least 1) zeroes. FAULT_NO_SPACE: the disk is full.
 */
int scratch_new(int dirfd, size_t size, struct scratch **ret_scratch, struct error *err);
void scratch_free(struct scratch *scratch);
CLEANUP_DEFINE(struct scratch, scratch_free);

uint8_t *scratch_bytes(const struct scratch *scratch); /* until it grows */
bool scratch_is_file(const struct scratch *scratch);
size_t scratch_size(const struct scratch *scratch); /* bytes, spent ones among them */

/* size: at least what it has. What is new is zeroes. */
int scratch_grow(struct scratch *scratch, size_t size, struct error *err);

/*
 * All in front of `end` is not needed any more: given back in large pieces, so that some of it stays. An address elsewhere is passed over.
 */
void scratch_spend(struct scratch *scratch, const void *end);
