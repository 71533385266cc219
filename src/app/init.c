#include "app/init.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "app/config-table.h"
#include "app/init-adopt.h"
#include "app/init-agree.h"
#include "app/init-drop-in.h"
#include "app/init-enable.h"
#include "app/init-file.h"
#include "app/init-probe.h"
#include "app/init-text.h"
#include "app/init-unit.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/scope.h"
#include "deploy/landlord.h"
#include "store/layout.h"
#include "store/lock.h"

struct init {
	struct init_options options; /* with what was left out filled in */
	FILE *out;
	struct manager *manager; /* of our own units */
	struct manager *
		owner; /* that has the app's unit, if it is another user's; NULL: `manager` has it */
	struct config *config; /* as it is, or will be */
	struct init_file conf;
	struct init_drop_in drop_in;
	struct init_unit unit;
	struct init_adopt adopt;
	char *current;
	int dirfd; /* of the root; -1: it is not there yet */
	int lock_fd;
	bool made_root;
	bool keeps_conf; /* it says something else, but nothing against the options */
	struct init_enable enable;
	struct text todo;
	struct text problems; /* that were found, a line each */
	unsigned int n_problems;
	struct error first;
};

static const char *user_of(const struct init *init)
{
	return init->config ? config_user(init->config) : NULL;
}

