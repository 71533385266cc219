#include "app/fault-release.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "publish/pack.h"
#include "store/layout.h"

#define FAULT_APP    "../lib/flipslot/fault-app" /* from the program's own directory */
#define PROGRAM_TRUE "/bin/true"
#define PROGRAM_MAX  (16 << 20)
#define PATH_PARTS   (PATH_MAX / 2)

/* No port, and no readiness unless it is said: what the service does is not done. */
const struct fault_kind fault_release_kinds[] = {
	{ "crash", "port=0\ncrash=SEGV\n", "dies of a signal as soon as it runs", true },
	{ "exit0", "port=0\nexit0=yes\n", "leaves at once with 0", false },
	{ "hang", "port=0\nhang=yes\n", "runs, says that it is ready, and answers nothing", false },
	{ "slow-start", "port=0\nslow-start=86400000\n", "never gets ready", false },
	{ "leak", "port=0\nleak=1000\n", "answers nothing, and takes 1 MB more each second",
	  false },
	{ "port-held", "port=47999\nport-held=yes\n", "finds its port in use, and leaves with 1",
	  false },
	{ "ignore-term", "port=0\nignore-term=yes\n",
	  "answers nothing, and must be killed at the rollback", false },
	{ "migrate", "port=0\ncrash=SEGV\n", "writes into the data, and dies of a signal",
	  .marks = true },
	{},
};

const struct fault_kind *fault_release_find_kind(const char *name)
{
	for (const struct fault_kind *kind = fault_release_kinds; kind->name; kind++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	return NULL;
}

/* The rest behind ROOT/current/, or NULL. */
static const char *below_current(const char *path, const char *root)
{
	size_t size = strlen(root);

	if (strncmp(path, root, size) != 0 ||
	    strncmp(path + size, "/" LAYOUT_CURRENT "/", strlen("/" LAYOUT_CURRENT "/")) != 0)
		return NULL;
	path += size + strlen("/" LAYOUT_CURRENT "/");
	return path[0] && path[0] != '/' && !strstr(path, "..") ? path : NULL;
}

int fault_release_find_program(const struct unit *unit, const char *root, char *ret_path,
			       size_t room, bool *ret_script, struct error *err)
{
	for (size_t i = 0; i < unit->n_exec_start; i++) {
		const struct unit_exec *exec = &unit->exec_start[i];
		const char *found = below_current(exec->path, root);

		*ret_script = !found;
		for (char **word = exec->argv; !found && *word; word++)
			found = below_current(*word, root);
		if (!found)
			continue;
		(void)text_copy(found, ret_path, room);
		return 0;
	}
	return error_set(err, FAULT_CONFIG,
			 "ExecStart= of %s names no program below %s/" LAYOUT_CURRENT
			 ": there is nothing to put the fault app in the place of",
			 unit->name, root);
}

/* ---- a tree in a folder of its own ---- */

static int make_parents(int dirfd, const char *path, struct error *err)
{
	char part[PATH_PARTS];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		if ((size_t)(slash - path) >= sizeof(part))
			return error_set(err, FAULT_CONFIG, "%.60s…: too long", path);
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		if (mkdirat(dirfd, part, 0755) < 0 && errno != EEXIST)
			return error_errno(err, "making %s", part);
	}
	return 0;
}

static int write_file(int dirfd, const char *path, const void *data, size_t size, mode_t mode,
		      struct error *err)
{
	_cleanup_close_ int fd = -1;
	int r = make_parents(dirfd, path, err);

	if (r < 0)
		return r;
	fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0 || fchmod(fd, mode) < 0 || fd_write_full(fd, data, size) < 0)
		return error_errno(err, "writing %s", path);
	return 0;
}

static int copy_program(const char *from, int dirfd, const char *path, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	int r = fd_read_file(AT_FDCWD, from, PROGRAM_MAX, &data, &size, err);

	if (r > 0)
		return error_set(err, FAULT_CONFIG, "there is no %s: is flipslot installed whole?",
				 from);
	return r < 0 ? r : write_file(dirfd, path, data, size, 0755, err);
}

