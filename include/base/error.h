/*
 * What went wrong, for a person and for a program.
 *
 * Convention of the whole tree (docs/CODE.md):
 *   0    done
 *   < 0  a negative errno; the caller forwards it and never compares it
 *   > 0  an outcome that the callee's header names; the caller handles it and does not forward it
 *
 * The reason rides along in a struct error, which is untouched on success. Its fault is of a closed
 * list and alone decides the exit status, the journal field and the retry policy.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/fault.h"

#define ERROR_TEXT_MAX 512 /* bytes, including the final NUL; longer texts are cut */

struct error {
	enum fault fault;
	char text[ERROR_TEXT_MAX];
};

/*
 * All set the text and return a negative errno to forward; err may be NULL.
 *
 * error_set:   the fault is given; returns the errno that stands for it (never 0).
 * error_errno: the cause is errno as it is on entry: ": strerror" is appended, and the fault
 *              follows from it (ENOSPC, EDQUOT → no-space; otherwise internal). Returns -errno, or
 *              -EIO if errno is 0.
 * error_code:  the same for a negative errno in hand.
 */
int error_set(struct error *err, enum fault fault, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int error_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int error_code(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "text: " before what err already says, keeping its fault. Returns code. */
int error_prefix(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
