/*
 * For tests of what comes from a repository: one in the folder `repo` of the app's directory, made by the real
 * program and fetched by its helper, and a session that stages from it.
 */
#pragma once

#include <signal.h>
#include <sys/stat.h>

#include "../release/shell.h"
#include "app.h"
#include "deploy/watcher.h"

static char repo_program[512];
static char repo_url[128];
static struct session repo_session;
static struct watcher repo_watcher;

/* A session in STAGING, with slot b as the target, slot a sealed with 0.9, current, and running. */
UNUSED static void repo_open(void)
{
	struct state state = { .phase = PHASE_STAGING };

	state.good = app_seal(SLOT_A, "0.9");
	app_point(SLOT_A);
	state.transaction.target = SLOT_B;
	state.transaction.origin = SLOT_A;
	app_open(&repo_session, &state);
	repo_session.working = PHASE_STAGING;
	repo_watcher = (struct watcher){ .session = &repo_session };
}

UNUSED static int repo_setup(void **state)
{
	int r = app_setup(state);

	assert_int_equal(setenv("FLIPSLOT", repo_program, 1), 0);
	shell(check_fd,
	      "mkdir -p trust tree/d; chmod 755 .; echo hello >tree/d/f; echo run >tree/run\n"
	      "head -c 2500000 /dev/urandom >tree/large; ln -s d/f tree/l\n"
	      "$FLIPSLOT repo init repo >out 2>&1 || { cat out; exit 1; }\n"
	      "cp repo/metadata/1.root.json trust/root.json");
	fetch_settings_init(&app_options.source.fetch);
	(void)snprintf(repo_url, sizeof(repo_url), "file://%s/repo", check_path);
	app_options.source.url = repo_url;
	app_options.source.channel = "stable";
	app_options.source.fetch.file_root = repo_url + strlen("file://");
	app_options.helper = repo_program;
	app_options.stage.archive.max_bytes = 1 << 30;
	app_options.stage.max_archive_bytes = 1 << 30;
	repo_open();
	return r;
}

UNUSED static int repo_teardown(void **state)
{
	session_close(&repo_session);
	return check_teardown_closed(state);
}

/* The folder `tree` as a release. */
UNUSED static void repo_add(const char *version)
{
	assert_int_equal(setenv("VERSION", version, 1), 0);
	shell(check_fd, "$FLIPSLOT repo add repo tree --app gw --version $VERSION --level 1 "
			">out 2>&1 || { cat out; exit 1; }\n"
			"chmod -R a+rX repo");
}

#define repo_test(test) cmocka_unit_test_setup_teardown(test, repo_setup, repo_teardown)

/* Before the tests. False: there is no program. */
UNUSED static bool repo_find_program(void)
{
	const char *build = getenv("B");

	(void)signal(SIGPIPE, SIG_IGN); /* as main does */
	(void)snprintf(repo_program, sizeof(repo_program), "%s/flipslot", build ? build : "build");
	if (access(repo_program, X_OK) == 0)
		return true;
	(void)printf("there is no %s to fetch by\n", repo_program);
	return false;
}
