#include "unit/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "unit/binfmt.h"
#include "unit/companion.h"
#include "unit/elf.h"

#define LINKS_MAX    40 /* as in the kernel */
#define HEAD_SIZE    256 /* what the kernel reads of a script (BINPRM_BUF_SIZE) */
#define DEPTH_MAX    4 /* interpreters of interpreters */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* ---- following links ---- */

/* A path taken apart: what was followed, without links, and what is left to follow. */
struct route {
	char done[PATH_MAX];
	char left[PATH_MAX];
	unsigned int links;
};

/* Takes the next component off `left` and puts it behind `done`. False: nothing is left. */
static bool take_component(struct route *route)
{
	const char *at = route->left + strspn(route->left, "/");
	size_t size = strcspn(at, "/");
	size_t done = strlen(route->done);

	if (size == 0 || done + 1 + size >= sizeof(route->done))
		return false;
	if (size == 2 && strncmp(at, "..", 2) == 0) {
		char *slash = strrchr(route->done, '/');

		if (slash)
			*slash = '\0';
	} else if (size != 1 || at[0] != '.') {
		(void)snprintf(route->done + done, sizeof(route->done) - done, "/%.*s", (int)size,
			       at);
	}
	memmove(route->left, at + size, strlen(at + size) + 1);
	return true;
}

/* Puts the target of the link that `done` now is in front of what is left. */
static int enter_link(struct route *route, const char *target, size_t size)
{
	char left[PATH_MAX];
	char *slash = strrchr(route->done, '/');

	if (++route->links > LINKS_MAX || size + strlen(route->left) + 2 > sizeof(left))
		return -ELOOP;
	(void)snprintf(left, sizeof(left), "%.*s%s", (int)size, target, route->left);
	text_copy(left, route->left, sizeof(route->left));
	if (target[0] == '/')
		route->done[0] = '\0';
	else if (slash)
		*slash = '\0';
	return 0;
}

int exec_locate(const char *path, const char *current_path, char *ret_rest, size_t room,
		struct error *err)
{
	struct route route = {};
	char target[PATH_MAX];

	if (path[0] != '/' || strlen(path) >= sizeof(route.left))
		return EXEC_ELSEWHERE;
	text_copy(path, route.left, sizeof(route.left));
	while (take_component(&route)) {
		ssize_t n;

		if (strcmp(route.done, current_path) == 0) {
			text_copy(route.left + strspn(route.left, "/"), ret_rest, room);
			return 0;
		}
		n = readlink(route.done, target, sizeof(target));
		if (n > 0 && enter_link(&route, target, (size_t)n) < 0)
			return error_code(err, -ELOOP, "following %s", path);
	}
	return EXEC_ELSEWHERE;
}

/* By its letters alone: on the way that another user's manager names, anything of his may lie. */
static int locate_by_name(const char *path, const char *current_path, char *ret_rest, size_t room)
{
	size_t size = strlen(current_path);

	if (strncmp(path, current_path, size) != 0 || (path[size] != '/' && path[size] != '\0'))
		return EXEC_ELSEWHERE;
	text_copy(path + size + strspn(path + size, "/"), ret_rest, room);
	return 0;
}

int exec_locate_of(const struct unit *unit, const char *path, const char *current_path,
		   char *ret_rest, size_t room, struct error *err)
{
	return unit->is_owned ? locate_by_name(path, current_path, ret_rest, room) :
				exec_locate(path, current_path, ret_rest, room, err);
}

static bool goes_through(const struct unit *unit, const char *path, const char *current_path)
{
	char rest[PATH_MAX];

	return exec_locate_of(unit, path, current_path, rest, sizeof(rest), NULL) == 0;
}

/*
 * Could the working directory decide what is run? An argument that is neither an option nor an absolute
 * path may be a file below it ("node server.js", "python3 -m app").
 */
static bool takes_relative_path(const struct unit *unit)
{
	for (size_t i = 0; i < unit->n_exec_start; i++) {
		char **argv = unit->exec_start[i].argv;

		for (char **arg = argv; *arg; arg++)
			if (arg != argv && **arg != '/' && **arg != '-')
				return true;
	}
	return false;
}

