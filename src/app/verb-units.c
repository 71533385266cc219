#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "app/verbs.h"
#include "base/fd.h"
#include "base/linediff.h"
#include "base/scope.h"
#include "base/text.h"
#include "deploy/shipped.h"
#include "store/durable.h"
#include "store/layout.h"
#include "unit/manager.h"
#include "unit/unitfile.h"

struct units {
	const struct deploy_options *options;
	int dirfd; /* the app's directory */
	int units_fd; /* systemd's folder */
	enum slot current;
};

static const char *folder(void)
{
	return scope_dir(SCOPE_UNITS);
}

static int open_units(const char *app, struct config **ret_config, struct units *ret_units,
		      struct error *err)
{
	int r = cli_open(app, ret_config, &ret_units->dirfd, err);

	if (r < 0)
		return r;
	ret_units->options = config_deploy(*ret_config);
	if (!ret_units->options->shipped)
		return error_set(err, FAULT_CONFIG,
				 "%s brings no units: Units= in %s says which of its files are",
				 app, ret_units->options->conf_file);
	r = layout_current(ret_units->dirfd, &ret_units->current, err);
	if (r >= 0)
		r = fd_open_dir(AT_FDCWD, folder(), &ret_units->units_fd, err);
	return r;
}

static void units_done(struct units *units)
{
	cleanup_close(&units->dirfd);
	cleanup_close(&units->units_fd);
}

/* ---- looking ---- */

static void print_line(void *data, char sign, const char *line, size_t size)
{
	char shown[512];

	*(unsigned int *)data += 1;
	printf("    %c%s\n", sign, text_escape(line, size, shown, sizeof(shown)));
}

/* What another switch would change, as far as both slots have it. */
static int show_difference(const struct units *units, const char *path, struct error *err)
{
	_cleanup_free_ char *here = NULL, *there = NULL;
	unsigned int n = 0;
	int r;

	if (units->current == SLOT_NONE)
		return 0;
	r = shipped_read(units->dirfd, units->current, path, &here, err);
	if (r == SHIPPED_ABSENT)
		printf("    the release that is current has no such file\n");
	if (r == 0)
		r = shipped_read(units->dirfd, slot_other(units->current), path, &there, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = linediff_tell(here, there, print_line, &n, err);
	if (r < 0)
		return r;
	if (n == 0)
		printf("    %s in the other slot\n", r == 0 ? "the same" : "not compared");
	return 0;
}

static int show(const struct units *units, struct error *err)
{
	static const char *const states[] = { "linked", "not linked", "something else is there" };
	char target[4096];
	int r = 0;

	for (char **path = units->options->shipped; r >= 0 && *path; path++) {
		r = shipped_link(units->options, *path, target, sizeof(target), err);
		if (r < 0)
			return r;
		printf("%s/%s -> %s: %s\n", folder(), shipped_name(*path), target, states[r]);
		r = show_difference(units, *path, err);
	}
	return r;
}

/* ---- linking ---- */

static int check_one(const struct units *units, const char *path, int state, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (state == SHIPPED_FOREIGN)
		return error_set(
			err, FAULT_CONFIG,
			"%s/%s is somebody's: move it away first (drop-ins in %s.d stay in "
			"force)",
			folder(), shipped_name(path), shipped_name(path));
	if (units->current == SLOT_NONE)
		return 0;
	r = shipped_read(units->dirfd, units->current, path, &text, err);
	if (r == SHIPPED_ABSENT)
		return error_set(err, FAULT_CONFIG,
				 "the release that is current has no %s: install one that has it "
				 "first, without Units=",
				 path);
	return r;
}

/* All are looked at before one is linked. */
static int link_all(const struct units *units, bool really, struct error *err)
{
	char target[4096];
	int r = shipped_check_mount(units->options, err);

	for (char **path = units->options->shipped; r >= 0 && *path; path++) {
		int state = shipped_link(units->options, *path, target, sizeof(target), err);

		r = state < 0 ? state : check_one(units, *path, state, err);
		if (r < 0 || !really || state == 0)
			continue;
		r = durable_symlink(units->units_fd, target, shipped_name(*path), err);
		if (r == 0)
			printf("%s/%s -> %s\n", folder(), shipped_name(*path), target);
	}
	return r < 0 ? r : 0;
}

/* A copy of what is current takes the link's place: the service keeps its unit. */
static int unlink_one(const struct units *units, const char *path, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = SHIPPED_ABSENT;

	if (units->current != SLOT_NONE)
		r = shipped_read(units->dirfd, units->current, path, &text, err);
	if (r < 0)
		return r;
	if (r == SHIPPED_ABSENT)
		r = durable_remove(units->units_fd, shipped_name(path), err);
	else
		r = durable_replace(units->units_fd, shipped_name(path), text, strlen(text), 0644,
				    err);
	if (r == 0)
		printf("%s/%s: %s\n", folder(), shipped_name(path),
		       text ? "a copy of what is current" : "removed");
	return r;
}

static int unlink_all(const struct units *units, struct error *err)
{
	char target[4096];
	int r = 0;

	for (char **path = units->options->shipped; r >= 0 && *path; path++) {
		r = shipped_link(units->options, *path, target, sizeof(target), err);
		if (r == 0)
			r = unlink_one(units, *path, err);
	}
	return r < 0 ? r : 0;
}

static int reload(struct error *err)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	int r = manager_open(&manager, err);

	return r < 0 ? r : manager_reload(manager, err);
}

static int act(const char *app, bool make, bool undo, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(units_done) struct units units = { .dirfd = -1, .units_fd = -1 };
	int r = open_units(app, &config, &units, err);

	if (r < 0)
		return r;
	if (!make && !undo)
		return show(&units, err);
	r = make ? link_all(&units, false, err) : unlink_all(&units, err);
	if (r == 0 && make)
		r = link_all(&units, true, err);
	return r < 0 ? r : reload(err);
}

int verb_units(const struct cli_verb *verb, int argc, char **argv)
{
	bool make = false, undo = false;
	const struct cli_option options[] = {
		{ "link", '\0', NULL, "have systemd read them through `current`", .flag = &make },
		{ "unlink", '\0', NULL, "put copies of them in place of the links", .flag = &undo },
		{},
	};
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r == CLI_GO && (make || undo))
		r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	if (make && undo)
		return cli_refuse(verb, "--link or --unlink, not both");
	return act(operands[0], make, undo, &err) < 0 ? cli_fail(&err) : 0;
}
