/*
 * A file that a minisign key has signed (trust/minisign.h), as a person names the three: looked at
 * before the worker hears of it.
 */
#pragma once

#include "trust/minisign.h"

struct signed_file {
	const char *file;
	const char *key; /* a public key in base64, or the file that has it */
	const char *signature; /* NULL: the file's name with ".minisig" behind */
};

struct signed_file_verdict {
	struct digest digest; /* SHA-256 of the bytes that were signed */
	char signer[MINISIGN_ID_MAX];
	char comment[MINISIGN_COMMENT_MAX]; /* the trusted one, escaped for people */
};

/*
 * Reads the file once. The file may change as soon as this returns: whoever reads it again holds it to
 * the digest. Faults as in trust/minisign.h, with the name of the file that is at fault; FAULT_CONFIG: one
 * is not there, or no key.
 */
int signed_file_check(const struct signed_file *input, struct signed_file_verdict *ret_verdict,
		      struct error *err);
