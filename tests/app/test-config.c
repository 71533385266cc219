/* LDFLAGS: -Wl,--wrap=geteuid */
#include "app/config.h"

#include "app/config-alert.h"
#include "app/config-probe.h"
#include "app/config-table.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/text.h"
#include "loading.h"

uid_t __real_geteuid(void);
uid_t __wrap_geteuid(void);

static uid_t pretended; /* 0: who we are */

uid_t __wrap_geteuid(void)
{
	return pretended ? pretended : __real_geteuid();
}

/* Collects findings, one a line. */
static void collect(void *data, const char *text)
{
	text_add(data, "%s\n", text);
}

static unsigned int check(const struct scratch *scratch, const char *app, struct text *all)
{
	struct error err = {};
	unsigned int n = 99;

	if (config_check_from(&scratch->places, app, collect, all, &n, &err) != 0)
		fail_msg("%s", err.text);
	return n;
}

/* ---- what it says ---- */

static void test_absent(void **state)
{
	struct scratch *scratch = *state;
	struct config *config = NULL;

	assert_int_equal(config_load_from(&scratch->places, "gw", NULL, &config, NULL),
			 CONFIG_ABSENT);
	assert_null(config);
	/* drop-ins alone configure nothing */
	scratch_write(scratch, CONF ".d/10-x.conf", UNIT);
	assert_int_equal(config_load_from(&scratch->places, "gw", NULL, &config, NULL),
			 CONFIG_ABSENT);
}

static void test_defaults(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(config_freep) struct config *config = load_text(scratch, UNIT);
	const struct deploy_options *deploy = config_deploy(config);
	_cleanup_free_ char *root = scratch_path(scratch, "var/lib/flipslot/gw");

	assert_string_equal(deploy->app, "gw");
	assert_string_equal(deploy->unit, "gw.service");
	assert_string_equal(config_unit(config), "gw.service");
	assert_string_equal(deploy->root, root);
	assert_string_equal(config_root(config), root);
	assert_string_equal(deploy->helper, "/proc/self/exe");
	assert_string_equal(deploy->conf_file + strlen(scratch->top) + 1, CONF);
	assert_int_equal(deploy->switch_mode, SWITCH_RESTART);
	assert_int_equal(deploy->start_deadline_usec, 90 * USEC_PER_SEC);
	assert_int_equal(deploy->watch_usec, 60 * USEC_PER_SEC);
	assert_int_equal(deploy->boot_tries, 2);
	assert_int_equal(deploy->max_rollbacks, 3);
	assert_true(deploy->baseline);
	assert_false(deploy->keep);
	assert_int_equal(deploy->stage.reserve_bytes, 64ULL << 20);
	assert_int_equal(deploy->stage.max_archive_bytes, 4ULL << 30);
	assert_int_equal(deploy->stage.archive.max_bytes, 8ULL << 30);
	assert_int_equal(deploy->stage.archive.max_files, 1000000);
	assert_int_equal(deploy->stage.archive.max_depth, 64);
	assert_int_equal(deploy->stage.archive.max_ratio, 200);
	assert_int_equal(deploy->stage.archive.strip_components, 0);
	assert_false(deploy->stage.archive.allow_setuid);
	assert_false(config_auto_install(config));
	assert_true(config_check_on_start(config));
	assert_int_equal(deploy->n_probes, 1);
	assert_string_equal(deploy->probes[0].name, "unit");
	assert_int_equal(deploy->probes[0].kind, PROBE_UNIT);
	assert_true(deploy->probes[0].required);
	assert_true(deploy->probes[0].in_start && deploy->probes[0].in_watch);
}

