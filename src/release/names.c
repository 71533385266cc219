#include "release/names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f);
}

/* What holds for every text that becomes a name or a link on disk. */
static int check_text(const char *text, struct error *err)
{
	size_t size = strnlen(text, NAMES_PATH_MAX + 1);
	uint32_t point;
	size_t n;

	if (size == 0)
		return error_set(err, FAULT_CORRUPT, "an empty name");
	if (size > NAMES_PATH_MAX)
		return error_set(err, FAULT_CORRUPT, "a name longer than %d bytes", NAMES_PATH_MAX);
	if (text[0] == '/')
		return error_set(err, FAULT_CORRUPT, "an absolute name");
	for (size_t i = 0; i < size; i += n) {
		if (text[i] >= 0x20 && text[i] < 0x7f) {
			n = 1;
			continue;
		}
		n = text_utf8_char(text + i, size - i, &point);
		if (n == 0)
			return error_set(err, FAULT_CORRUPT, "a name that is not valid UTF-8");
		if (is_control(point))
			return error_set(err, FAULT_CORRUPT, "a control character in the name");
	}
	return 0;
}

static bool is_part(const char *part, size_t size, const char *what)
{
	return size == strlen(what) && memcmp(part, what, size) == 0;
}

static int check_part(const char *part, size_t size, struct error *err)
{
	if (is_part(part, size, ".."))
		return error_set(err, FAULT_CORRUPT, "\"..\" in the name");
	if (size > NAMES_PART_MAX)
		return error_set(err, FAULT_CORRUPT, "a part of the name is longer than %d bytes",
				 NAMES_PART_MAX);
	return 0;
}

/* Where the text begins of which tar would say that the first `strip` parts are gone; NULL: nowhere. */
static const char *after_strip(const char *name, unsigned int strip)
{
	for (; strip > 0; strip--) {
		name = strchr(name, '/');
		if (!name)
			return NULL;
		name += strspn(name, "/");
	}
	return name;
}

/* Appends the part to path[size], with a slash before all but the first. Returns the new size. */
static size_t append_part(char *path, size_t size, const char *part, size_t part_size)
{
	if (size > 0)
		path[size++] = '/';
	memcpy(path + size, part, part_size);
	return size + part_size;
}

int names_normalise(const char *name, unsigned int strip, char **ret_path, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	const char *kept = after_strip(name, strip);
	size_t size = 0;
	size_t n;
	int r = check_text(name, err);

	if (r < 0)
		return r;
	path = malloc(strlen(name) + 1);
	if (!path)
		return error_errno(err, "a name");
	for (const char *part = name; *part; part += n + strspn(part + n, "/")) {
		n = (size_t)(strchrnul(part, '/') - part);
		r = check_part(part, n, err);
		if (r < 0)
			return r;
		if (kept && part >= kept && !is_part(part, n, "."))
			size = append_part(path, size, part, n);
	}
	if (size == 0)
		return strip > 0 ? NAMES_STRIPPED : NAMES_ROOT;
	path[size] = '\0';
	*ret_path = TAKE_PTR(path);
	return 0;
}

int names_check_path(const char *path, struct error *err)
{
	const char *part = path;
	int r = check_text(path, err);

	for (; r == 0; part++) {
		size_t n = (size_t)(strchrnul(part, '/') - part);

		if (n == 0 || is_part(part, n, "."))
			return error_set(err, FAULT_CORRUPT, "an empty or \".\" part in the name");
		r = check_part(part, n, err);
		part += n;
		if (!*part)
			break;
	}
	return r;
}

int names_check_target(const char *text, struct error *err)
{
	char shown[128];
	int r;

	if (text[0] == '/')
		return error_set(
			err, FAULT_CORRUPT,
			"the link's target %s is absolute; a link may only lead within the "
			"release",
			text_escape(text, strnlen(text, NAMES_PATH_MAX), shown, sizeof(shown)));
	r = check_text(text, err);
	return r < 0 ? error_prefix(err, r, "its target") : 0;
}

unsigned int names_depth(const char *path)
{
	unsigned int depth = 1;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

char *names_show(const char *name, char ret_text[static NAMES_SHOWN_MAX])
{
	return text_escape(name, strlen(name), ret_text, NAMES_SHOWN_MAX);
}
