#include "deploy/shipped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/linediff.h"
#include "base/scope.h"
#include "base/text.h"
#include "store/layout.h"
#include "unit/mounts.h"
#include "unit/unitfile.h"

#define TOLD_MAX 40 /* lines of one file */

const char *shipped_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *find(const struct deploy_options *options, const char *unit)
{
	for (char **path = options->shipped; path && *path; path++)
		if (strcmp(shipped_name(*path), unit) == 0)
			return *path;
	return NULL;
}

bool shipped_has(const struct deploy_options *options, const char *unit)
{
	return find(options, unit) != NULL;
}

int shipped_read(int dirfd, enum slot slot, const char *path, char **ret_text, struct error *err)
{
	_cleanup_close_ int slot_fd = -1;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t size;
	int r = layout_open_slot(dirfd, slot, &slot_fd, err);

	if (r < 0)
		return r;
	fd = fd_open_beneath(slot_fd, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV))
		return SHIPPED_ABSENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "opening %s in slot %s", path, slot_name(slot));
	if (!S_ISREG(st.st_mode))
		return SHIPPED_ABSENT;
	if (st.st_size >= UNITFILE_MAX)
		return error_set(err, FAULT_CORRUPT, "%s in slot %s is too long for a unit file",
				 path, slot_name(slot));
	text = calloc(1, (size_t)st.st_size + 1);
	if (!text)
		return error_errno(err, "reading a unit file");
	size = fd_read_full(fd, text, (size_t)st.st_size);
	if (size < 0)
		return error_errno(err, "reading %s in slot %s", path, slot_name(slot));
	*ret_text = TAKE_PTR(text);
	return 0;
}

int shipped_link(const struct deploy_options *options, const char *path, char *ret_target,
		 size_t room, struct error *err)
{
	char name[4096], target[4096];
	ssize_t size;

	(void)snprintf(ret_target, room, "%s/" LAYOUT_CURRENT "/%s", options->root, path);
	(void)snprintf(name, sizeof(name), "%s/%s", scope_dir(SCOPE_UNITS), shipped_name(path));
	size = readlink(name, target, sizeof(target) - 1);
	if (size < 0 && errno == ENOENT)
		return SHIPPED_UNLINKED;
	if (size < 0 && errno == EINVAL)
		return SHIPPED_FOREIGN;
	if (size < 0)
		return error_errno(err, "looking at %s", name);
	target[size] = '\0';
	return strcmp(target, ret_target) == 0 ? 0 : SHIPPED_FOREIGN;
}

int shipped_check_mount(const struct deploy_options *options, struct error *err)
{
	char point[256];
	int r;

	if (scope_is_user())
		return 0;
	r = mounts_find(MOUNTS_TABLE, options->root, point, sizeof(point), err);
	if (r < 0)
		return r;
	if (strcmp(point, "/") == 0)
		return 0;
	return error_set(err, FAULT_CONFIG,
			 "Units= cannot be had with %s on a file system of its own (%s): systemd "
			 "reads unit files before it mounts that; put Root= of %s on the root file "
			 "system",
			 options->root, point, options->conf_file);
}

static int check_link(const struct deploy_options *options, const char *path,
		      struct preflight *preflight, struct error *err)
{
	char target[4096];
	int r = shipped_link(options, path, target, sizeof(target), err);

	if (r > 0)
		preflight_complain(
			preflight, FAULT_CONFIG,
			"%s/%s is %s, so %s of the release would not be read (Units=): %s`flipslot "
			"units %s --link` makes it the link to %s",
			scope_dir(SCOPE_UNITS), shipped_name(path),
			r == SHIPPED_UNLINKED ? "not there" : "something else", path,
			r == SHIPPED_UNLINKED ? "" : "move it away, then ", options->app, target);
	return r;
}

static int check_slot(const struct deploy_options *options, const struct preflight_input *input,
		      enum slot slot, const char *path, struct preflight *preflight,
		      struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (slot == SLOT_NONE)
		return 0;
	r = shipped_read(input->dirfd, slot, path, &text, err);
	if (r == SHIPPED_ABSENT)
		preflight_complain(preflight, FAULT_UNIT,
				   "the release in slot %s has no %s, which Units= of %s names%s",
				   slot_name(slot), path, options->conf_file,
				   slot == input->target ? "" : ": there would be no way back");
	return r;
}

