#include "app/init-unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "app/init-exec.h"
#include "app/init-text.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/scope.h"
#include "unit/exec.h"

#define EXEC_START    "ExecStart="
#define UNIT_FILE_MAX (1024 * 1024)

void init_unit_done(struct init_unit *unit)
{
	unit_done(&unit->now);
	unit_done(&unit->planned);
	text_done(&unit->exec_lines);
	text_done(&unit->directory_line);
}

int init_unit_look(struct init_unit *unit, struct manager *manager, const char *name,
		   struct error *err)
{
	char why[ERROR_TEXT_MAX / 2];
	int r = unit_query(manager, name, &unit->now, err);

	if (r < 0)
		return r;
	if (strcmp(unit->now.load_state, "not-found") == 0)
		return error_set(err, FAULT_UNIT,
				 "there is no unit %s: write its unit file first (and systemctl "
				 "daemon-reload)",
				 name);
	if (strcmp(unit->now.load_state, "loaded") != 0)
		return error_set(err, FAULT_UNIT, "%s: %s", name,
				 unit_explain(&unit->now, why, sizeof(why)));
	return unit_query(manager, name, &unit->planned, err);
}

/* ---- ExecStart= ---- */

static void add_exec_lines(struct init_unit *unit, const struct init_exec_prefix *prefixes)
{
	text_add(&unit->exec_lines, EXEC_START "\n");
	for (size_t i = 0; i < unit->planned.n_exec_start; i++) {
		text_add(&unit->exec_lines, EXEC_START);
		init_exec_add_line(&unit->exec_lines, &unit->planned.exec_start[i],
				   prefixes[i].text);
		text_add(&unit->exec_lines, "\n");
	}
}

/* The path of a program may lead into the directory by a link of its own (/usr/local/bin/gw). */
static int redirect_program(struct unit_exec *exec, const struct stat *dir, const char *current,
			    struct error *err)
{
	_cleanup_free_ char *real = realpath(exec->path, NULL);
	_cleanup_free_ char *path = NULL;
	int r = init_exec_redirect(exec->path, dir, current, &path, err);

	if (r == INIT_EXEC_SAME && real)
		r = init_exec_redirect(real, dir, current, &path, err);
	if (r == 0)
		text_copy(path, exec->path, sizeof(exec->path));
	return r;
}

/* Counts what it redirected. */
static int redirect_exec(struct unit_exec *exec, const struct stat *dir, const char *current,
			 unsigned int *programs, unsigned int *arguments, struct error *err)
{
	bool renamed = exec->argv[0] && strcmp(exec->argv[0], exec->path) != 0;
	int r = redirect_program(exec, dir, current, err);

	if (r < 0)
		return r;
	*programs += r == 0;
	for (size_t i = 0; exec->argv[i]; i++) {
		char *word = NULL;

		/* argv[0] is the path again, unless the unit gives another with "@" */
		if (i == 0 && !renamed)
			word = strdup(exec->path);
		else
			r = init_exec_redirect(exec->argv[i], dir, current, &word, err);
		if (r < 0)
			return r;
		*arguments += i > 0 && word;
		if (!word)
			continue;
		free(exec->argv[i]);
		exec->argv[i] = word;
	}
	return 0;
}

static int redirect_all(struct init_unit *unit, struct manager *manager, const struct stat *dir,
			const char *current, struct error *err)
{
	_cleanup_free_ struct init_exec_prefix *prefixes = NULL;
	size_t n = unit->planned.n_exec_start;
	unsigned int programs = 0;
	unsigned int arguments = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = redirect_exec(&unit->planned.exec_start[i], dir, current, &programs, &arguments,
				  err);
	if (r < 0 || programs + arguments == 0)
		return r;
	unit->arguments_moved = arguments > 0;
	prefixes = calloc(n, sizeof(*prefixes));
	if (!prefixes)
		return error_errno(err, "reading %s", unit->now.name);
	r = init_exec_prefixes(manager, unit->now.name, prefixes, n, err);
	if (r == 0)
		add_exec_lines(unit, prefixes);
	return r;
}

