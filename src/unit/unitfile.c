#include "unit/unitfile.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"

#define BLANKS	   " \t\r"
#define EXEC_MAX   16
#define PREFIXES   "-@:+!|"
#define VALUE_ROOM 4096

/* Where in the text; the line that was read last, joined and trimmed. */
struct reader {
	const char *at;
	bool in_service;
	char key[64];
	char value[VALUE_ROOM];
	bool cut; /* the value was too long */
};

static void append(struct reader *reader, const char *text, size_t size)
{
	size_t have = strlen(reader->value);

	if (size >= sizeof(reader->value) - have) {
		reader->cut = true;
		return;
	}
	memcpy(reader->value + have, text, size);
	reader->value[have + size] = '\0';
}

static const char *end_of_line(const char *at)
{
	return at + strcspn(at, "\n");
}

static bool is_comment(const char *at)
{
	at += strspn(at, BLANKS);
	return *at == '#' || *at == ';';
}

/* A line and those that continue it (a backslash at the end), comments between them left out. */
static void join(struct reader *reader)
{
	for (;;) {
		const char *end = end_of_line(reader->at);
		bool goes_on = end > reader->at && end[-1] == '\\';

		append(reader, reader->at, (size_t)(end - reader->at) - goes_on);
		reader->at = *end ? end + 1 : end;
		if (!goes_on)
			return;
		append(reader, " ", 1);
		while (*reader->at && is_comment(reader->at)) {
			end = end_of_line(reader->at);
			reader->at = *end ? end + 1 : end;
		}
	}
}

static void trim(char *text)
{
	size_t begin = strspn(text, BLANKS);
	size_t size = strlen(text + begin);

	memmove(text, text + begin, size + 1);
	while (size > 0 && strchr(BLANKS, text[size - 1]))
		text[--size] = '\0';
}

/* The next "key=value" of [Service]; false: there is none. */
static bool next(struct reader *reader)
{
	while (*reader->at) {
		bool comment = is_comment(reader->at);
		char *sign;

		reader->value[0] = '\0';
		reader->cut = false;
		if (comment) {
			const char *end = end_of_line(reader->at);

			reader->at = *end ? end + 1 : end;
			continue;
		}
		join(reader);
		trim(reader->value);
		if (reader->value[0] == '[')
			reader->in_service = strcmp(reader->value, "[Service]") == 0;
		sign = strchr(reader->value, '=');
		if (!reader->in_service || reader->value[0] == '[' || !sign)
			continue;
		*sign = '\0';
		trim(reader->value);
		(void)text_copy(reader->value, reader->key, sizeof(reader->key));
		memmove(reader->value, sign + 1, strlen(sign + 1) + 1);
		trim(reader->value);
		return true;
	}
	return false;
}

static void forget_exec(struct unit *unit)
{
	for (size_t i = 0; i < unit->n_exec_start; i++)
		parse_argv_free(unit->exec_start[i].argv);
	free(unit->exec_start);
	unit->exec_start = NULL;
	unit->n_exec_start = 0;
}

static int add_exec(struct unit *unit, char **argv, struct error *err)
{
	struct unit_exec *more =
		reallocarray(unit->exec_start, unit->n_exec_start + 1, sizeof(*more));

	if (!more)
		return error_errno(err, "reading a unit file");
	unit->exec_start = more;
	more += unit->n_exec_start;
	*more = (struct unit_exec){ .argv = calloc(1, sizeof(char *)) };
	if (!more->argv)
		return error_errno(err, "reading a unit file");
	unit->n_exec_start++;
	(void)text_copy(argv[0], more->path, sizeof(more->path));
	free(more->argv);
	more->argv = argv;
	return 0;
}

/* "@" puts the name that the program gets behind its path. */
static void drop_word(char **argv, size_t which)
{
	free(argv[which]);
	for (; argv[which]; which++)
		argv[which] = argv[which + 1];
}

static int take_exec(const char *value, struct unit *unit, bool *whole, struct error *err)
{
	size_t prefixes = strspn(value, PREFIXES);
	_cleanup_(parse_argv_freep) char **argv = NULL;
	struct error unreadable = {};
	int r;

	if (!value[0]) {
		forget_exec(unit);
		return 0;
	}
	if (unit->n_exec_start == EXEC_MAX || strpbrk(value, "%$") ||
	    parse_argv(value + prefixes, &argv, &unreadable) < 0) {
		*whole = false;
		return 0;
	}
	if (memchr(value, '@', prefixes) && argv[1])
		drop_word(argv, 1);
	r = add_exec(unit, argv, err);
	if (r == 0)
		argv = NULL;
	return r;
}

static void take_text(const char *value, char *ret_text, size_t room, bool *whole)
{
	if (strchr(value, '%') || strlen(value) >= room) {
		*whole = false;
		return;
	}
	(void)text_copy(value, ret_text, room);
}

static void take_working_directory(const char *value, struct unit *unit, bool *whole)
{
	unit->is_working_directory_optional = value[0] == '-';
	take_text(value + (value[0] == '-'), unit->working_directory,
		  sizeof(unit->working_directory), whole);
}

static int take(const struct reader *reader, struct unit *unit, bool *whole, struct error *err)
{
	const char *key = reader->key, *value = reader->value;

	if (strcmp(key, "ExecStart") == 0)
		return take_exec(value, unit, whole, err);
	if (strcmp(key, "ExecStartPre") == 0)
		unit->is_prepared |= value[0] != '\0';
	else if (strcmp(key, "WorkingDirectory") == 0)
		take_working_directory(value, unit, whole);
	else if (strcmp(key, "RootDirectory") == 0)
		take_text(value, unit->root_directory, sizeof(unit->root_directory), whole);
	else if (strcmp(key, "User") == 0)
		take_text(value, unit->user, sizeof(unit->user), whole);
	else if (strcmp(key, "Group") == 0)
		take_text(value, unit->group, sizeof(unit->group), whole);
	else if (strcmp(key, "DynamicUser") == 0 &&
		 parse_bool(value, &unit->dynamic_user, NULL) < 0)
		*whole = false;
	return 0;
}

int unitfile_take(const char *text, struct unit *unit, bool *ret_whole, struct error *err)
{
	struct reader reader = { .at = text };
	bool whole = true;
	int r = 0;

	forget_exec(unit);
	unit->working_directory[0] = unit->root_directory[0] = '\0';
	unit->user[0] = unit->group[0] = '\0';
	unit->dynamic_user = unit->is_prepared = false;
	while (r == 0 && next(&reader)) {
		whole &= !reader.cut;
		if (!reader.cut)
			r = take(&reader, unit, &whole, err);
	}
	if (r == 0)
		*ret_whole = whole;
	return r;
}

bool unitfile_sets(const char *text, const char *key)
{
	struct reader reader = { .at = text };

	while (next(&reader))
		if (strcmp(reader.key, key) == 0)
			return true;
	return false;
}

static bool sets_exec_start(const char *path)
{
	_cleanup_free_ char *text = NULL;

	return fd_read_file(AT_FDCWD, path, UNITFILE_MAX, &text, NULL, NULL) == 0 &&
	       unitfile_sets(text, "ExecStart");
}

const char *unitfile_of_exec_start(const struct unit *unit)
{
	const char *found = unit->fragment_path;

	for (char **path = unit->drop_in_paths; path && *path; path++) {
		if (sets_exec_start(*path))
			found = *path;
	}
	return found;
}