static struct manager *manager_of_unit(const struct init *init)
{
	return init->owner ? init->owner : init->manager;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static void init_done(struct init *init)
{
	init_unit_done(&init->unit);
	init_adopt_done(&init->adopt);
	init_file_done(&init->conf);
	init_drop_in_done(&init->drop_in);
	config_free(init->config);
	manager_free(init->owner);
	manager_free(init->manager);
	free(init->current);
	close_fd(init->lock_fd);
	close_fd(init->dirfd);
	text_done(&init->todo);
	text_done(&init->problems);
}

/* ---- looking: nothing is written before all of it went well ---- */

static void note(struct init *init, const struct error *why)
{
	if (init->n_problems++ == 0)
		init->first = *why;
	text_add(&init->problems, "in the way: %s\n", why->text);
}

/* Says whether a look went well; what it found otherwise is noted. */
static bool is_fine(struct init *init, int r, const struct error *why)
{
	if (r < 0)
		note(init, why);
	return r >= 0;
}

static void note_in_config(void *data, const char *text)
{
	struct error why = {};

	(void)error_set(&why, FAULT_CONFIG, "%s", text);
	note(data, &why);
}

static void note_as_data(void *data, const struct error *why)
{
	note(data, why);
}

static int check_options(const struct init_options *options, struct error *err)
{
	const char *const values[] = { options->unit,  options->scope,	    options->root,
				       options->watch, options->probe_http, options->probe_tcp };

	if (!parse_is_app_name(options->app))
		return error_set(err, FAULT_CONFIG,
				 "\"%s\" is not the name of an app: 1 to 64 of a-z 0-9 _ -",
				 options->app);
	if (!options->unit)
		return error_set(err, FAULT_CONFIG, "--unit is missing: which service runs %s?",
				 options->app);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (values[i] && (!values[i][0] || strpbrk(values[i], "\r\n")))
			return error_set(err, FAULT_CONFIG, "an argument is empty or not one line");
	return config_table_check_unit(NULL, options->unit, err);
}

static int check_other_app(const struct init *init, const char *app, struct error *err)
{
	_cleanup_(config_freep) struct config *other = NULL;

	/* one that cannot be read is not ours to complain about */
	if (strcmp(app, init->options.app) == 0 ||
	    config_load_from(init->options.places, app, NULL, &other, NULL) != 0)
		return 0;
	if (config_same_unit(other, init->config))
		return error_set(err, FAULT_CONFIG, "%s is the unit of the app %s already",
				 config_unit(other), app);
	if (strcmp(config_root(other), config_root(init->config)) == 0)
		return error_set(err, FAULT_CONFIG, "%s is the directory of the app %s already",
				 config_root(other), app);
	return 0;
}

static int check_other_apps(const struct init *init, struct error *err)
{
	_cleanup_(parse_argv_freep) char **apps = NULL;
	int r = config_list_from(init->options.places, &apps, err);

	for (char **app = apps; r == 0 && *app; app++)
		r = check_other_app(init, *app, err);
	return r;
}

/* The configuration is read as it will be: what is wrong with an option is found like any other mistake. */
static int look_at_config(struct init *init, struct error *err)
{
	const struct init_options *options = &init->options;
	_cleanup_free_ char *name = NULL;
	int r;

	if (asprintf(&name, "%s.conf", options->app) < 0)
		return error_errno(err, "reading the configuration");
	r = init_file_read(&init->conf, options->places->etc, name, err);
	if (r < 0)
		return r;
	init_text_config(options, &init->conf.text);
	init->keeps_conf = init_file_compare(&init->conf, options->force, NULL) < 0;
	r = config_load_telling(options->places, options->app,
				init->keeps_conf ? NULL : init->conf.text.data, note_in_config,
				init, &init->config, err);
	if (r == CONFIG_ABSENT)
		return error_set(err, FAULT_INTERNAL, "%s vanished", init->conf.path);
	if (r < 0 && init->n_problems > 0)
		return 0; /* what is wrong is noted, and there is no init->config */
	if (r == 0 && init->keeps_conf)
		init_agree_check(options, init->config, init->conf.path, note_as_data, init);
	if (r == 0)
		r = check_other_apps(init, err);
	if (r == 0 && user_of(init) && options->adopt)
		return error_set(
			err, FAULT_CONFIG,
			"--adopt: what user %s can write is not walked by root: make an archive "
			"of it as that user, and install that",
			user_of(init));
	if (r == 0 && asprintf(&init->current, "%s/" LAYOUT_CURRENT, config_root(init->config)) < 0)
		r = error_errno(err, "reading the configuration");
	return r;
}

static int take_lock(struct init *init, struct error *err)
{
	int r = lock_take(init->dirfd, LAYOUT_LOCK, &init->lock_fd, err);

	if (r == LOCK_TAKEN)
		return error_set(err, FAULT_BUSY, "the worker of %s is at work: flipslot status %s",
				 init->options.app, init->options.app);
	return r;
}

static int look_at_root(struct init *init, struct error *err)
{
	const char *root = config_root(init->config);

	init->dirfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (init->dirfd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "opening %s", root);
	if (faccessat(init->dirfd, LAYOUT_LOCK, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return init->options.dry_run ? 0 : take_lock(init, err);
}

static int look_at_drop_in(struct init *init, struct error *err)
{
	const struct init_options *options = &init->options;
	int r = init_drop_in_read(&init->drop_in, user_of(init), options, err);

	if (r == 0)
		r = init_unit_plan(&init->unit, manager_of_unit(init), options, &init->adopt,
				   init->current, init->drop_in.file.old, err);
	return r < 0 ? r : init_drop_in_plan(&init->drop_in, options, &init->unit, err);
}

static int look_at_unit(struct init *init, struct error *err)
{
	int r = manager_open(&init->manager, err);

	if (r == 0 && user_of(init))
		r = manager_open_of(user_of(init), &init->owner, err);
	if (r < 0)
		return r;
	return init_unit_look(&init->unit, manager_of_unit(init), init->options.unit, err);
}

/* What can be asked although something else stands in the way is asked all the same: all is said at once. */
static void look_at_all(struct init *init)
{
	struct error why = {};
	bool fine = is_fine(init, look_at_config(init, &why), &why) && init->config;
	bool has_unit = is_fine(init, look_at_unit(init, &why), &why);

	if (fine)
		fine = is_fine(init, look_at_root(init, &why), &why);
	if (fine)
		fine = is_fine(init,
			       init_adopt_look(&init->adopt, &init->options,
					       config_root(init->config), init->dirfd, &why),
			       &why);
	if (fine && has_unit)
		(void)is_fine(init, look_at_drop_in(init, &why), &why);
}

static int look(struct init *init, struct error *err)
{
	int r = check_options(&init->options, err);

	if (r < 0)
		return r;
	look_at_all(init);
	if (init->n_problems == 0)
		return 0;
	if (init->n_problems == 1)
		return error_set(err, init->first.fault, "%s", init->first.text);
	r = text_check(&init->problems, err);
	if (r < 0)
		return r;
	(void)fputs(init->problems.data, init->out);
	return error_set(err, init->first.fault, "%u things are in the way; nothing was written",
			 init->n_problems);
}

/* ---- doing ---- */

static int make_root(struct init *init, struct error *err)
{
	bool had_lock = init->lock_fd >= 0;
	int r;

	if (init->dirfd < 0) {
		r = init_file_make_dir(config_root(init->config), &init->dirfd, err);
		if (r < 0)
			return r;
		init->made_root = true;
	}
	r = layout_create(init->dirfd, err);
	return r < 0 || had_lock ? r : take_lock(init, err);
}

/* A directory that could not be adopted leaves no app behind. */
static void unmake_root(const struct init *init)
{
	static const char *const files[] = { LAYOUT_STATE,	LAYOUT_REQUEST, LAYOUT_CHECKED,
					     LAYOUT_HISTORY,	LAYOUT_OUTBOX,	LAYOUT_OUTBOX_LOCK,
					     LAYOUT_SCRUB_LOCK, LAYOUT_SCRUB,	LAYOUT_LOCK };

	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++) {
		(void)layout_clear_slot(init->dirfd, slot, NULL);
		(void)unlinkat(init->dirfd, slot_dir_name(slot), AT_REMOVEDIR);
	}
	(void)unlinkat(init->dirfd, "slots", AT_REMOVEDIR);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlinkat(init->dirfd, files[i], 0);
	(void)rmdir(config_root(init->config));
}

static int adopt(struct init *init, struct error *err)
{
	enum slot slot;
	int r = init_adopt_run(&init->adopt, &init->options, config_deploy(init->config),
			       init->dirfd, err);

	if (r < 0 && init->made_root && layout_current(init->dirfd, &slot, NULL) == LAYOUT_ABSENT)
		unmake_root(init);
	return r;
}

/*
 * Does systemd accept the unit with its drop-in? If not (a specifier that does not exist, say), the service
 * could not be started any more: the drop-in is made what it was before.
 */
static int check_loaded(struct init *init, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	char why[ERROR_TEXT_MAX / 2];
	int r = unit_query(manager_of_unit(init), init->options.unit, &unit, err);

	if (r < 0 || strcmp(unit.load_state, "loaded") == 0)
		return r;
	r = init_drop_in_restore(&init->drop_in, err);
	if (r == 0)
		r = manager_reload(manager_of_unit(init), err);
	if (r < 0)
		return r;
	return error_set(
		err, FAULT_UNIT,
		"systemd does not take %s with what was written to %s, which is taken back: %s",
		init->options.unit, init->drop_in.file.path, unit_explain(&unit, why, sizeof(why)));
}

static int act(struct init *init, struct error *err)
{
	int r = make_root(init, err);

	if (r == 0)
		r = adopt(init, err);
	if (r == 0 && !init->keeps_conf)
		r = init_file_write(&init->conf, err);
	if (r == 0)
		r = init_drop_in_write(&init->drop_in, err);
	if (r == 0)
		r = init_enable_units(&init->enable, init->manager, init->options.app,
				      !init->options.no_timer, &init->todo, err);
	if (r == 0)
		r = manager_reload(init->manager, err);
	if (r == 0 && init->owner)
		r = manager_reload(init->owner, err);
	if (r == 0)
		r = check_loaded(init, err);
	return r == 0 ? init_enable_start(&init->enable, init->manager, init->options.app, err) : r;
}

/* ---- telling ---- */

static void tell_files(const struct init *init)
{
	bool dry_run = init->options.dry_run;

	if (init->keeps_conf)
		(void)fprintf(init->out, "%s: is there already, unchanged\n\n", init->conf.path);
	else
		init_file_show(&init->conf, dry_run, !dry_run, init->out);
	if (init->drop_in.is_needed)
		init_file_show(&init->drop_in.file, dry_run, false, init->out);
}

static void tell_units(const struct init *init)
{
	const struct init_options *options = &init->options;
	char timer[INIT_TIMER_MAX];

	if (init->enable.recover)
		(void)fprintf(init->out, "%s: enabled\n", INIT_RECOVER_UNIT);
	(void)init_enable_timer_name(options->app, timer);
	if (init->enable.timer || (options->dry_run && !options->no_timer))
		(void)fprintf(
			init->out,
			"%s: %s: once an hour its worker goes on with what is unfinished, and "
			"looks at the source if there is one\n",
			timer,
			options->dry_run ? "would be enabled and started" : "enabled and started");
	else if (options->no_timer)
		(void)fprintf(init->out, "%s: left as it is (--no-timer)\n", timer);
}

static void tell_root(const struct init *init)
{
	const char *root = config_root(init->config);
	const struct init_adopt *adopt = &init->adopt;
	FILE *out = init->out;

	if (init->options.dry_run)
		(void)fprintf(out, "%s: %s\n", root,
			      init->dirfd < 0 ? "would be made" : "is there already");
	else
		(void)fprintf(out, "%s: %s\n", root, init->made_root ? "made" : "is there already");
	tell_units(init);
	if (!adopt->dir)
		return;
	if (init->options.dry_run && !adopt->done)
		(void)fprintf(out, "%s: would be copied into slot %s as version %s\n", adopt->dir,
			      slot_name(adopt->slot), adopt->descriptor.version);
	else
		(void)fprintf(out,
			      "%s: %s into slot %s as version %s (%" PRIu64 " file%s, %" PRIu64
			      " bytes); `current` names it\n",
			      adopt->dir, adopt->done ? "was copied" : "copied",
			      slot_name(adopt->slot), adopt->descriptor.version,
			      adopt->descriptor.files, adopt->descriptor.files == 1 ? "" : "s",
			      adopt->descriptor.bytes);
}

/* What the manager says now, with the drop-in read; in a dry run what it is thought to say. */
static int tell_left_to_do(struct init *init, struct error *err)
{
	const struct init_options *options = &init->options;
	_cleanup_unit_ struct unit now = {};
	enum slot slot;
	int r;

	if (options->dry_run) {
		now = init->unit.planned;
		init->unit.planned = (struct unit){};
	} else {
		r = unit_query(manager_of_unit(init), options->unit, &now, err);
		if (r < 0)
			return r;
	}
	init_unit_left_to_do(&init->unit, &now, options, &init->adopt, init->current,
			     init->drop_in.file.path, &init->todo);
	if (user_of(init) && landlord_check(user_of(init), NULL) == LANDLORD_LEAVES)
		text_add(&init->todo,
			 "- Let the service stay when %s logs out: loginctl enable-linger %s\n",
			 user_of(init), user_of(init));
	init_probe_ask(init->config, &now, init->conf.path, &init->todo);
	if (!init->adopt.dir &&
	    (init->dirfd < 0 || layout_current(init->dirfd, &slot, NULL) == LAYOUT_ABSENT))
		text_add(
			&init->todo,
			"- Install the first release: flipslot install %s ARCHIVE --version V --sha256 HEX\n",
			options->app);
	r = text_check(&init->todo, err);
	if (r == 0)
		(void)fprintf(init->out, "\n%s%s",
			      init->todo.data ? "Left to do:\n" : "Nothing is left to do.\n",
			      init->todo.data ? init->todo.data : "");
	return r;
}

static int run(struct init *init, struct error *err)
{
	int r = look(init, err);

	if (r == 0 && !init->options.dry_run)
		r = act(init, err);
	if (r < 0)
		return r;
	tell_files(init);
	tell_root(init);
	return tell_left_to_do(init, err);
}

int init_run(const struct init_options *options, FILE *out, struct error *err)
{
	struct init init = {
		.options = *options,
		.out = out,
		.adopt = INIT_ADOPT_NONE,
		.dirfd = -1,
		.lock_fd = -1,
	};
	int r;

	if (!init.options.places)
		init.options.places = config_own_places();
	r = run(&init, err);
	init_done(&init);
	return r;
}
