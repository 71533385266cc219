#include "unit/binfmt.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"

#define ENTRY_MAX 8192
#define MAGIC_MAX 256

/* The rest of the line that begins with `key` ("magic "). NULL: there is none. */
static const char *find_line(const char *text, const char *key)
{
	const char *at = text;

	while (at && strncmp(at, key, strlen(key)) != 0) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at ? at + strlen(key) : NULL;
}

/* 16: none. */
static unsigned int digit(char c)
{
	static const char all[] = "0123456789abcdef";
	const char *at = c ? strchr(all, c) : NULL;

	return at ? (unsigned int)(at - all) : 16;
}

static size_t read_hex(const char *text, uint8_t ret_bytes[static MAGIC_MAX])
{
	size_t n = 0;

	for (; text && n < MAGIC_MAX && digit(text[0]) < 16 && digit(text[1]) < 16; text += 2)
		ret_bytes[n++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
	return n;
}

static bool magic_matches(const char *text, const uint8_t *head, size_t size)
{
	const char *offset_line = find_line(text, "offset ");
	size_t offset = offset_line ? strtoul(offset_line, NULL, 10) : 0;
	uint8_t magic[MAGIC_MAX];
	uint8_t mask[MAGIC_MAX];
	size_t n = read_hex(find_line(text, "magic "), magic);
	size_t n_mask = read_hex(find_line(text, "mask "), mask);

	if (n == 0 || offset > size || n > size - offset)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t relevant = n_mask == n ? mask[i] : 0xff;

		if ((head[offset + i] & relevant) != (magic[i] & relevant))
			return false;
	}
	return true;
}

static bool extension_matches(const char *text, const char *name)
{
	const char *extension = find_line(text, "extension .");
	const char *end = strrchr(name, '.');
	size_t size = extension ? strcspn(extension, "\n") : 0;

	return size > 0 && end && strlen(end + 1) == size && strncmp(end + 1, extension, size) == 0;
}

static bool is_enabled(int dirfd, const char *name)
{
	_cleanup_free_ char *text = NULL;

	return fd_read_file(dirfd, name, ENTRY_MAX, &text, NULL, NULL) == 0 &&
	       strncmp(text, "enabled", 7) == 0;
}

bool binfmt_takes(const char *directory, const uint8_t *head, size_t size, const char *name)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);
	struct dirent *entry;

	if (!dir || !is_enabled(dirfd(dir), "status"))
		return false;
	while ((entry = readdir(dir)) != NULL) {
		_cleanup_free_ char *text = NULL;

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "status") == 0 ||
		    strcmp(entry->d_name, "register") == 0 ||
		    fd_read_file(dirfd(dir), entry->d_name, ENTRY_MAX, &text, NULL, NULL) != 0)
			continue;
		if (strncmp(text, "enabled", 7) == 0 &&
		    (magic_matches(text, head, size) || extension_matches(text, name)))
			return true;
	}
	return false;
}
