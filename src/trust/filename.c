#include "trust/filename.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "trust/jread.h"

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_.-~", c));
}

static void add_encoded(struct text *out, const char *name, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (is_plain(name[i]))
			text_add_bytes(out, &name[i], 1);
		else
			text_add(out, "%%%02X", (unsigned char)name[i]);
	}
}

static int take(struct text *out, char **ret_name, struct error *err)
{
	*ret_name = text_take(out);
	return *ret_name ? 0 : error_code(err, -ENOMEM, "naming a file");
}

int filename_of_role(const char *role, uint64_t version, char **ret_name, struct error *err)
{
	_cleanup_text_ struct text out = {};
	char shown[JREAD_SHOWN_MAX];

	if (role[0] == '\0')
		return error_set(err, FAULT_CORRUPT, "a role has no name");
	if (version > 0)
		text_add(&out, "%" PRIu64 ".", version);
	add_encoded(&out, role, strlen(role));
	text_add(&out, ".json");
	if (out.size > FILENAME_MAX_BYTES)
		return error_set(err, FAULT_CORRUPT, "the name of role \"%s\" is too long",
				 jread_show(role, shown));
	return take(&out, ret_name, err);
}

static bool is_part(const char *part, size_t size)
{
	return size > 0 && !(size == 1 && part[0] == '.') &&
	       !(size == 2 && part[0] == '.' && part[1] == '.');
}

int filename_of_target(const char *path, const char *hash, char **ret_name, struct error *err)
{
	_cleanup_text_ struct text out = {};
	char shown[JREAD_SHOWN_MAX];
	size_t size;

	for (const char *part = path;; part += size + 1) {
		size = strcspn(part, "/");
		if (!is_part(part, size))
			return error_set(err, FAULT_CORRUPT,
					 "\"%s\" is not a path that can be fetched",
					 jread_show(path, shown));
		if (part[size] == '\0' && hash && hash[0])
			text_add(&out, "%s.", hash);
		add_encoded(&out, part, size);
		if (part[size] == '\0')
			return take(&out, ret_name, err);
		text_add(&out, "/");
	}
}
