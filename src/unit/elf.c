#include "unit/elf.h"

#include <elf.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define PROGRAM_HEADERS_MAX 256

bool elf_is(const uint8_t *head, size_t size)
{
	return size >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0;
}

/* One layout for both classes. */
struct header {
	bool wide, big; /* 64-bit, big-endian */
	uint16_t type, machine, n_entries, entry_size;
	uint64_t table;
};

static uint64_t number(const struct header *header, const uint8_t *bytes, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | bytes[header->big ? i : size - 1 - i];
	return value;
}

#define NUMBER(header, bytes, type, member) \
	number(header, (bytes) + offsetof(type, member), sizeof(((type *)NULL)->member))

static int broken(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "is a broken ELF file (%s)", what);
}

static int read_header(int fd, struct header *ret, struct error *err)
{
	uint8_t bytes[sizeof(Elf64_Ehdr)] = {};
	struct header header = {};
	ssize_t n = fd_pread_full(fd, bytes, sizeof(bytes), 0);

	if (n < 0)
		return error_errno(err, "cannot be read");
	if (!elf_is(bytes, (size_t)n) || n < (ssize_t)sizeof(Elf32_Ehdr))
		return broken(err, "its header is cut off");
	header.wide = bytes[EI_CLASS] == ELFCLASS64;
	header.big = bytes[EI_DATA] == ELFDATA2MSB;
	if ((!header.wide && bytes[EI_CLASS] != ELFCLASS32) ||
	    (!header.big && bytes[EI_DATA] != ELFDATA2LSB))
		return broken(err, "its class or byte order is unknown");
	header.type = (uint16_t)NUMBER(&header, bytes, Elf64_Ehdr, e_type);
	header.machine = (uint16_t)NUMBER(&header, bytes, Elf64_Ehdr, e_machine);
	if (header.wide) {
		header.table = NUMBER(&header, bytes, Elf64_Ehdr, e_phoff);
		header.n_entries = (uint16_t)NUMBER(&header, bytes, Elf64_Ehdr, e_phnum);
		header.entry_size = (uint16_t)NUMBER(&header, bytes, Elf64_Ehdr, e_phentsize);
	} else {
		header.table = NUMBER(&header, bytes, Elf32_Ehdr, e_phoff);
		header.n_entries = (uint16_t)NUMBER(&header, bytes, Elf32_Ehdr, e_phnum);
		header.entry_size = (uint16_t)NUMBER(&header, bytes, Elf32_Ehdr, e_phentsize);
	}
	*ret = header;
	return 0;
}

static int check_header(const struct header *header, struct error *err)
{
	size_t entry_size = header->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (header->type != ET_EXEC && header->type != ET_DYN)
		return error_set(err, FAULT_CORRUPT, "is an ELF file, but no program");
	if (header->entry_size != entry_size || header->n_entries == 0 ||
	    header->n_entries > PROGRAM_HEADERS_MAX || header->table > INT64_MAX / 2)
		return broken(err, "its program headers");
	return 0;
}

static int read_interpreter(int fd, uint64_t offset, uint64_t size, char *ret_text,
			    struct error *err)
{
	if (size < 2 || size > ELF_INTERPRETER_MAX || offset > INT64_MAX / 2 ||
	    fd_pread_full(fd, ret_text, size, (off_t)offset) != (ssize_t)size ||
	    ret_text[size - 1] != '\0')
		return broken(err, "the name of its interpreter");
	return 0;
}

/* Looks for PT_INTERP. */
static int read_entry(int fd, const struct header *header, unsigned int i, char *ret_text,
		      struct error *err)
{
	uint8_t bytes[sizeof(Elf64_Phdr)];
	uint64_t offset;
	uint64_t size;

	if (fd_pread_full(fd, bytes, header->entry_size,
			  (off_t)(header->table + (uint64_t)i * header->entry_size)) !=
	    header->entry_size)
		return broken(err, "its program headers are cut off");
	if (NUMBER(header, bytes, Elf64_Phdr, p_type) != PT_INTERP)
		return 0;
	if (header->wide) {
		offset = NUMBER(header, bytes, Elf64_Phdr, p_offset);
		size = NUMBER(header, bytes, Elf64_Phdr, p_filesz);
	} else {
		offset = NUMBER(header, bytes, Elf32_Phdr, p_offset);
		size = NUMBER(header, bytes, Elf32_Phdr, p_filesz);
	}
	return read_interpreter(fd, offset, size, ret_text, err);
}

int elf_read(int fd, struct elf *ret_elf, struct error *err)
{
	struct elf elf = {};
	struct header header = {};
	int r;

	r = read_header(fd, &header, err);
	if (r < 0)
		return r;
	r = check_header(&header, err);
	for (unsigned int i = 0; r >= 0 && i < header.n_entries; i++)
		r = read_entry(fd, &header, i, elf.interpreter, err);
	if (r < 0)
		return r;
	elf.machine = header.machine;
	*ret_elf = elf;
	return 0;
}

/* `uname -m` (a beginning of it) and what it executes. */
static const struct {
	const char *machine;
	uint16_t runs[2];
} runs[] = {
	{ "x86_64", { EM_X86_64, EM_386 } },
	{ "aarch64", { EM_AARCH64, EM_ARM } },
	{ "arm", { EM_ARM } },
	{ "i386", { EM_386 } },
	{ "i486", { EM_386 } },
	{ "i586", { EM_386 } },
	{ "i686", { EM_386 } },
	{ "riscv", { EM_RISCV } },
	{ "ppc64", { EM_PPC64, EM_PPC } },
	{ "s390", { EM_S390 } },
	{ "loongarch", { EM_LOONGARCH } },
};

bool elf_runs_on(const char *machine, uint16_t elf_machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		if (strncmp(machine, runs[i].machine, strlen(runs[i].machine)) == 0)
			return elf_machine == runs[i].runs[0] || elf_machine == runs[i].runs[1];
	return true;
}

char *elf_machine_name(uint16_t elf_machine, char *ret_text, size_t room)
{
	static const struct {
		uint16_t machine;
		const char *name;
	} names[] = {
		{ EM_X86_64, "x86-64" }, { EM_386, "i386" },	  { EM_AARCH64, "AArch64" },
		{ EM_ARM, "ARM" },	 { EM_RISCV, "RISC-V" },  { EM_PPC64, "PowerPC 64" },
		{ EM_PPC, "PowerPC" },	 { EM_S390, "S/390" },	  { EM_LOONGARCH, "LoongArch" },
		{ EM_MIPS, "MIPS" },	 { EM_SPARCV9, "SPARC" },
	};

	(void)snprintf(ret_text, room, "machine %u", elf_machine);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].machine == elf_machine)
			(void)snprintf(ret_text, room, "%s", names[i].name);
	return ret_text;
}
