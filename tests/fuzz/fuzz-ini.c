/* Every value stands in the file as it is handed over: inih cut nothing. */
#include "base/ini.h"

#include "fuzz.h"

struct seen {
	const char *text;
	size_t size;
};

static int handle(void *data, const char *section, const char *key, const char *value,
		  const char *where, struct error *err)
{
	const struct seen *seen = data;

	assert(section[0] && strlen(section) <= INI_SECTION_MAX && key[0] && where[0]);
	assert(memmem(seen->text, seen->size, section, strlen(section)));
	assert(memmem(seen->text, seen->size, key, strlen(key)));
	assert(value[0] == '\0' || memmem(seen->text, seen->size, value, strlen(value)));
	assert(!strchr(value, '\n'));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct seen seen = { text, size };
	struct error err = {};

	fuzz_check(ini_parse_text("fuzz", text, size, handle, &seen, &err), &err);
	return 0;
}