static bool is_shell(const char *path)
{
	static const char *const names[] = { "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh" };
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(slash ? slash + 1 : path, names[i]) == 0)
			return true;
	return false;
}

/* Does a shell's command line name the path, as a word or as the begin of one? */
static bool command_names(const char *command, const char *path)
{
	size_t size = strlen(path);

	for (const char *at = command; (at = strstr(at, path)); at += size)
		if ((at == command || strchr(" \t\n\"'=;&|(", at[-1])) &&
		    (!at[size] || strchr("/ \t\n\"';&|)", at[size])))
			return true;
	return false;
}

/* bash -lc "cd CURRENT && exec bin/run": what stands behind the option with the c is run. */
static bool shell_goes_through(const struct unit_exec *exec, const char *current_path)
{
	if (!is_shell(exec->path) || !exec->argv[0])
		return false;
	for (char **arg = exec->argv + 1; *arg && **arg == '-'; arg++)
		if ((*arg)[1] != '-' && strchr(*arg, 'c'))
			return arg[1] && command_names(arg[1], current_path);
	return false;
}

bool exec_goes_through(const struct unit *unit, const char *current_path)
{
	for (size_t i = 0; i < unit->n_exec_start; i++) {
		const struct unit_exec *exec = &unit->exec_start[i];

		if (goes_through(unit, exec->path, current_path) ||
		    shell_goes_through(exec, current_path))
			return true;
		for (char **arg = exec->argv; *arg; arg++)
			if (goes_through(unit, *arg, current_path))
				return true;
	}
	return goes_through(unit, unit->root_directory, current_path) ||
	       (takes_relative_path(unit) &&
		goes_through(unit, unit->working_directory, current_path));
}

bool exec_has_linked_root(const struct unit *unit, const char *current_path)
{
	struct stat wanted, now;
	char name[64];

	if (!unit->root_directory[0] || !goes_through(unit, unit->root_directory, current_path))
		return false;
	(void)snprintf(name, sizeof(name), "/proc/%d/root", unit->main_pid);
	return unit->main_pid <= 0 || stat(name, &now) < 0 ||
	       stat(unit->root_directory, &wanted) < 0 || now.st_dev != wanted.st_dev ||
	       now.st_ino != wanted.st_ino;
}

/* ---- could it be executed? ---- */

struct check {
	const struct unit *unit;
	const char *current_path;
	int slot_fd;
	char root[PATH_MAX]; /* RootDirectory=, as a path below the slot; empty: none */
};