int shipped_check(const struct deploy_options *options, const struct preflight_input *input,
		  struct preflight *preflight, struct error *err)
{
	struct error why = {};
	int r = 0;

	if (!options->shipped)
		return 0;
	if (shipped_check_mount(options, &why) < 0)
		preflight_complain(preflight, why.fault, "%s", why.text);
	for (char **path = options->shipped; r >= 0 && *path; path++) {
		r = check_link(options, *path, preflight, err);
		if (r >= 0)
			r = check_slot(options, input, input->current, *path, preflight, err);
		if (r >= 0)
			r = check_slot(options, input, input->target, *path, preflight, err);
	}
	return r < 0 ? r : 0;
}

/* Does a drop-in say it? Then it goes on doing so. */
static bool is_overridden(const struct unit *loaded, const char *key)
{
	for (char **path = loaded->drop_in_paths; path && *path; path++) {
		_cleanup_free_ char *text = NULL;

		if (fd_read_file(AT_FDCWD, *path, UNITFILE_MAX, &text, NULL, NULL) == 0 &&
		    unitfile_sets(text, key))
			return true;
	}
	return false;
}

int shipped_unit(const struct deploy_options *options, int dirfd, enum slot slot,
		 const struct unit *loaded, struct unit *ret_unit, struct error *err)
{
	const char *path = find(options, loaded->name);
	_cleanup_free_ char *text = NULL;
	_cleanup_unit_ struct unit unit = {};
	bool whole;
	int r;

	if (!path || is_overridden(loaded, "ExecStart"))
		return SHIPPED_ABSENT;
	r = shipped_read(dirfd, slot, path, &text, err);
	if (r != 0)
		return r;
	r = unitfile_take(text, &unit, &whole, err);
	if (r < 0)
		return r;
	if (!whole) /* what cannot be read here is systemd's to judge */
		return SHIPPED_ABSENT;
	(void)text_copy(loaded->name, unit.name, sizeof(unit.name));
	(void)text_copy(loaded->search_path, unit.search_path, sizeof(unit.search_path));
	if (is_overridden(loaded, "User"))
		(void)text_copy(loaded->user, unit.user, sizeof(unit.user));
	if (is_overridden(loaded, "Group"))
		(void)text_copy(loaded->group, unit.group, sizeof(unit.group));
	if (is_overridden(loaded, "DynamicUser"))
		unit.dynamic_user = loaded->dynamic_user;
	unit.has_environment_files = loaded->has_environment_files;
	unit.main_pid = loaded->main_pid;
	*ret_unit = unit;
	unit = (struct unit){};
	return 0;
}

int shipped_reload(struct session *session, struct error *err)
{
	struct manager *manager;
	int r;

	if (!session->options->shipped || !session->options->shipped[0])
		return 0;
	r = session_manager(session, &manager, err);
	if (r < 0)
		return r;
	return manager_reload(manager, err);
}

struct telling {
	const struct session *session;
	const char *path;
	unsigned int n;
};

static void tell_line(void *data, char sign, const char *line, size_t size)
{
	struct telling *telling = data;
	char shown[256];

	if (telling->n++ < TOLD_MAX)
		session_tell(telling->session, EVENT_NOTE, FAULT_NONE, "%s: %c%s", telling->path,
			     sign, text_escape(line, size, shown, sizeof(shown)));
}

static void tell_file(const struct session *session, enum slot from, enum slot to, const char *path)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct telling telling = { .session = session, .path = path };
	int r;

	if ((from != SLOT_NONE && shipped_read(session->dirfd, from, path, &before, NULL) < 0) ||
	    shipped_read(session->dirfd, to, path, &after, NULL) < 0)
		return;
	if (!before) {
		session_tell(session, EVENT_NOTE, FAULT_NONE, "%s: the unit comes with the release",
			     path);
		return;
	}
	r = linediff_tell(before, after ? after : "", tell_line, &telling, NULL);
	if (r == LINEDIFF_TOO_LONG && strcmp(before, after ? after : "") != 0)
		session_tell(session, EVENT_NOTE, FAULT_NONE, "%s: the unit differs", path);
	if (telling.n > TOLD_MAX)
		session_tell(session, EVENT_NOTE, FAULT_NONE, "%s: and %u more lines", path,
			     telling.n - TOLD_MAX);
}

void shipped_tell_difference(const struct session *session, enum slot from, enum slot to)
{
	for (char **path = session->options->shipped; path && *path; path++)
		tell_file(session, from, to, *path);
}
