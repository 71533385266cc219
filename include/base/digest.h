/*
 * SHA-256 digests (FIPS 180-4) through OpenSSL's EVP.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digester.h" /* the same, piece by piece */
#include "base/error.h"

#define DIGEST_SIZE    32
#define DIGEST_HEX_MAX (2 * DIGEST_SIZE + 1) /* with the final NUL */

struct digest {
	uint8_t bytes[DIGEST_SIZE];
};

/* All zero bytes: "no digest". */
bool digest_is_null(const struct digest *digest);
bool digest_equal(const struct digest *a, const struct digest *b);

/* 64 lower-case hexadecimal digits and a NUL. Returns ret_hex. */
char *digest_to_hex(const struct digest *digest, char ret_hex[static DIGEST_HEX_MAX]);

/* Exactly 64 hexadecimal digits of either case, nothing else; otherwise FAULT_CONFIG. */
int digest_from_hex(const char *hex, struct digest *ret_digest, struct error *err);

/* In one call. */
int digest_of(const void *data, size_t size, struct digest *ret_digest, struct error *err);
