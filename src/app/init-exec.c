#include "app/init-exec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define PLAIN \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./,:@^~%${}()[]*?&|<>!"
#define PREFIXES "@-:+!|"

/* ---- asking ---- */

/* What the manager calls a prefix ("ExecStartEx"), and what it is in a unit file. */
static const struct {
	const char *flag;
	const char *prefix;
} flags[] = {
	{ "ignore-failure", "-" }, { "no-env-expand", ":" }, { "privileged", "+" },
	{ "no-setuid", "!" },	   { "ambient", "!!" },
};

static void add_prefix(const char *flag, struct init_exec_prefix *prefix)
{
	size_t size = strlen(prefix->text);

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strcmp(flag, flags[i].flag) == 0)
			text_copy(flags[i].prefix, prefix->text + size,
				  sizeof(prefix->text) - size);
}

/* (sasasttttuii): path, argv, flags, times, pid, code, status. */
static int read_flags(sd_bus_message *reply, struct init_exec_prefix *ret)
{
	const char *flag;
	int r = sd_bus_message_enter_container(reply, 'r', "sasasttttuii");

	if (r <= 0)
		return r;
	*ret = (struct init_exec_prefix){};
	r = sd_bus_message_skip(reply, "sas");
	if (r >= 0)
		r = sd_bus_message_enter_container(reply, 'a', "s");
	while (r >= 0 && (r = sd_bus_message_read(reply, "s", &flag)) > 0)
		add_prefix(flag, ret);
	if (r >= 0)
		r = sd_bus_message_exit_container(reply);
	if (r >= 0)
		r = sd_bus_message_skip(reply, "ttttuii");
	if (r >= 0)
		r = sd_bus_message_exit_container(reply);
	return r < 0 ? r : 1;
}

static int read_all_flags(sd_bus_message *reply, struct init_exec_prefix *ret, size_t n)
{
	int r = sd_bus_message_enter_container(reply, 'v', "a(sasasttttuii)");

	if (r >= 0)
		r = sd_bus_message_enter_container(reply, 'a', "(sasasttttuii)");
	for (size_t i = 0; r >= 0 && i < n; i++) {
		r = read_flags(reply, &ret[i]);
		if (r == 0)
			return -ENXIO; /* there were n a moment ago */
	}
	return r;
}

int init_exec_prefixes(struct manager *manager, const char *unit, struct init_exec_prefix *ret,
		       size_t n, struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_free_ char *path = NULL;
	int r = sd_bus_path_encode(MANAGER_PATH "/unit", unit, &path);

	if (r >= 0)
		r = manager_call(manager, path, "org.freedesktop.DBus.Properties", "Get",
				 &bus_error, &reply, "ss", "org.freedesktop.systemd1.Service",
				 "ExecStartEx");
	if (r >= 0)
		r = read_all_flags(reply, ret, n);
	if (r < 0)
		return manager_error(&bus_error, r, err, "asking systemd how %s is started", unit);
	return 0;
}

/* ---- writing ---- */

static void add_quoted(struct text *text, const char *word)
{
	text_add(text, "\"");
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c < ' ' || c == 0x7f)
			text_add(text, "\\x%02x", c);
		else if (c == '"' || c == '\\')
			text_add(text, "\\%c", c);
		else
			text_add(text, c == '%' ? "%%%%" : "%c", c);
	}
	text_add(text, "\"");
}

/* A word of one ; would end the command, an empty one would vanish. */
static void add_word(struct text *text, const char *word)
{
	if (word[0] && strspn(word, PLAIN) == strlen(word))
		init_exec_add_path(text, word);
	else
		add_quoted(text, word);
}

void init_exec_add_path(struct text *text, const char *path)
{
	for (; *path; path++)
		text_add(text, *path == '%' ? "%%%%" : "%c", *path);
}

void init_exec_add_line(struct text *text, const struct unit_exec *exec, const char *prefix)
{
	bool renamed = exec->argv[0] && strcmp(exec->argv[0], exec->path) != 0;

	text_add(text, "%s%s", renamed ? "@" : "", prefix);
	add_word(text, exec->path);
	for (char **word = exec->argv + (exec->argv[0] && !renamed); *word; word++) {
		text_add(text, " ");
		add_word(text, *word);
	}
}

/* ---- reading ---- */

