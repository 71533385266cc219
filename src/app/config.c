#include "app/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>

#include "app/config-build.h"
#include "base/bulk.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/text.h"

#define SUFFIX	".conf"
#define DROP_IN ".conf.d"

const struct config_places *config_own_places(void)
{
	static struct config_places places;

	places = (struct config_places){
		.etc = scope_dir(SCOPE_CONFIG),
		.vendor = scope_dir(SCOPE_VENDOR),
		.state = scope_dir(SCOPE_STATE),
		.top = "/",
		.of_user = scope_is_user(),
	};
	return &places;
}

static int check_app_name(const char *app, struct error *err)
{
	char shown[96];

	if (parse_is_app_name(app))
		return 0;
	return error_set(err, FAULT_CONFIG,
			 "\"%s\" is not the name of an app: 1 to 64 of a-z 0-9 _ -, a letter or a "
			 "digit first",
			 text_escape(app, strlen(app), shown, sizeof(shown)));
}

int config_load_telling(const struct config_places *places, const char *app, const char *etc_text,
			void (*tell)(void *data, const char *text), void *data,
			struct config **ret_config, struct error *err)
{
	_cleanup_(config_build_freep) struct config *config = NULL;
	struct config_findings findings = { .tell = tell, .data = data };
	int r = check_app_name(app, err);
	int absent;

	if (r == 0)
		r = config_build(places, app, etc_text, &findings, &config, err);
	if (r < 0)
		return r;
	absent = r;
	r = config_findings_check(&findings, app, err);
	if (r < 0 || absent)
		return r < 0 ? r : CONFIG_ABSENT;
	*ret_config = TAKE_PTR(config);
	return 0;
}

int config_load_from(const struct config_places *places, const char *app, const char *etc_text,
		     struct config **ret_config, struct error *err)
{
	return config_load_telling(places, app, etc_text, NULL, NULL, ret_config, err);
}

int config_load(const char *app, struct config **ret_config, struct error *err)
{
	return config_load_from(config_own_places(), app, NULL, ret_config, err);
}

static int use_default_root(const struct config_places *places, struct config *config,
			    struct error *err)
{
	if (config->root)
		return 0;
	if (asprintf(&config->root, "%s/%s", places->state, config->app) < 0) {
		config->root = NULL;
		return error_errno(err, "reading the configuration");
	}
	return 0;
}

int config_load_rough(const struct config_places *places, const char *app,
		      struct config **ret_config, struct error *ret_problem, struct error *err)
{
	_cleanup_(config_build_freep) struct config *config = NULL;
	struct config_findings findings = {};
	int r = check_app_name(app, err);
	struct error why = {};
	bool broken;

	if (r == 0)
		r = config_build(places, app, NULL, &findings, &config, err);
	if (r > 0 &&
	    config_findings_check(&findings, app, &why) < 0) /* nothing of it may be read */
		return error_set(err, FAULT_CONFIG, "%s", why.text);
	if (r != 0)
		return r;
	broken = config_findings_check(&findings, app, ret_problem) < 0;
	r = use_default_root(places, config, err);
	if (r < 0)
		return r;
	*ret_config = TAKE_PTR(config);
	return broken ? CONFIG_BROKEN : 0;
}

void config_free(struct config *config)
{
	config_build_free(config);
}

const struct deploy_options *config_deploy(const struct config *config)
{
	return &config->deploy;
}

const char *config_root(const struct config *config)
{
	return config->root;
}

const char *config_unit(const struct config *config)
{
	return config->unit ? config->unit : "";
}

const char *config_user(const struct config *config)
{
	return config->user;
}

const struct alert_settings *config_alerts(const struct config *config, size_t *ret_n)
{
	*ret_n = config->n_alerts;
	return config->alerts;
}

const char *config_metrics_dir(const struct config *config)
{
	if (config->textfile)
		return config->textfile[0] == '/' ? config->textfile : NULL;
	return !scope_is_user() && access(CONFIG_TEXTFILE_DIR, F_OK) == 0 ? CONFIG_TEXTFILE_DIR :
									    NULL;
}

bool config_auto_install(const struct config *config)
{
	return config->auto_install;
}

bool config_check_on_start(const struct config *config)
{
	return config->check_on_start;
}

int config_open_root(const struct config *config, int *ret_fd, struct error *err)
{
	int fd = open(config->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT)
		return error_set(err, FAULT_CONFIG,
				 "there is no %s: make it by flipslot init %s --unit %s",
				 config->root, config->app, config->unit);
	if (fd < 0)
		return error_errno(err, "opening %s", config->root);
	bulk_settle(fd);
	*ret_fd = fd;
	return 0;
}

/* ---- all apps ---- */

