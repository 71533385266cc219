#include "unit/companion.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "unit/exec.h"

struct check {
	const struct unit *unit;
	const char *current_path;
	int slot_fd;
};

static bool find_rest(const struct check *check, const char *path, char *ret_rest, size_t room)
{
	return exec_locate_of(check->unit, path, check->current_path, ret_rest, room, NULL) == 0;
}

/* What leads out of the slot is not the release's, and what cannot be looked at is left to systemd. */
static bool is_missing(const struct check *check, const char *rest, bool folder)
{
	_cleanup_close_ int fd = rest[0] ? exec_open_in_slot(check->slot_fd, rest) : -1;
	struct stat st;

	if (fd < 0)
		return rest[0] && (errno == ENOENT || errno == ENOTDIR);
	return folder && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode);
}

static int complain(const struct check *check, const char *rest, const char *key, struct error *err)
{
	char shown[256];

	return error_set(err, FAULT_UNIT, "%s in the release is missing, and %s of %s names it",
			 text_escape(rest, strlen(rest), shown, sizeof(shown)), key,
			 check->unit->name);
}

static int look_for(const struct check *check, const char *path, const char *key, bool folder,
		    struct error *err)
{
	char rest[PATH_MAX];

	if (!find_rest(check, path, rest, sizeof(rest)) || !is_missing(check, rest, folder))
		return 0;
	return complain(check, rest, key, err);
}

/* Of others who can tell what they do with a name: a database makes its file. "python3.11" is python's. */
static bool is_interpreter(const char *path)
{
	static const char *const names[] = { "node", "nodejs", "python", "ruby", "perl",
					     "php",  "sh",     "bash",	 "dash" };
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t size = strlen(names[i]);

		if (strncmp(name, names[i], size) == 0 &&
		    name[size + strspn(name + size, "0123456789.")] == '\0')
			return true;
	}
	return false;
}

/* Without one, node may mean "server.js" by "server". */
static bool has_extension(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');

	return dot && dot[1] != '\0' && dot != path && dot[-1] != '/';
}

static int check_argument(const struct check *check, const struct unit_exec *exec,
			  struct error *err)
{
	const char *argument = exec->argv[0] ? exec->argv[1] : NULL;
	char path[PATH_MAX], rest[PATH_MAX];

	if (!argument || find_rest(check, exec->path, rest, sizeof(rest)) ||
	    !is_interpreter(exec->path) || !has_extension(argument) || argument[0] == '-' ||
	    strchr(argument, '$')) /* a variable is put in only when it is started */
		return 0;
	if (argument[0] == '/')
		return look_for(check, argument, "ExecStart=", false, err);
	if (!check->unit->working_directory[0] ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", check->unit->working_directory,
			     argument) >= sizeof(path))
		return 0;
	return look_for(check, path, "ExecStart=", false, err);
}

int companion_check(const struct unit *unit, const char *current_path, int slot_fd,
		    struct error *err)
{
	const struct check check = {
		.unit = unit,
		.current_path = current_path,
		.slot_fd = slot_fd,
	};
	int r = 0;

	if (unit->root_directory[0])
		return 0;
	if (!unit->is_working_directory_optional)
		r = look_for(&check, unit->working_directory, "WorkingDirectory=", true, err);
	for (char **file = unit->environment_files; r == 0 && file && *file; file++)
		if (!strpbrk(*file, "*?["))
			r = look_for(&check, *file, "EnvironmentFile=", false, err);
	for (size_t i = 0; r == 0 && !unit->is_prepared && i < unit->n_exec_start; i++)
		r = check_argument(&check, &unit->exec_start[i], err);
	return r;
}
