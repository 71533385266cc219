/*
 * The few facts of an ELF file that decide whether it can be executed here (System V gABI, chapters
 * "ELF Header" and "Program Header").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define ELF_INTERPRETER_MAX 1024

struct elf {
	uint16_t machine; /* EM_… */
	char interpreter[ELF_INTERPRETER_MAX]; /* PT_INTERP; empty: linked statically */
};

/* Does a file that begins with these bytes say that it is ELF? */
bool elf_is(const uint8_t *head, size_t size);

/* FAULT_CORRUPT: it says that it is ELF and is not, or no program. */
int elf_read(int fd, struct elf *ret_elf, struct error *err);

/*
 * Can a machine (`uname -m`) execute programs for EM_…? Also the 32-bit kind of a 64-bit machine counts.
 * A machine that is not in the table can execute everything: what is not known is not judged.
 */
bool elf_runs_on(const char *machine, uint16_t elf_machine);

/* "x86-64", "AArch64"; or "machine 123", in ret_text. Returns ret_text. */
char *elf_machine_name(uint16_t elf_machine, char *ret_text, size_t room);