static int check_line(const char *line, struct error *err)
{
	size_t size = strlen(line);

	for (const char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return error_set(
				err, FAULT_CONFIG,
				"--exec-start: a control character in it; it must be one line");
	if (size == 0 || line[size - 1] == '\\')
		return error_set(err, FAULT_CONFIG, "--exec-start: %s",
				 size == 0 ? "it is empty" : "it cannot end with a backslash");
	return 0;
}

int init_exec_parse(const char *line, struct unit *unit, struct error *err)
{
	const char *command = line + strspn(line, PREFIXES);
	bool renamed = memchr(line, '@', (size_t)(command - line)) != NULL;
	_cleanup_(parse_argv_freep) char **argv = NULL;
	struct unit_exec *exec;
	int r = check_line(line, err);

	if (r < 0)
		return r;
	r = parse_argv(command, &argv, err);
	if (r < 0)
		return error_prefix(err, r, "--exec-start");
	if (renamed && !argv[1])
		return error_set(err, FAULT_CONFIG, "--exec-start: @ wants a name behind the path");
	exec = calloc(1, sizeof(*exec));
	if (!exec)
		return error_errno(err, "--exec-start");
	text_copy(argv[0], exec->path, sizeof(exec->path));
	if (renamed) {
		free(argv[0]);
		for (size_t i = 0; argv[i]; i++)
			argv[i] = argv[i + 1];
	}
	exec->argv = TAKE_PTR(argv);
	for (size_t i = 0; i < unit->n_exec_start; i++)
		parse_argv_free(unit->exec_start[i].argv);
	free(unit->exec_start);
	unit->exec_start = exec;
	unit->n_exec_start = 1;
	return 0;
}

/* ---- redirecting ---- */

static bool is_dir(const char *path, size_t size, const struct stat *dir)
{
	_cleanup_free_ char *part = strndup(path, size);
	struct stat st;

	return part && stat(part, &st) == 0 && st.st_dev == dir->st_dev && st.st_ino == dir->st_ino;
}

/* Would what stands behind the directory lead out of it again? */
static bool goes_up(const char *rest)
{
	const char *up = strstr(rest, "/..");

	return up && (up[3] == '/' || !up[3]);
}

/* The length of the path's shortest begin that is the directory, 0 if none is. */
static size_t find_dir(const char *path, const struct stat *dir)
{
	for (size_t size = 1; path[size - 1]; size++) {
		size += strcspn(path + size, "/");
		if (is_dir(path, size, dir))
			return goes_up(path + size) ? 0 : size;
		if (!path[size])
			break;
	}
	return 0;
}

/* The same for a path in a word, which ends where a list goes on: "-Dpath=/opt/gw/lib:/usr/lib". */
static size_t find_dir_in_list(const char *path, const struct stat *dir)
{
	_cleanup_free_ char *one = strndup(path, strcspn(path, ":,\"' "));

	return one ? find_dir(one, dir) : 0;
}

int init_exec_redirect(const char *word, const struct stat *dir, const char *to, char **ret_word,
		       struct error *err)
{
	_cleanup_text_ struct text text = {};
	bool changed = false;
	char before = '=';
	int r;

	while (*word) {
		size_t size =
			*word == '/' && strchr("=:,\"' ", before) ? find_dir_in_list(word, dir) : 0;

		changed |= size > 0;
		if (size > 0)
			text_add(&text, "%s", to);
		else
			text_add_bytes(&text, word, size = 1);
		before = word[size - 1];
		word += size;
	}
	if (!changed)
		return INIT_EXEC_SAME;
	r = text_check(&text, err);
	if (r == 0)
		*ret_word = text_take(&text);
	return r;
}

bool init_exec_is_interpreter(const char *path)
{
	static const char *const names[] = {
		"python", "pypy",  "node",     "nodejs", "deno",   "bun",     "bash",
		"sh",	  "dash",  "zsh",      "ksh",	 "ash",	   "busybox", "java",
		"ruby",	  "jruby", "perl",     "php",	 "lua",	   "luajit",  "tclsh",
		"guile",  "erl",   "beam.smp", "mono",	 "dotnet", "Rscript", "env",
	};
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t size = strlen(names[i]);

		/* python3.11, php8.2 */
		if (strncmp(name, names[i], size) == 0 &&
		    strspn(name + size, "0123456789.-") == strlen(name + size))
			return true;
	}
	return false;
}
