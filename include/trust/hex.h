/*
 * Hexadecimal digits to bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Exactly 2 × size digits of either case, and nothing else? Then *ret_bytes has size bytes. */
bool hex_read(const char *hex, void *ret_bytes, size_t size);