static void test_every_key(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_free_ char *text = NULL;
	_cleanup_(config_freep) struct config *config = NULL;
	const struct deploy_options *deploy;

	assert_true(
		asprintf(&text,
			 "[App]\nUnit=gw@1.service\nScope=system\nRoot=%s/srv/gw\n"
			 "[Update]\nAuto=yes\nCheckOnStart=no\nSwitchMode=stop-start\nReserve=1G\n"
			 "Dedupe=hardlink\n"
			 "AllowSetuid=yes\nMaxBytes=1M\nMaxFiles=7\nMaxDepth=8\nMaxRatio=9\n"
			 "MaxArchive=2M\n"
			 "[Health]\nStartDeadline=4min\nWatch=0\nBootTries=0\nBaseline=no\n"
			 "OnFail=keep\nMaxRollbacks=1\nErrorGrowth=50\nErrorLevel=required\n",
			 scratch->top) > 0);
	config = load_text(scratch, text);
	deploy = config_deploy(config);
	assert_string_equal(deploy->unit, "gw@1.service");
	assert_string_equal(deploy->root + strlen(scratch->top), "/srv/gw");
	assert_true(config_auto_install(config));
	assert_false(config_check_on_start(config));
	assert_int_equal(deploy->switch_mode, SWITCH_STOP_START);
	assert_int_equal(deploy->dedupe, DEDUPE_HARDLINK);
	assert_int_equal(deploy->stage.reserve_bytes, 1 << 30);
	assert_true(deploy->stage.archive.allow_setuid);
	assert_int_equal(deploy->stage.archive.max_bytes, 1 << 20);
	assert_int_equal(deploy->stage.archive.max_files, 7);
	assert_int_equal(deploy->stage.archive.max_depth, 8);
	assert_int_equal(deploy->stage.archive.max_ratio, 9);
	assert_int_equal(deploy->stage.max_archive_bytes, 2 << 20);
	assert_int_equal(deploy->start_deadline_usec, 240 * USEC_PER_SEC);
	assert_int_equal(deploy->watch_usec, 0);
	assert_int_equal(deploy->boot_tries, 0);
	assert_false(deploy->baseline);
	assert_true(deploy->keep);
	assert_int_equal(deploy->max_rollbacks, 1);
	assert_int_equal(deploy->error_growth, 50);
	assert_true(deploy->errors_required && !deploy->memory_required);
}

/* ---- which files ---- */

static void check_watch(const struct scratch *scratch, uint64_t seconds)
{
	_cleanup_(config_freep) struct config *config = load(scratch);

	assert_int_equal(config_deploy(config)->watch_usec, seconds * USEC_PER_SEC);
}

static void test_later_files_override(void **state)
{
	struct scratch *scratch = *state;

	scratch_write(scratch, "lib/flipslot/gw.conf", UNIT "[Health]\nWatch=1s\n");
	check_watch(scratch, 1);
	scratch_write(scratch, "lib/flipslot/gw.conf.d/50-a.conf", "[Health]\nWatch=2s\n");
	check_watch(scratch, 2);
	scratch_write(scratch, "lib/flipslot/gw.conf.d/60-b.conf", "[Health]\nWatch=3s\n");
	check_watch(scratch, 3);
	scratch_write(scratch, "lib/flipslot/gw.conf.d/README", "[Health]\nWatch=99s\n");
	scratch_write(scratch, "lib/flipslot/gw.conf.d/.70.conf", "[Health]\nWatch=99s\n");
	check_watch(scratch, 3);
	/* an empty one of the same name in etc takes the vendor's away */
	scratch_write(scratch, CONF ".d/60-b.conf", "");
	check_watch(scratch, 2);
	scratch_write(scratch, CONF, "[Health]\nWatch=4s\n");
	check_watch(scratch, 4);
	scratch_write(scratch, CONF ".d/90-z.conf", "[Health]\nWatch=6s\n");
	scratch_write(scratch, CONF ".d/10-a.conf", "[Health]\nWatch=5s\n");
	check_watch(scratch, 6);
	/* "Key=": the default again */
	scratch_write(scratch, CONF ".d/99-zz.conf", "[Health]\nWatch=\n");
	check_watch(scratch, 60);
}

static void test_probe_in_two_files(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(config_freep) struct config *config = NULL;

	scratch_write(scratch, "lib/flipslot/gw.conf",
		      UNIT "[Probe web]\nKind=http\nUrl=http://localhost/\n");
	scratch_write(scratch, CONF ".d/10.conf", "[Probe web]\nUrl=http://localhost:81/\n");
	config = load(scratch);
	assert_int_equal(config_deploy(config)->n_probes, 1);
	assert_string_equal(config_deploy(config)->probes[0].url, "http://localhost:81/");
	config_free(TAKE_PTR(config));
	/* another kind altogether */
	scratch_write(scratch, CONF ".d/20.conf",
		      "[Probe web]\nAddress=localhost:81\nUrl=\nKind=tcp\n");
	config = load(scratch);
	assert_int_equal(config_deploy(config)->n_probes, 1);
	assert_int_equal(config_deploy(config)->probes[0].kind, PROBE_TCP);
}

