/* A program of a release, looked at before it may run. */
#include "unit/elf.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = fuzz_file(data, size);
	_cleanup_free_ void *bytes = fuzz_bytes(data, size);
	struct error err = {};
	struct elf elf;
	int r = elf_read(fd, &elf, &err);

	fuzz_check(r, &err);
	assert(r < 0 || memchr(elf.interpreter, '\0', sizeof(elf.interpreter)));
	if (r == 0)
		assert(elf_is(bytes, size));
	return 0;
}
