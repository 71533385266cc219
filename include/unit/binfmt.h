/*
 * Formats that the kernel executes through a program that was registered for them (binfmt_misc,
 * Documentation/admin-guide/binfmt-misc.rst): another machine's ELF by an emulator, for instance.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BINFMT_DIR "/proc/sys/fs/binfmt_misc"

/*
 * Is one registered and enabled for a file that begins with these bytes, by their magic or by the
 * extension of its name? `directory` is BINFMT_DIR but in tests.
 */
bool binfmt_takes(const char *directory, const uint8_t *head, size_t size, const char *name);