__attribute__((format(printf, 3, 4))) static int complain(const char *file, struct error *err,
							  const char *format, ...)
{
	char shown[256];
	char what[ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	return error_set(err, FAULT_UNIT, "%s in the release %s",
			 text_escape(file, strlen(file), shown, sizeof(shown)), what);
}

static int check_file(const struct check *check, const char *file, int depth, struct error *err);

static int check_on_host(const char *file, const char *needed, struct error *err)
{
	char shown[256];

	text_escape(needed, strlen(needed), shown, sizeof(shown));
	if (faccessat(AT_FDCWD, needed, X_OK, AT_EACCESS) == 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return complain(file, err, "needs %s, which is not on this machine%s", shown,
				strchr(needed, '\r') ? " (its lines end with CR LF)" : "");
	return complain(file, err, "needs %s, which may not be executed", shown);
}

/* An interpreter: part of the release, or of the machine. */
static int check_needed(const struct check *check, const char *file, const char *needed, int depth,
			struct error *err)
{
	char rest[PATH_MAX];
	int r;

	if (check->root[0] || needed[0] != '/' || depth >= DEPTH_MAX)
		return 0;
	r = exec_locate(needed, check->current_path, rest, sizeof(rest), err);
	if (r < 0)
		return r;
	if (r == EXEC_ELSEWHERE)
		return check_on_host(file, needed, err);
	return check_file(check, rest, depth + 1, err);
}

static int check_elf(const struct check *check, const char *file, int fd, int depth,
		     struct error *err)
{
	struct error why = {};
	struct utsname here;
	struct elf elf;
	char name[32];

	if (elf_read(fd, &elf, &why) < 0)
		return complain(file, err, "%s", why.text);
	if (uname(&here) == 0 && !elf_runs_on(here.machine, elf.machine))
		return complain(file, err, "is a program for %s, this machine is %s",
				elf_machine_name(elf.machine, name, sizeof(name)), here.machine);
	if (!elf.interpreter[0])
		return 0;
	return check_needed(check, file, elf.interpreter, depth, err);
}

/* The program that env looks for: after -S the first word that sets no variable, else all there is. */
static bool program_of_env(const char *argument, char *ret_name, size_t room)
{
	size_t size = strlen(argument);

	if (strncmp(argument, "-S", 2) == 0) {
		argument += 2;
		do {
			argument += strspn(argument, " \t");
			size = strcspn(argument, " \t");
			if (!memchr(argument, '=', size))
				break;
			argument += size;
		} while (size > 0);
	}
	if (size == 0 || size >= room || argument[0] == '-' || strpbrk(argument, "'\"\\$"))
		return false; /* further options, quoting: not judged */
	(void)snprintf(ret_name, room, "%.*s", (int)size, argument);
	return true;
}

/* Is the program in the directory (of the machine, or of the release)? */
static bool is_in(const struct check *check, const char *directory, const char *program)
{
	char path[PATH_MAX];
	char rest[PATH_MAX];
	_cleanup_close_ int fd = -1;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, program) >= sizeof(path))
		return false;
	if (exec_locate(path, check->current_path, rest, sizeof(rest), NULL) != 0)
		return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
	fd = fd_open_beneath(check->slot_fd, rest, O_PATH, 0);
	return fd >= 0;
}

static int check_env(const struct check *check, const char *file, const char *argument,
		     struct error *err)
{
	const char *search = check->unit->search_path;
	char program[HEAD_SIZE];
	char shown[256];

	if (check->unit->is_owned) /* the PATH of his manager is his */
		return 0;
	if (!program_of_env(argument, program, sizeof(program)) || strchr(program, '/'))
		return 0;
	if (!search[0])
		search = DEFAULT_PATH;
	for (const char *at = search; *at; at += *at == ':') {
		char directory[PATH_MAX];

		(void)snprintf(directory, sizeof(directory), "%.*s", (int)strcspn(at, ":"), at);
		if (is_in(check, directory, program))
			return 0;
		at += strcspn(at, ":");
	}
	if (check->unit->has_environment_files) /* they may set PATH */
		return 0;
	return complain(file, err, "needs %s, which is nowhere in PATH (%s)",
			text_escape(program, strlen(program), shown, sizeof(shown)), search);
}

/* "#!INTERPRETER [ARGUMENT]": blanks around both do not count. */
static int check_script(const struct check *check, const char *file, char *line, int depth,
			struct error *err)
{
	char *interpreter = line + strspn(line, " \t");
	char *argument = interpreter + strcspn(interpreter, " \t");
	const char *name;
	size_t size;
	int r;

	if (!*interpreter)
		return complain(file, err, "is a script whose first line names no interpreter");
	if (*argument)
		*argument++ = '\0';
	argument += strspn(argument, " \t");
	for (size = strlen(argument); size > 0 && strchr(" \t", argument[size - 1]); size--)
		argument[size - 1] = '\0';
	r = check_needed(check, file, interpreter, depth, err);
	if (r < 0)
		return r;
	name = strrchr(interpreter, '/');
	return name && strcmp(name, "/env") == 0 ? check_env(check, file, argument, err) : 0;
}

static int check_content(const struct check *check, const char *file, int fd, int depth,
			 struct error *err)
{
	char head[HEAD_SIZE + 1] = "";
	ssize_t n = fd_pread_full(fd, head, HEAD_SIZE, 0);

