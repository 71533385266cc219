#include "base/scope.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PATH_MAX_ 512

static bool of_user;
static char user_dirs[SCOPE_DIR_MAX][PATH_MAX_];

static const char *const system_dirs[SCOPE_DIR_MAX] = {
	[SCOPE_CONFIG] = "/etc/flipslot",      [SCOPE_VENDOR] = "/usr/lib/flipslot",
	[SCOPE_STATE] = "/var/lib/flipslot",   [SCOPE_RUN] = "/run/flipslot",
	[SCOPE_UNITS] = "/etc/systemd/system",
};

/* Where each lies: below the folder that the variable names, else below the home. */
static const struct {
	const char *variable, *below_home, *name;
} places[SCOPE_DIR_MAX] = {
	[SCOPE_CONFIG] = { "XDG_CONFIG_HOME", ".config", "flipslot" },
	[SCOPE_STATE] = { "XDG_STATE_HOME", ".local/state", "flipslot" },
	[SCOPE_UNITS] = { "XDG_CONFIG_HOME", ".config", "systemd/user" },
};

static const char *get_absolute(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0] == '/' ? value : NULL;
}

/* The home, copied to buffer if it is from the user database; NULL: none. */
static const char *find_home(char *buffer, size_t room)
{
	const char *home = get_absolute("HOME");
	struct passwd entry, *user = NULL;

	if (home)
		return home;
	if (getpwuid_r(geteuid(), &entry, buffer, room, &user) == 0 && user &&
	    user->pw_dir[0] == '/')
		return user->pw_dir;
	return NULL;
}

static bool is_too_long(int n)
{
	return n < 0 || n >= PATH_MAX_;
}

static int place(const char *home, enum scope_dir which, char ret_path[static PATH_MAX_],
		 struct error *err)
{
	const char *parent = get_absolute(places[which].variable);
	int n = parent ? snprintf(ret_path, PATH_MAX_, "%s/%s", parent, places[which].name) :
			 snprintf(ret_path, PATH_MAX_, "%s/%s/%s", home, places[which].below_home,
				  places[which].name);

	return is_too_long(n) ? error_set(err, FAULT_CONFIG, "the path of $%s is too long",
					  places[which].variable) :
				0;
}

static int place_run(char ret_path[static PATH_MAX_], struct error *err)
{
	const char *parent = get_absolute("XDG_RUNTIME_DIR");
	int n = parent ? snprintf(ret_path, PATH_MAX_, "%s/flipslot", parent) :
			 snprintf(ret_path, PATH_MAX_, "/run/user/%u/flipslot",
				  (unsigned int)geteuid());

	return is_too_long(n) ?
		       error_set(err, FAULT_CONFIG, "the path of $XDG_RUNTIME_DIR is too long") :
		       0;
}

static int place_all(char dirs[SCOPE_DIR_MAX][PATH_MAX_], struct error *err)
{
	static const enum scope_dir below[] = { SCOPE_CONFIG, SCOPE_STATE, SCOPE_UNITS };
	char buffer[4096];
	const char *home = find_home(buffer, sizeof(buffer));
	int r = home ? 0 :
		       error_set(err, FAULT_CONFIG,
				 "user %u has no home directory: set HOME, or XDG_CONFIG_HOME and "
				 "XDG_STATE_HOME",
				 (unsigned int)geteuid());

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(below); i++)
		r = place(home, below[i], dirs[below[i]], err);
	if (r == 0)
		r = place_run(dirs[SCOPE_RUN], err);
	(void)snprintf(dirs[SCOPE_VENDOR], PATH_MAX_, "%s/user", system_dirs[SCOPE_VENDOR]);
	return r;
}

int scope_choose_user(struct error *err)
{
	int r = place_all(user_dirs, err);

	if (r == 0)
		of_user = true;
	return r;
}

bool scope_has_user(void)
{
	char dirs[SCOPE_DIR_MAX][PATH_MAX_];

	return place_all(dirs, NULL) == 0 && access(dirs[SCOPE_CONFIG], X_OK) == 0;
}

bool scope_is_user(void)
{
	return of_user;
}

const char *scope_dir(enum scope_dir which)
{
	return of_user ? user_dirs[which] : system_dirs[which];
}

bool scope_may_write(void)
{
	return of_user || geteuid() == 0;
}

const char *scope_systemctl(void)
{
	return of_user ? "systemctl --user" : "systemctl";
}

const char *scope_journalctl(void)
{
	return of_user ? "journalctl --user" : "journalctl";
}

const char *scope_systemctl_of(const char *user, char ret_text[static SCOPE_COMMAND_MAX])
{
	if (!user)
		return scope_systemctl();
	(void)snprintf(ret_text, SCOPE_COMMAND_MAX, "systemctl --user -M %.40s@", user);
	return ret_text;
}

/* The journal of another user cannot be asked for by --user. */
const char *scope_log_of(const char *user, const char *unit, char ret_text[static SCOPE_LOG_MAX])
{
	if (user)
		(void)snprintf(ret_text, SCOPE_LOG_MAX,
			       "journalctl _SYSTEMD_USER_UNIT=%.256s _UID=$(id -u %.40s)", unit,
			       user);
	else
		(void)snprintf(ret_text, SCOPE_LOG_MAX, "%s -u %.256s", scope_journalctl(), unit);
	return ret_text;
}