static void test_text_in_place_of_file(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(config_freep) struct config *config = NULL;
	struct error err = {};

	scratch_write(scratch, CONF ".d/10.conf", "[Health]\nWatch=5s\n");
	assert_int_equal(config_load_from(&scratch->places, "gw", UNIT "[Health]\nBootTries=7\n",
					  &config, &err),
			 0);
	assert_int_equal(config_deploy(config)->boot_tries, 7);
	assert_int_equal(config_deploy(config)->watch_usec, 5 * USEC_PER_SEC);
	assert_false(scratch_exists(scratch, CONF));
}

static void test_files_that_others_may_write(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_free_ char *conf = scratch_path(scratch, CONF);
	struct error err;

	scratch_write(scratch, CONF, UNIT);
	assert_int_equal(chmod(conf, 0664), 0);
	assert_string_equal(refusal(scratch, &err),
			    CONF " can be written by others: chmod go-w " CONF);
	assert_int_equal(chmod(conf, 0646), 0);
	assert_non_null(strstr(refusal(scratch, &err), "can be written by others"));
	assert_int_equal(chmod(conf, 0640), 0);
	config_free(load(scratch));
	assert_int_equal(chmod(scratch->etc, 0777), 0);
	assert_non_null(strstr(refusal(scratch, &err), "etc/flipslot can be written by others"));
	assert_int_equal(chmod(scratch->etc, 0755), 0);
	assert_int_equal(unlink(conf), 0);
	assert_int_equal(symlink("/etc/passwd", conf), 0);
	assert_string_equal(refusal(scratch, &err), CONF " is not a regular file");
	assert_int_equal(unlink(conf), 0);
	assert_int_equal(mkfifo(conf, 0600), 0);
	assert_string_equal(refusal(scratch, &err), CONF " is not a regular file");
	assert_int_equal(unlink(conf), 0);
	assert_int_equal(mkdir(conf, 0700), 0);
	assert_string_equal(refusal(scratch, &err), CONF " is not a regular file");
}

static void test_files_of_others(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_free_ char *conf = scratch_path(scratch, CONF);
	struct error err;

	scratch_write(scratch, CONF, UNIT);
	if (__real_geteuid() == 0)
		assert_int_equal(chown(conf, 4712, 0), 0);
	else
		pretended = 4711;
	assert_non_null(strstr(refusal(scratch, &err), "not to root: chown root:root"));
	pretended = 4713; /* flipslot --user */
	assert_non_null(strstr(refusal(scratch, &err), "not to you: sudo chown 4713 "));
	pretended = 0;
}

/* ---- what is refused ---- */