	if (n < 0)
		return error_errno(err, "reading %s in the release", file);
	if (binfmt_takes(BINFMT_DIR, (const uint8_t *)head, (size_t)n, file))
		return 0;
	if (elf_is((const uint8_t *)head, (size_t)n))
		return check_elf(check, file, fd, depth, err);
	if (strncmp(head, "#!", 2) != 0)
		return complain(file, err, "%s",
				n == 0 ? "is empty" :
					 "is neither an ELF program nor a script with #!");
	head[strcspn(head, "\n")] = '\0';
	return check_script(check, file, head + 2, depth, err);
}

int exec_open_in_slot(int slot_fd, const char *file)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, slot_fd, file, &how, sizeof(how));
}

static int check_file(const struct check *check, const char *file, int depth, struct error *err)
{
	_cleanup_close_ int fd = exec_open_in_slot(check->slot_fd, file);
	struct statvfs fs;
	struct stat st;

	if (fd < 0 && errno == EXDEV) /* a link to something of the machine: not the release's */
		return 0;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return complain(file, err, "is missing, and %s would execute it",
				check->unit->name);
	if (fd < 0 || fstat(fd, &st) < 0 || fstatvfs(fd, &fs) < 0)
		return error_errno(err, "looking at %s in the release", file);
	if (!S_ISREG(st.st_mode))
		return complain(file, err, "is no file that could be executed");
	if ((st.st_mode & 0111) == 0)
		return complain(file, err, "may not be executed: its mode is %04o",
				st.st_mode & 07777);
	if (fs.f_flag & ST_NOEXEC)
		return complain(file, err, "is on a file system that is mounted noexec");
	return check_content(check, file, fd, depth, err);
}

/* Where the program is, as a path below the slot. > 0: EXEC_ELSEWHERE. */
static int locate_program(const struct check *check, const char *path, char *ret_file, size_t room,
			  struct error *err)
{
	if (!check->root[0])
		return exec_locate_of(check->unit, path, check->current_path, ret_file, room, err);
	if ((size_t)snprintf(ret_file, room, "%s/%s", check->root, path) >= room)
		return EXEC_ELSEWHERE;
	return 0;
}

static int look_whether_runs(const struct check *check, const char *file, struct error *err)
{
	return check_file(check, file, 0, err);
}

static int look_whether_there(const struct check *check, const char *file, struct error *err)
{
	_cleanup_close_ int fd = exec_open_in_slot(check->slot_fd, file);

	return fd < 0 && errno != EXDEV ? error_errno(err, "looking for %s in the release", file) :
					  0;
}

static int for_each_program(const struct unit *unit, const char *current_path, int slot_fd,
			    int (*look)(const struct check *check, const char *file,
					struct error *err),
			    struct error *err)
{
	struct check check = {
		.unit = unit,
		.current_path = current_path,
		.slot_fd = slot_fd,
	};
	int r = 0;

	if (unit->root_directory[0]) {
		r = exec_locate(unit->root_directory, current_path, check.root + 2,
				sizeof(check.root) - 2, err);
		if (r != 0)
			return r < 0 ? r : 0;
		memcpy(check.root, "./", 2);
	}
	for (size_t i = 0; r >= 0 && i < unit->n_exec_start; i++) {
		char file[PATH_MAX];

		r = locate_program(&check, unit->exec_start[i].path, file, sizeof(file), err);
		if (r == 0)
			r = look(&check, file, err);
	}
	return r < 0 ? r : 0;
}

int exec_check(const struct unit *unit, const char *current_path, int slot_fd, struct error *err)
{
	int r = for_each_program(unit, current_path, slot_fd, look_whether_runs, err);

	return r < 0 ? r : companion_check(unit, current_path, slot_fd, err);
}

bool exec_is_complete(const struct unit *unit, const char *current_path, int slot_fd)
{
	return for_each_program(unit, current_path, slot_fd, look_whether_there, NULL) == 0 &&
	       companion_check(unit, current_path, slot_fd, NULL) == 0;
}
