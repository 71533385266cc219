#include "trust/target-pattern.h"

#include <string.h>

#include "base/text.h"
#include "base/version.h"

#define ARCH	"{arch}"
#define DIGITS	"0123456789"
#define VERSION DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.+~^_-"

/* The same rules as for paths that can be fetched (trust/filename.h). */
static bool has_bad_part(const char *pattern)
{
	for (const char *part = pattern;; part++) {
		size_t size = strcspn(part, "/");

		if (size == 0 || (size == 1 && part[0] == '.') ||
		    (size == 2 && part[0] == '.' && part[1] == '.'))
			return true;
		part += size;
		if (*part == '\0')
			return false;
	}
}

static bool has_bad_brace(const char *pattern)
{
	for (const char *at = strpbrk(pattern, "{}"); at; at = strpbrk(at, "{}")) {
		if (strncmp(at, ARCH, strlen(ARCH)) != 0)
			return true;
		at += strlen(ARCH);
	}
	return false;
}

int target_pattern_check(const char *pattern, struct error *err)
{
	const char *star = strchr(pattern, '*');

	if (strlen(pattern) >= TARGET_PATTERN_MAX)
		return error_set(err, FAULT_CONFIG, "more than %d bytes", TARGET_PATTERN_MAX - 1);
	if (has_bad_part(pattern))
		return error_set(err, FAULT_CONFIG,
				 "\"%s\" is not the path of a target: it is relative, and has no "
				 "empty, . or .. part",
				 pattern);
	if (star && strchr(star + 1, '*'))
		return error_set(err, FAULT_CONFIG,
				 "\"%s\" has more than one *, which stands for the version",
				 pattern);
	if (has_bad_brace(pattern))
		return error_set(err, FAULT_CONFIG,
				 "\"%s\": braces are for {arch}, the machine as `uname -m` says",
				 pattern);
	return 0;
}

int target_pattern_expand(const char *pattern, const char *machine,
			  char ret_pattern[static TARGET_PATTERN_MAX], struct error *err)
{
	_cleanup_text_ struct text text = {};
	const char *arch;
	int r;

	for (; (arch = strstr(pattern, ARCH)); pattern = arch + strlen(ARCH)) {
		text_add_bytes(&text, pattern, (size_t)(arch - pattern));
		text_add(&text, "%s", machine);
	}
	text_add(&text, "%s", pattern);
	r = text_check(&text, err);
	if (r < 0)
		return r;
	if (text.size >= TARGET_PATTERN_MAX || strpbrk(machine, "*/"))
		return error_set(err, FAULT_CONFIG, "TargetPattern= cannot be used on a \"%s\"",
				 machine);
	memcpy(ret_pattern, text.data, text.size + 1);
	return 0;
}

bool target_pattern_is_open(const char *pattern)
{
	return strchr(pattern, '*') != NULL;
}

size_t target_pattern_prefix(const char *pattern)
{
	return strcspn(pattern, "*");
}

int target_pattern_compare(const char *a, const char *b)
{
	return version_compare(a + (a[0] == 'v'), b + (b[0] == 'v'));
}

bool target_pattern_match(const char *pattern, const char *path,
			  char ret_version[static TARGET_PATTERN_VERSION_MAX])
{
	size_t before = target_pattern_prefix(pattern);
	const char *behind = pattern + before + 1;
	size_t after = strlen(behind);
	size_t size = strlen(path);
	const char *version = path + before;
	size_t n = size - before - after;

	if (size <= before + after || n >= TARGET_PATTERN_VERSION_MAX ||
	    memcmp(path, pattern, before) != 0 || strcmp(path + size - after, behind) != 0)
		return false;
	memcpy(ret_version, version, n);
	ret_version[n] = '\0';
	if (strspn(ret_version, VERSION) != n)
		return false;
	return strchr(DIGITS, ret_version[ret_version[0] == 'v']) && n > (ret_version[0] == 'v');
}