static void test_wrong_keys(void **state)
{
	static const struct {
		const char *text;
		const char *wanted;
	} cases[] = {
		{ "[App]\n#\n", CONF ": [App] Unit= is missing" },
		{ UNIT "Root\n", CONF ":3: neither [Section] nor Key=Value nor a comment" },
		{ UNIT "Unit=x.service\n", CONF ":3: Unit= was set before in [App]" },
		{ UNIT "Rot=/x\n", CONF ":3: there is no key Rot= in [App]: did you mean Root=?" },
		{ UNIT "Speed=9\n", CONF ":3: there is no key Speed= in [App]" },
		{ UNIT "Speed=\n", CONF ":3: there is no key Speed= in [App]" },
		{ UNIT "[Update]\nDedupe=yes\n",
		  CONF ":4: Dedupe=: \"yes\" is not auto, copy, reflink or hardlink" },
		{ UNIT "Units=../x.service\n",
		  CONF ":3: Units=: \"../x.service\" is not the path of a file in the release, "
		       "like lib/systemd/gateway.service" },
		{ UNIT "Units=lib/x\n", CONF ":3: Units=: \"x\" is not the name of a unit file" },
		{ UNIT "Units=a/x.service b/x.service\n",
		  CONF ":3: Units=: \"x.service\" is there twice" },
		{ UNIT "Units=flipslot@.service\n",
		  CONF ":3: Units=: flipslot@.service is a unit of flipslot itself" },
		{ UNIT "Units=a.path b.path c.path d.path e.path f.path g.path h.path i.path\n",
		  CONF ":3: Units=: these are more than 8" },
		{ UNIT "[Healt]\nWatch=1\nBaseline=no\n",
		  CONF ":4: there is no section [Healt]: did you mean [Health]?" },
		{ UNIT "[Prob x]\nKind=unit\n",
		  CONF ":4: there is no section [Prob x]: did you mean [Probe NAME]?" },
		{ UNIT "[Probe]\nKind=unit\n",
		  CONF ":4: there is no section [Probe]: did you mean [Probe NAME]?" },
		{ UNIT "[Weather]\nWatch=1\n", CONF ":4: there is no section [Weather]" },
		{ UNIT "[Source]\nUrl=ftp://x\n",
		  CONF ":4: Url=: \"ftp://x\" is not an https://, http:// or file:/// URL" },
		{ UNIT "[Source]\nUrl=https://x/repo?token=1\n", CONF
		  ":4: Url=: a query (?...) or a fragment (#...) cannot be in it: names of files are put behind it" },
		{ UNIT "[Source]\nDelta=on\n",
		  CONF ":4: Delta=: \"on\" is not prefer, require or off" },
		{ UNIT "[Source]\nFallback=10M\n",
		  CONF ":4: Fallback=: \"10M\" is not full, refuse or <= SIZE" },
		{ UNIT "[Data]\nPath=data\n", CONF ":4: Path=: \"data\" is not an absolute path" },
		{ UNIT "[Data]\nPath=/usr/x\n",
		  CONF ":4: Path=: /usr/x: not below /usr: the worker cannot write there" },
		{ UNIT "[Data]\nSnapshot=yes\n",
		  CONF ":4: Snapshot=: \"yes\" is not none, reflink or copy" },
		{ UNIT "[Data]\nSnapshot=copy\n", CONF ": [Data] Snapshot= needs Path=" },
		{ UNIT "[Probe a,b]\nKind=unit\n", CONF
		  ":3: a section is [Name], of at most 48 letters, digits, blanks and any of - _ "
		  ". : @ /" },
		{ UNIT "[Probe a.b]\nKind=unit\n",
		  CONF ":4: [Probe a.b]: a probe's name has at most 31 letters, digits, - and _" },
	};
	struct scratch *scratch = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_refused(scratch, cases[i].text, cases[i].wanted);
}

