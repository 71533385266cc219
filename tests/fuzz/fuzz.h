/*
 * A fuzz target is one file, tests/fuzz/fuzz-X.c: LLVMFuzzerTestOneInput takes any bytes, and what must
 * hold of them is asserted. Nothing outside of the target needs to know of it; tests/fuzz/corpus may
 * have seeds for it.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of its own, so that a byte read behind it is found; with a NUL behind. The caller's. */
static inline char *fuzz_text(const void *data, size_t size)
{
	char *text = malloc(size + 1);

	assert(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* The same without the NUL. */
static inline void *fuzz_bytes(const void *data, size_t size)
{
	void *bytes = malloc(size);

	assert(bytes);
	if (size > 0)
		memcpy(bytes, data, size);
	return bytes;
}

/* Takes the next part, which ends at a NUL or with the input, off the input. NULL: there is none. */
static inline char *fuzz_part(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size > 0 ? memchr(*data, '\0', *size) : NULL;
	size_t length = end ? (size_t)(end - *data) : *size;
	char *part = *size > 0 ? fuzz_text(*data, length) : NULL;

	*data += length + (end ? 1 : 0);
	*size -= length + (end ? 1 : 0);
	return part;
}

/* A file of these bytes, at its beginning. The caller's. */
static inline int fuzz_file(const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	assert(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* What failed said why. */
static inline void fuzz_check(int r, const struct error *err)
{
	assert(r >= 0 || err->text[0] != '\0');
}
