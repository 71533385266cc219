#include "app/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define HEX_SIZE  (2 * (size_t)DIGEST_SIZE)
#define NAME_ROOM 1024

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool take_hex(const char *text, size_t size, struct digest *ret_digest)
{
	char hex[DIGEST_HEX_MAX];

	if (size != HEX_SIZE)
		return false;
	memcpy(hex, text, HEX_SIZE);
	hex[HEX_SIZE] = '\0';
	return digest_from_hex(hex, ret_digest, NULL) == 0;
}

/* "SHA256 (NAME) = HEX" */
static bool read_bsd(const char *line, size_t size, struct digest *ret_digest,
		     char ret_name[static NAME_ROOM])
{
	static const char begin[] = "SHA256 (";
	static const char middle[] = ") = ";
	const size_t head = sizeof(begin) - 1, gap = sizeof(middle) - 1;
	size_t name;

	if (size < head + gap + HEX_SIZE || strncmp(line, begin, head) != 0)
		return false;
	name = size - head - gap - HEX_SIZE;
	if (strncmp(line + head + name, middle, gap) != 0)
		return false;
	(void)snprintf(ret_name, NAME_ROOM, "%.*s", (int)name, line + head);
	return take_hex(line + size - HEX_SIZE, HEX_SIZE, ret_digest);
}

/* "HEX  NAME", "HEX *NAME", "HEX"; the name is empty then */
static bool read_gnu(const char *line, size_t size, struct digest *ret_digest,
		     char ret_name[static NAME_ROOM])
{
	size_t hex = strcspn(line, " \t\r\n");

	if (!take_hex(line, hex < size ? hex : size, ret_digest))
		return false;
	while (hex < size && strchr(" \t*", line[hex]))
		hex++;
	(void)snprintf(ret_name, NAME_ROOM, "%.*s", (int)(size - hex), line + hex);
	return true;
}

int sums_find(const char *text, const char *name, struct digest *ret_digest, struct error *err)
{
	struct digest found = {}, digest;
	bool any = false;

	for (const char *line = text; *line;) {
		size_t size = strcspn(line, "\r\n");
		char of[NAME_ROOM];
		bool fits =
			(read_bsd(line, size, &digest, of) || read_gnu(line, size, &digest, of)) &&
			(!of[0] || strcmp(base_name(of), base_name(name)) == 0);

		if (fits && any && !digest_equal(&found, &digest))
			return error_set(err, FAULT_CONFIG, "two different digests for %s",
					 base_name(name));
		if (fits)
			found = digest;
		any |= fits;
		line += size;
		line += strspn(line, "\r\n");
	}
	if (!any)
		return error_set(err, FAULT_CONFIG, "no SHA-256 for %s", base_name(name));
	*ret_digest = found;
	return 0;
}

int sums_read(const char *path, const char *name, struct digest *ret_digest, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY); /* links are fine */
	_cleanup_free_ char *text = malloc(SUMS_FILE_MAX + 1);
	ssize_t n;
	int r;

	if (fd < 0)
		return error_set(err, FAULT_CONFIG, "%s: %s", path, strerrordesc_np(errno));
	n = text ? fd_read_full(fd, text, SUMS_FILE_MAX) : -1;
	if (n < 0)
		return error_errno(err, "reading %s", path);
	if (n == SUMS_FILE_MAX)
		return error_set(err, FAULT_CONFIG, "%s is larger than a file of sums", path);
	text[n] = '\0';
	r = sums_find(text, name, ret_digest, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}