static void test_wrong_siblings(void **state)
{
	static const struct {
		const char *text;
		const char *wanted;
	} cases[] = {
		{ UNIT "AlsoRestart=x\n",
		  CONF ":3: AlsoRestart=: \"x\" is not a service: write the whole name, with "
		       ".service" },
		{ UNIT "AlsoRestart=x.service y.service x.service\n",
		  CONF ":3: AlsoRestart=: \"x.service\" is there twice" },
		{ UNIT "AlsoRestart=flipslot@x.service\n",
		  CONF ":3: AlsoRestart=: flipslot@x.service is a unit of flipslot itself" },
		{ UNIT "AlsoRestart=a.service b.service c.service d.service e.service f.service "
		       "g.service h.service i.service\n",
		  CONF ":3: AlsoRestart=: these are more than 8" },
		{ UNIT "AlsoRestart=x.service gw.service\n",
		  CONF ": [App] AlsoRestart=: gw.service is the app's own unit, which is "
		       "restarted in any case" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_refused(*state, cases[i].text, cases[i].wanted);
}

static void test_lists(void **state)
{
	_cleanup_(config_freep) struct config *config =
		load_text(*state, UNIT "Units=lib/systemd/gw.service  \"x.socket\"\n");

	assert_string_equal(config_deploy(config)->shipped[0], "lib/systemd/gw.service");
	assert_string_equal(config_deploy(config)->shipped[1], "x.socket");
	assert_null(config_deploy(config)->shipped[2]);
}

static void test_siblings(void **state)
{
	_cleanup_(config_freep) struct config *config =
		load_text(*state, UNIT "AlsoRestart=side.service log@1.service\n");
	char text[400];

	assert_string_equal(config_deploy(config)->siblings[0], "side.service");
	assert_string_equal(config_deploy(config)->siblings[1], "log@1.service");
	assert_null(config_deploy(config)->siblings[2]);
	(void)snprintf(text, sizeof(text), UNIT "AlsoRestart=%0119d.service %0118d.service\n", 1,
		       2);
	config_free(load_text(*state, text));
	(void)snprintf(text, sizeof(text), UNIT "AlsoRestart=%0119d.service %0119d.service\n", 1,
		       2);
	check_refused(*state, text,
		      CONF ":3: AlsoRestart=: these names have 254 letters, 253 is the most");
}

static void test_data(void **state)
{
	_cleanup_(config_freep) struct config *config =
		load_text(*state, UNIT "[Data]\nPath=/srv/gw\nSnapshot=reflink\nMaxCopy=2M\n");
	const struct data_options *data = &config_deploy(config)->data;

	assert_string_equal(data->path, "/srv/gw");
	assert_int_equal(data->snapshot, SNAPSHOT_REFLINK);
	assert_int_equal(data->max_copy, 2 << 20);
}

static void test_ways(void **state)
{
	static const struct {
		const char *text;
		enum way_delta delta;
		uint64_t fallback;
	} cases[] = {
		{ UNIT, WAY_PREFER, UINT64_MAX },
		{ UNIT "[Source]\nDelta=off\nFallback=refuse\n", WAY_OFF, 0 },
		{ UNIT "[Source]\nDelta=require\nFallback=full\n", WAY_REQUIRE, UINT64_MAX },
		{ UNIT "[Source]\nDelta=prefer\nFallback=<= 10M\n", WAY_PREFER, 10 << 20 },
		{ UNIT "[Source]\nFallback=<=1K\n", WAY_PREFER, 1024 },
	};
	struct scratch *scratch = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(config_freep) struct config *config = load_text(scratch, cases[i].text);
		const struct way_policy *way = &config_deploy(config)->source.way;

		assert_int_equal(way->delta, cases[i].delta);
		assert_int_equal(way->fallback, cases[i].fallback);
	}
}

static void test_wrong_values(void **state)
{
	static const struct {
		const char *line;
		const char *wanted;
	} cases[] = {
		{ "[App]\nUnit=gw\n",
		  "Unit=: \"gw\" is not a service: write the whole name, with .service" },
		{ "[App]\nUnit=g w.service\n", "Unit=: \"g w.service\" is not the name of a unit" },
		{ "[App]\nUnit=../x.service\n",
		  "Unit=: \"../x.service\" is not the name of a unit" },
		{ "[App]\nUnit=gw@.service\n", "Unit=: \"gw@.service\" is a template: name an "
					       "instance of it, as in foo@1.service" },
		{ "[App]\nUnit=flipslot@gw.service\n",
		  "Unit=: flipslot@gw.service is a unit of flipslot itself" },
		{ "[App]\nScope=user:root\n",
		  "Scope=: \"user:root\": a service of root's is the system's: system" },
		{ "[App]\nScope=user:../x\n", "Scope=: \"../x\" is not the name of a user" },
		{ "[App]\nScope=session\n", "Scope=: \"session\" is not system or user:NAME" },
		{ "[Update]\nAuto=maybe\n", "Auto=: \"maybe\" is not yes or no" },
		{ "[Update]\nSwitchMode=stop\n",
		  "SwitchMode=: \"stop\" is neither restart nor stop-start" },
		{ "[Update]\nReserve=64MB\n",
		  "Reserve=: \"64MB\" is not a size like 8M, 512K, 1.5G or 4096 (bytes)" },
		{ "[Update]\nReserve=2T\n", "Reserve=: \"2T\" is not between 0 and 1T" },
		{ "[Update]\nMaxFiles=0\n", "MaxFiles=: \"0\" is not between 1 and 10000000" },
		{ "[Update]\nMaxDepth=257\n", "MaxDepth=: \"257\" is not between 1 and 256" },
		{ "[Update]\nMaxDepth=4294967297\n",
		  "MaxDepth=: \"4294967297\" is not between 1 and 256" },
		{ "[Health]\nStartDeadline=500ms\n",
		  "StartDeadline=: \"500ms\" is not between 1s and 6h" },
		{ "[Health]\nStartDeadline=infinity\n",
		  "StartDeadline=: \"infinity\" is not between 1s and 6h" },
		{ "[Health]\nWatch=8d\n", "Watch=: \"8d\" is not between 0 and 7d" },
		{ "[Health]\nOnFail=panic\n", "OnFail=: \"panic\" is neither rollback nor keep" },
		{ "[Health]\nMaxRollbacks=0\n", "MaxRollbacks=: \"0\" is not between 1 and 20" },
	};
	struct scratch *scratch = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool in_app = strncmp(cases[i].line, "[App]", 5) == 0;
		_cleanup_free_ char *text = NULL;
		_cleanup_free_ char *wanted = NULL;
		const char *line = in_app && strstr(cases[i].line, "Unit=") ? "2" :
				   in_app				    ? "3" :
									      "4";

		assert_true(asprintf(&text, "%s%s", in_app && *line == '2' ? "" : UNIT,
				     in_app && *line == '3' ? cases[i].line + 6 : cases[i].line) >
			    0);
		assert_true(asprintf(&wanted, CONF ":%s: %s", line, cases[i].wanted) > 0);
		check_refused(scratch, text, wanted);
	}
}