static int plan_exec(struct init_unit *unit, struct manager *manager,
		     const struct init_options *options, const struct init_adopt *adopt,
		     const char *current, const char *old, struct error *err)
{
	int r = 0;

	if (options->exec_start) {
		text_add(&unit->exec_lines, EXEC_START "\n" EXEC_START "%s\n", options->exec_start);
		return init_exec_parse(options->exec_start, &unit->planned, err);
	}
	if (adopt->dir)
		r = redirect_all(unit, manager, &adopt->st, current, err);
	if (r == 0 && !unit->exec_lines.data && old)
		init_text_lines_of(old, EXEC_START, &unit->exec_lines);
	return r;
}

/* ---- WorkingDirectory= ---- */

/* Does ExecStart= alone lead through `current`? */
static bool exec_is_in_release(const struct unit *planned, const char *current)
{
	struct unit alone = *planned; /* borrows its strings */

	alone.working_directory[0] = '\0';
	alone.root_directory[0] = '\0';
	return exec_goes_through(&alone, current);
}

static bool begins_with_interpreter(int dirfd, const char *name)
{
	_cleanup_close_ int fd = fd_open_beneath(dirfd, name, O_RDONLY | O_NONBLOCK, 0);
	char begin[2];

	return fd >= 0 && fd_read_full(fd, begin, sizeof(begin)) == sizeof(begin) &&
	       memcmp(begin, "#!", 2) == 0;
}

/* Would a process of it show by its executable which release it is? Not if that is an interpreter's. */
static bool shows_release(const struct unit *planned, const struct init_adopt *adopt,
			  const char *current)
{
	const struct unit_exec *exec = &planned->exec_start[0];
	char rest[UNIT_TEXT_MAX];

	if (exec->path[0] != '/' ||
	    exec_locate_of(planned, exec->path, current, rest, sizeof(rest), NULL) != 0)
		return !init_exec_is_interpreter(exec->path);
	return adopt->fd < 0 || !begins_with_interpreter(adopt->fd, rest);
}

static int plan_directory(struct init_unit *unit, const struct init_adopt *adopt,
			  const char *current, const char *old, struct error *err)
{
	struct unit *planned = &unit->planned;
	_cleanup_free_ char *moved = NULL;
	const char *directory = NULL;
	int r = adopt->dir ? init_exec_redirect(planned->working_directory, &adopt->st, current,
						&moved, err) :
			     INIT_EXEC_SAME;

	if (r < 0)
		return r;
	if (moved)
		directory = moved;
	else if (!planned->working_directory[0] && planned->n_exec_start > 0 &&
		 exec_is_in_release(planned, current) && !shows_release(planned, adopt, current))
		directory = current;
	unit->arguments_moved |= moved != NULL;
	if (!directory && old)
		init_text_lines_of(old, "WorkingDirectory=", &unit->directory_line);
	if (!directory)
		return 0;
	/* "-": a release may not be there yet */
	text_add(&unit->directory_line, "WorkingDirectory=-");
	init_exec_add_path(&unit->directory_line, directory);
	text_add(&unit->directory_line, "\n");
	text_copy(directory, planned->working_directory, sizeof(planned->working_directory));
	return 0;
}

int init_unit_plan(struct init_unit *unit, struct manager *manager,
		   const struct init_options *options, const struct init_adopt *adopt,
		   const char *current, const char *old, struct error *err)
{
	int r = plan_exec(unit, manager, options, adopt, current, old, err);

	if (r == 0)
		r = plan_directory(unit, adopt, current, old, err);
	if (r == 0)
		r = text_check(&unit->exec_lines, err);
	if (r == 0)
		r = text_check(&unit->directory_line, err);
	if (r == 0 && options->exec_start && !exec_goes_through(&unit->planned, current))
		return error_set(
			err, FAULT_CONFIG,
			"--exec-start: it does not go through %s, so a switch would change "
			"nothing",
			current);
	return r;
}

/* ---- what is left ---- */

static char *read_unit_file(const char *path)
{
	char *text = NULL;

	if (!path[0] || fd_read_file(AT_FDCWD, path, UNIT_FILE_MAX, &text, NULL, NULL) != 0)
		return NULL;
	return text;
}

