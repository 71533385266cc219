#include "fixture.h"

#include <elf.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "unit/elf.h"

static int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static int read_bytes(const void *bytes, size_t size, struct elf *ret_elf, struct error *err)
{
	_cleanup_close_ int fd = file_of(bytes, size);

	return elf_read(fd, ret_elf, err);
}

struct program {
	Elf64_Ehdr header;
	Elf64_Phdr entries[2];
	char interpreter[32];
};

static struct program sound(void)
{
	struct program program = {
		.header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			    .e_type = ET_DYN,
			    .e_machine = EM_X86_64,
			    .e_phoff = offsetof(struct program, entries),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 2 },
		.entries = { { .p_type = PT_LOAD },
			     { .p_type = PT_INTERP,
			       .p_offset = offsetof(struct program, interpreter),
			       .p_filesz = 12 } },
		.interpreter = "/lib/ld.so.1",
	};

	program.interpreter[11] = '\0';
	return program;
}

static void test_ourselves(void **state UNUSED)
{
	_cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct error err = {};
	struct utsname here;
	struct elf elf = {};

	check_ok(elf_read(fd, &elf, &err), &err);
	assert_int_equal(access(elf.interpreter, X_OK), 0);
	assert_int_equal(uname(&here), 0);
	assert_true(elf_runs_on(here.machine, elf.machine));
}

static void test_sound(void **state UNUSED)
{
	struct program program = sound();
	struct error err = {};
	struct elf elf = {};

	check_ok(read_bytes(&program, sizeof(program), &elf, &err), &err);
	assert_int_equal(elf.machine, EM_X86_64);
	assert_string_equal(elf.interpreter, "/lib/ld.so.");
	program.entries[1].p_type = PT_NOTE;
	check_ok(read_bytes(&program, sizeof(program), &elf, &err), &err);
	assert_string_equal(elf.interpreter, "");
}

static void test_big_endian_32(void **state UNUSED)
{
	uint8_t bytes[200] = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2MSB, 1 };
	struct error err = {};
	struct elf elf = {};

	bytes[17] = ET_EXEC;
	bytes[19] = EM_MIPS;
	bytes[offsetof(Elf32_Ehdr, e_phoff) + 3] = 100;
	bytes[offsetof(Elf32_Ehdr, e_phentsize) + 1] = sizeof(Elf32_Phdr);
	bytes[offsetof(Elf32_Ehdr, e_phnum) + 1] = 1;
	bytes[100 + 3] = PT_INTERP;
	bytes[100 + offsetof(Elf32_Phdr, p_offset) + 3] = 150;
	bytes[100 + offsetof(Elf32_Phdr, p_filesz) + 3] = 4;
	memcpy(bytes + 150, "/ld", 4);
	check_ok(read_bytes(bytes, sizeof(bytes), &elf, &err), &err);
	assert_int_equal(elf.machine, EM_MIPS);
	assert_string_equal(elf.interpreter, "/ld");
}

static void refuse(const struct program *program, size_t size, const char *word)
{
	struct error err = {};
	struct elf elf = {};

	check_error(read_bytes(program, size, &elf, &err), &err, FAULT_CORRUPT, word);
}

static void test_broken(void **state UNUSED)
{
	struct program program = sound();

	refuse(&program, 20, "header is cut off");
	refuse(&program, sizeof(Elf64_Ehdr) + 70, "cut off");
	refuse(&program, offsetof(struct program, interpreter) + 5, "interpreter");
	program.header.e_type = ET_REL;
	refuse(&program, sizeof(program), "no program");
	program = sound();
	program.header.e_ident[EI_CLASS] = 9;
	refuse(&program, sizeof(program), "class");
	program = sound();
	program.header.e_phnum = 0xffff;
	refuse(&program, sizeof(program), "program headers");
	program = sound();
	program.header.e_phoff = UINT64_MAX;
	refuse(&program, sizeof(program), "program headers");
	program = sound();
	program.entries[1].p_filesz = 1 << 20;
	refuse(&program, sizeof(program), "interpreter");
	program = sound();
	program.entries[1].p_offset = UINT64_MAX - 2;
	refuse(&program, sizeof(program), "interpreter");
	program = sound();
	program.entries[1].p_filesz = 5; /* no NUL */
	refuse(&program, sizeof(program), "interpreter");
}

/* Whatever is in it: an answer, within bounds. */
static void test_noise(void **state UNUSED)
{
	unsigned int seed = (unsigned int)time(NULL);

	print_message("seed %u\n", seed);
	for (int round = 0; round < 2000; round++) {
		struct program program = sound();
		struct error err = {};
		struct elf elf = {};
		size_t size = (size_t)rand_r(&seed) % (sizeof(program) + 1);

		for (int i = 0; i < 6; i++)
			((uint8_t *)&program)[(size_t)rand_r(&seed) % sizeof(program)] =
				(uint8_t)rand_r(&seed);
		(void)read_bytes(&program, size, &elf, &err);
		assert_true(strlen(elf.interpreter) < sizeof(elf.interpreter));
	}
}

static void test_machines(void **state UNUSED)
{
	char name[32];

	assert_true(elf_runs_on("x86_64", EM_X86_64));
	assert_true(elf_runs_on("x86_64", EM_386));
	assert_false(elf_runs_on("x86_64", EM_AARCH64));
	assert_true(elf_runs_on("aarch64", EM_ARM));
	assert_true(elf_runs_on("armv7l", EM_ARM));
	assert_false(elf_runs_on("armv7l", EM_AARCH64));
	assert_true(elf_runs_on("i686", EM_386));
	assert_false(elf_runs_on("i686", EM_X86_64));
	assert_true(elf_runs_on("ppc64le", EM_PPC64));
	assert_true(elf_runs_on("tomorrow", EM_X86_64));
	assert_string_equal(elf_machine_name(EM_AARCH64, name, sizeof(name)), "AArch64");
	assert_string_equal(elf_machine_name(12345, name, sizeof(name)), "machine 12345");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ourselves),     cmocka_unit_test(test_sound),
		cmocka_unit_test(test_big_endian_32), cmocka_unit_test(test_broken),
		cmocka_unit_test(test_noise),	      cmocka_unit_test(test_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