static int find_fault_app(char *ret_path, size_t room, struct error *err)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return error_errno(err, "finding myself");
	self[n] = '\0';
	*(strrchr(self, '/') + 1) = '\0';
	(void)text_print(ret_path, room, "%s" FAULT_APP, self);
	return 0;
}

/* Check= must not stand in the way of what comes behind it. */
static int add_check(const struct deploy_options *options, int dirfd, const char *program,
		     struct error *err)
{
	char **command = options->check->command;

	if (!command || command[0][0] == '/' || strcmp(command[0], program) == 0)
		return 0;
	return copy_program(PROGRAM_TRUE, dirfd, command[0], err);
}

/* Beside the program, where the fault app looks for it. */
static int write_behaviour(const struct fault_kind *kind, const char *marker, const char *program,
			   int dirfd, struct error *err)
{
	const char *slash = strrchr(program, '/');
	char path[PATH_MAX];
	_cleanup_text_ struct text text = {};
	int r;

	(void)snprintf(path, sizeof(path), "%.*sbehaviour", slash ? (int)(slash - program) + 1 : 0,
		       program);
	text_add(&text, "%s", kind->behaviour);
	if (kind->marks)
		text_add(&text, "mark=%s\n", marker);
	r = text_check(&text, err);
	return r < 0 ? r : write_file(dirfd, path, text.data, text.size, 0644, err);
}

static int fill(const struct fault_kind *kind, const struct deploy_options *options,
		const struct unit *unit, const char *marker, int dirfd, struct error *err)
{
	static const char script[] = "(((\n"; /* no language takes that */
	char program[PATH_PARTS], from[PATH_MAX];
	bool is_script = false;
	int r;

	r = fault_release_find_program(unit, options->root, program, sizeof(program), &is_script,
				       err);
	if (r < 0)
		return r;
	if (is_script && !kind->for_scripts)
		return error_set(err, FAULT_CONFIG,
				 "%s starts an interpreter with the script %s: only the fault "
				 "crash can be put in its place",
				 unit->name, program);
	if (is_script)
		return write_file(dirfd, program, script, strlen(script), 0755, err);
	r = find_fault_app(from, sizeof(from), err);
	if (r >= 0)
		r = copy_program(from, dirfd, program, err);
	if (r >= 0)
		r = write_behaviour(kind, marker, program, dirfd, err);
	return r < 0 ? r : add_check(options, dirfd, program, err);
}

static int pack(int dirfd, const char *path, struct digest *ret_digest, struct error *err)
{
	const struct pack_options options = {
		.level = 1,
		.threads = 1,
		.mtime = PACK_MTIME_KEEP,
		.latest = PACK_MTIME_KEEP,
	};
	_cleanup_(pack_result_done) struct pack_result result = {};
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r;

	if (fd < 0)
		return error_errno(err, "making %s", path);
	r = pack_tree(dirfd, &options, fd, &result, err);
	if (r < 0)
		return r;
	*ret_digest = result.digest;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int fault_release_write(const struct fault_kind *kind, const struct deploy_options *options,
			const struct unit *unit, const char *marker, const char *path,
			struct digest *ret_digest, struct error *err)
{
	char tree[PATH_MAX];
	_cleanup_close_ int dirfd = -1;
	int r;

	(void)text_print(tree, sizeof(tree), "%s.tree.XXXXXX", path);
	if (!mkdtemp(tree))
		return error_errno(err, "making %s", tree);
	r = fd_open_dir(AT_FDCWD, tree, &dirfd, err);
	if (r >= 0)
		r = fill(kind, options, unit, marker, dirfd, err);
	if (r >= 0)
		r = pack(dirfd, path, ret_digest, err);
	(void)nftw(tree, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return r;
}