static bool has_name(char **names, const char *name)
{
	for (; names && *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

/* Takes the names of apps out of names of files, which end in suffix; drops those that are none. */
static void keep_apps(char **names, const char *suffix, const char *dir,
		      struct config_findings *findings)
{
	size_t n = 0;

	for (size_t i = 0; names && names[i]; i++) {
		char *name = names[i];

		name[strlen(name) - strlen(suffix)] = '\0';
		names[i] = NULL;
		if (parse_is_app_name(name)) {
			names[n++] = name;
			continue;
		}
		if (findings)
			config_findings_add(findings,
					    "%s/%s%s is read by nobody: an app has 1 to 64 of "
					    "a-z 0-9 _ - in its name",
					    dir, name, suffix);
		free(name);
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int append(char ***names, const char *name, struct error *err)
{
	size_t n = 0;
	char **longer;

	while (*names && (*names)[n])
		n++;
	longer = realloc(*names, (n + 2) * sizeof(*longer));
	if (!longer)
		return error_errno(err, "listing the apps");
	*names = longer;
	longer[n + 1] = NULL;
	longer[n] = strdup(name);
	if (!longer[n])
		return error_errno(err, "listing the apps");
	qsort(longer, n + 1, sizeof(*longer), compare);
	return 0;
}

/* Adds those of `more` that are not in *names yet; both stay sorted. */
static int merge(char ***names, char **more, struct error *err)
{
	int r = 0;

	for (; r == 0 && more && *more; more++)
		if (!has_name(*names, *more))
			r = append(names, *more, err);
	return r;
}

/* The apps that have a file (or a directory) with this suffix in one of both places. */
static int list_apps(const struct config_places *places, const char *suffix,
		     struct config_findings *findings, char ***ret_names, struct error *err)
{
	_cleanup_(parse_argv_freep) char **names = NULL;
	_cleanup_(parse_argv_freep) char **vendor = NULL;
	int r = config_read_names(places->etc, suffix, &names, err);

	if (r == 0)
		r = config_read_names(places->vendor, suffix, &vendor, err);
	if (r != 0)
		return r;
	keep_apps(names, suffix, places->etc, findings);
	keep_apps(vendor, suffix, places->vendor, findings);
	r = merge(&names, vendor, err);
	if (r != 0)
		return r;
	*ret_names = TAKE_PTR(names);
	return 0;
}

int config_list_from(const struct config_places *places, char ***ret_names, struct error *err)
{
	return list_apps(places, SUFFIX, NULL, ret_names, err);
}

int config_list(char ***ret_names, struct error *err)
{
	return config_list_from(config_own_places(), ret_names, err);
}

/* ---- check ---- */

struct checked {
	struct config **configs;
	size_t n;
};

static void checked_done(struct checked *checked)
{
	for (size_t i = 0; i < checked->n; i++)
		config_build_free(checked->configs[i]);
	free(checked->configs);
}

bool config_same_unit(const struct config *a, const struct config *b)
{
	const char *users[] = { a->user ? a->user : "", b->user ? b->user : "" };

	return a->unit && b->unit && strcmp(a->unit, b->unit) == 0 &&
	       strcmp(users[0], users[1]) == 0;
}

/* Two apps with one service or one directory would undo each other. */
static void check_pair(const struct config *a, const struct config *b,
		       struct config_findings *findings)
{
	if (config_same_unit(a, b))
		config_findings_add(findings, "%s: %s is the unit of %s already", b->conf_file,
				    b->unit, a->conf_file);
	if (a->root && b->root && strcmp(a->root, b->root) == 0)
		config_findings_add(findings, "%s: %s is the directory of %s already", b->conf_file,
				    b->root, a->conf_file);
}

static int check_app(const struct config_places *places, const char *app, struct checked *checked,
		     struct config_findings *findings, struct error *err)
{
	struct config *config = NULL;
	struct config **more =
		realloc(checked->configs, (checked->n + 1) * sizeof(struct config *));
	int r;

	if (!more)
		return error_errno(err, "checking the configuration");
	checked->configs = more;
	r = config_build(places, app, NULL, findings, &config, err);
	if (r != 0)
		return r;
	for (size_t i = 0; i < checked->n; i++)
		check_pair(checked->configs[i], config, findings);
	checked->configs[checked->n++] = config;
	return 0;
}

/* Drop-ins of an app that has no file of its own are never read. */
static int check_orphans(const struct config_places *places, char **apps,
			 struct config_findings *findings, struct error *err)
{
	_cleanup_(parse_argv_freep) char **names = NULL;
	int r = list_apps(places, DROP_IN, findings, &names, err);

	for (char **name = names; r == 0 && name && *name; name++)
		if (!has_name(apps, *name))
			config_findings_add(findings,
					    "%s" DROP_IN " is read by nobody: there is no "
					    "%s" SUFFIX,
					    *name, *name);
	return r;
}

static int check_all(const struct config_places *places, struct config_findings *findings,
		     struct error *err)
{
	_cleanup_(checked_done) struct checked checked = {};
	_cleanup_(parse_argv_freep) char **apps = NULL;
	int r = list_apps(places, SUFFIX, findings, &apps, err);

	for (char **app = apps; r >= 0 && app && *app; app++)
		r = check_app(places, *app, &checked, findings, err);
	if (r >= 0)
		r = check_orphans(places, apps, findings, err);
	return r < 0 ? r : 0;
}

static int check_one(const struct config_places *places, const char *app,
		     struct config_findings *findings, struct error *err)
{
	_cleanup_(checked_done) struct checked checked = {};
	int r = check_app_name(app, err);

	if (r == 0)
		r = check_app(places, app, &checked, findings, err);
	if (r == CONFIG_ABSENT && findings->n == 0)
		return error_set(err, FAULT_CONFIG, "there is no %s/%s" SUFFIX, places->etc, app);
	return r < 0 ? r : 0;
}

int config_check_from(const struct config_places *places, const char *app,
		      void (*finding)(void *data, const char *text), void *data,
		      unsigned int *ret_problems, struct error *err)
{
	struct config_findings findings = { .tell = finding, .data = data };
	int r = app ? check_one(places, app, &findings, err) : check_all(places, &findings, err);

	if (r == 0)
		*ret_problems = findings.n;
	return r;
}

int config_check(const char *app, void (*finding)(void *data, const char *text), void *data,
		 unsigned int *ret_problems, struct error *err)
{
	return config_check_from(config_own_places(), app, finding, data, ret_problems, err);
}