/* The file whose ExecStart= counts. */
static const char *file_of_exec(const struct unit *unit)
{
	const char *path = unit->fragment_path;

	if (unit->is_owned) /* his files are not read */
		return path;
	for (char **drop_in = unit->drop_in_paths; drop_in && *drop_in; drop_in++) {
		_cleanup_free_ char *text = read_unit_file(*drop_in);
		_cleanup_text_ struct text lines = {};

		if (text)
			init_text_lines_of(text, EXEC_START, &lines);
		if (lines.data)
			path = *drop_in;
	}
	return path;
}

static bool names_directory(const char *line, size_t size, const char *dir)
{
	const char *at = memmem(line, size, dir, strlen(dir));
	const char *end = at ? at + strlen(dir) : NULL;

	return at && (end == line + size || strchr("/ \t\"':;,", *end));
}

/* Lines of other settings (EnvironmentFile=, ExecReload=, …) that still name the adopted directory. */
static void add_lines_left(const char *path, const char *dir, struct text *todo)
{
	_cleanup_free_ char *text = read_unit_file(path);
	const char *line = text ? text : "";

	for (unsigned int number = 1; *line; number++) {
		size_t size = strcspn(line, "\n");
		bool handled = strncmp(line, EXEC_START, strlen(EXEC_START)) == 0 ||
			       strncmp(line, "WorkingDirectory=", 17) == 0;
		char shown[200];

		if (!handled && !strchr("#;", line[0]) && names_directory(line, size, dir))
			text_add(todo, "- %s:%u still names %s: %s\n", path, number, dir,
				 text_escape(line, size, shown, sizeof(shown)));
		line += size + (line[size] == '\n');
	}
}

static void add_adopted(const struct init_unit *unit, const struct unit *now,
			const struct init_adopt *adopt, const char *current, const char *drop_in,
			struct text *todo)
{
	struct error why = {};

	add_lines_left(now->fragment_path, adopt->dir, todo);
	for (char **path = now->drop_in_paths; path && *path; path++)
		if (strcmp(*path, drop_in) != 0)
			add_lines_left(*path, adopt->dir, todo);
	if (exec_check(now, current, adopt->fd, &why) < 0)
		text_add(todo, "- %s would not start from %s: %s.\n", now->name, current, why.text);
	if (unit->arguments_moved)
		text_add(
			todo,
			"- Arguments or the working directory of %s are in %s now. An update replaces "
			"everything there: what the service writes must be kept elsewhere.\n",
			now->name, current);
	if (unit_is_running(now) && now->started_usec < adopt->descriptor.installed &&
	    exec_goes_through(now, current))
		text_add(todo, "- %s restart %s when it suits you: until then it runs from %s.\n",
			 scope_systemctl(), now->name, adopt->dir);
}

/* What a person could give to --exec-start, in the shape of what is there now. */
static void add_example(const struct unit *now, const char *current, struct text *todo)
{
	const char *program = now->n_exec_start > 0 ? now->exec_start[0].path : "PROGRAM";
	const char *slash = strrchr(program, '/');

	if (init_exec_is_interpreter(program))
		text_add(todo, "%s %s/SCRIPT …", program, current);
	else
		text_add(todo, "%s/%s …", current, slash ? slash + 1 : program);
}

void init_unit_left_to_do(const struct init_unit *unit, const struct unit *now,
			  const struct init_options *options, const struct init_adopt *adopt,
			  const char *current, const char *drop_in, struct text *todo)
{
	if (!exec_goes_through(now, current)) {
		text_add(
			todo,
			"- ExecStart= of %s (%s) does not go through %s: change it, for example by "
			"flipslot init %s --unit %s --exec-start '",
			now->name, file_of_exec(now), current, options->app, now->name);
		add_example(now, current, todo);
		text_add(todo, "'.\n");
	}
	if (unit_never_stays(now))
		text_add(
			todo,
			"- Give %s RemainAfterExit=yes (%s edit %s) or another Type=: Type=oneshot does "
			"not stay up, so nothing could be said of a release.\n",
			now->name, scope_systemctl(), now->name);
	if (adopt->dir)
		add_adopted(unit, now, adopt, current, drop_in, todo);
}
