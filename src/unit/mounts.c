#include "unit/mounts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static void fclosep(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

/* The fifth field, "\040" for a blank, and so on. */
static bool find_point(char *line, char **ret_point)
{
	char *at = line, *out;

	for (unsigned int i = 0; i < 4; i++) {
		at = strchr(at, ' ');
		if (!at)
			return false;
		at++;
	}
	*ret_point = at;
	for (out = at; *at && *at != ' '; at++) {
		if (at[0] == '\\' && at[1] && at[2] && at[3]) {
			*out++ = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
			at += 3;
		} else {
			*out++ = *at;
		}
	}
	*out = '\0';
	return **ret_point == '/';
}

static bool lies_on(const char *path, const char *point)
{
	size_t size = strlen(point);

	if (size == 1)
		return true;
	return strncmp(path, point, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

int mounts_find(const char *table, const char *path, char *ret_point, size_t room,
		struct error *err)
{
	_cleanup_(fclosep) FILE *file = fopen(table, "re");
	_cleanup_free_ char *line = NULL;
	size_t line_room = 0, longest = 0;

	if (!file)
		return error_errno(err, "opening %s", table);
	while (getline(&line, &line_room, file) > 0) {
		char *point;

		line[strcspn(line, "\n")] = '\0';
		if (!find_point(line, &point) || !lies_on(path, point) || strlen(point) < longest)
			continue;
		longest = strlen(point);
		(void)text_copy(point, ret_point, room);
	}
	if (longest == 0)
		return error_code(err, -ENOENT, "looking for %s in %s", path, table);
	return 0;
}