/* ---- all apps ---- */

static void test_list(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(parse_argv_freep) char **names = NULL;

	scratch_write(scratch, "etc/flipslot/b.conf", "");
	scratch_write(scratch, "etc/flipslot/A.conf", "");
	scratch_write(scratch, "etc/flipslot/x.conf~", "");
	scratch_write(scratch, "etc/flipslot/z.conf.d/1.conf", "");
	scratch_write(scratch, "lib/flipslot/b.conf", "");
	scratch_write(scratch, "lib/flipslot/a.conf", "");
	scratch_write(scratch, "lib/flipslot/c.conf", "");
	assert_int_equal(config_list_from(&scratch->places, &names, NULL), 0);
	assert_string_equal(names[0], "a");
	assert_string_equal(names[1], "b");
	assert_string_equal(names[2], "c");
	assert_null(names[3]);
}

static void test_list_without_places(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(parse_argv_freep) char **names = NULL;

	assert_int_equal(rmdir(scratch->etc), 0);
	assert_int_equal(rmdir(scratch->vendor), 0);
	assert_int_equal(config_list_from(&scratch->places, &names, NULL), 0);
	assert_null(names[0]);
}

static void test_check_finds_all(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_text_ struct text all = {};
	struct error err = {};
	unsigned int n;

	scratch_write(scratch, "etc/flipslot/a.conf",
		      "[App]\nUnit=x\n[Health]\nWatch=-1\nBotTries=1\n");
	scratch_write(scratch, "etc/flipslot/b.conf", UNIT "Root=relative\n");
	scratch_write(scratch, "etc/flipslot/b.conf.d/1.conf", "[Update]\nAuto=x\n");
	scratch_write(scratch, "etc/flipslot/c.conf", UNIT);
	scratch_write(scratch, "etc/flipslot/D.conf", UNIT);
	scratch_write(scratch, "etc/flipslot/e.conf.d/1.conf", UNIT);
	assert_int_equal(check(scratch, NULL, &all), 8);
	assert_non_null(strstr(all.data, "/a.conf:2: Unit=: "));
	assert_non_null(strstr(all.data, "/a.conf:4: Watch=: "));
	assert_non_null(strstr(all.data, "/a.conf:5: there is no key BotTries="));
	assert_non_null(strstr(all.data, "/b.conf:3: Root=: "));
	assert_non_null(strstr(all.data, "/b.conf.d/1.conf:2: Auto=: "));
	assert_non_null(strstr(all.data, "/c.conf: gw.service is the unit of "));
	assert_non_null(strstr(all.data, "/D.conf is read by nobody"));
	assert_non_null(strstr(all.data, "e.conf.d is read by nobody"));
	text_done(&all);
	assert_int_equal(check(scratch, "b", &all), 2);
	assert_int_equal(check(scratch, "c", &all), 0);
	assert_true(config_check_from(&scratch->places, "nn", collect, &all, &n, &err) < 0);
	assert_int_equal(err.fault, FAULT_CONFIG);
	assert_non_null(strstr(err.text, "there is no "));
}

static void test_load_tells_of_the_others(void **state)
{
	struct scratch *scratch = *state;

	check_refused(scratch, UNIT "[Health]\nWatch=-1\nBotTries=1\nBaseline=x\n",
		      CONF
		      ":4: Watch=: \"-1\" is not a time span like 5min, 90s, 1h 30min, 250ms or "
		      "infinity (and 2 more: flipslot config check gw)");
}

/* The line "| `Key=` | default | range |" of the manual; rows of the same key may be many. */
static bool is_documented(const char *manual, const struct config_key *key)
{
	_cleanup_free_ char *row = NULL;
	const char *at = manual;

	assert_true(asprintf(&row, "| `%s=` | ", key->name) > 0);
	while ((at = strstr(at, row))) {
		size_t size = strcspn(at, "\n");

		at += strlen(row);
		if (!key->fallback ||
		    (*at == '`' && strncmp(at + 1, key->fallback, strlen(key->fallback)) == 0 &&
		     at[1 + strlen(key->fallback)] == '`'))
			if (!key->range[0] ||
			    (memmem(at, size, key->range[0], strlen(key->range[0])) &&
			     memmem(at, size, key->range[1], strlen(key->range[1]))))
				return true;
	}
	return false;
}

static void test_manual(void **state)
{
	static char manual[1 << 16];
	const struct config_key *const tables[] = { config_table, config_probe_table,
						    config_alert_table };
	_cleanup_fclose_ FILE *f = fopen("docs/CONFIG.md", "re");

	if (!f)
		skip(); /* not called from the top of the source */
	manual[fread(manual, 1, sizeof(manual) - 1, f)] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct config_key *key = tables[i]; key->name; key++)
			if (!is_documented(manual, key))
				fail_msg("docs/CONFIG.md: %s=", key->name);
}

static void test_app_names(void **state)
{
	struct scratch *scratch = *state;
	struct config *config = NULL;
	struct error err = {};

	assert_true(config_load_from(&scratch->places, "../gw", NULL, &config, &err) < 0);
	assert_int_equal(err.fault, FAULT_CONFIG);
	assert_true(config_load_from(&scratch->places, "", NULL, &config, &err) < 0);
}

static void test_rough(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(config_freep) struct config *good = NULL;
	_cleanup_(config_freep) struct config *broken = NULL;
	_cleanup_(config_freep) struct config *worse = NULL;
	_cleanup_(config_freep) struct config *none = NULL;
	_cleanup_free_ char *etc = scratch_path(scratch, "etc/flipslot");
	struct error problem = {};
	struct error err = {};

	assert_int_equal(config_load_rough(&scratch->places, "gw", &good, &problem, &err),
			 CONFIG_ABSENT);
	scratch_write(scratch, "etc/flipslot/gw.conf", "[App]\nUnit=gw.service\n");
	assert_int_equal(config_load_rough(&scratch->places, "gw", &good, &problem, &err), 0);
	assert_int_equal(problem.fault, FAULT_NONE);
	scratch_write(scratch, "etc/flipslot/gw.conf", "[App]\nUnit=gw.service\n[Helth]\nX=1\n");
	assert_int_equal(config_load_rough(&scratch->places, "gw", &broken, &problem, &err),
			 CONFIG_BROKEN);
	assert_string_equal(config_unit(broken), "gw.service");
	assert_string_equal(config_root(broken), config_root(good));
	assert_non_null(strstr(problem.text, "Helth"));
	scratch_write(scratch, "etc/flipslot/gw.conf", "?\n");
	assert_int_equal(config_load_rough(&scratch->places, "gw", &worse, &problem, &err),
			 CONFIG_BROKEN);
	assert_string_equal(config_unit(worse), "");
	assert_non_null(strstr(config_root(worse), "/var/lib/flipslot/gw"));
	/* what may not be read at all is not "no such app" */
	assert_int_equal(chmod(etc, 0777), 0);
	assert_true(config_load_rough(&scratch->places, "gw", &none, &problem, &err) < 0);
	assert_non_null(strstr(err.text, "can be written by others"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_absent),
		scratch_test(test_rough),
		scratch_test(test_defaults),
		scratch_test(test_every_key),
		scratch_test(test_later_files_override),
		scratch_test(test_probe_in_two_files),
		scratch_test(test_text_in_place_of_file),
		scratch_test(test_files_that_others_may_write),
		scratch_test(test_files_of_others),
		scratch_test(test_wrong_keys),
		scratch_test(test_wrong_values),
		scratch_test(test_lists),
		scratch_test(test_siblings),
		scratch_test(test_wrong_siblings),
		scratch_test(test_data),
		scratch_test(test_ways),
		scratch_test(test_list),
		scratch_test(test_list_without_places),
		scratch_test(test_check_finds_all),
		scratch_test(test_load_tells_of_the_others),
		scratch_test(test_app_names),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
