/*
 * For tests of what comes from a repository: one in the folder `repo` of the app's directory, made by the real
 * program and fetched by its helper, and a session that stages from it.
 */
#pragma once

#include <signal.h>
#include <sys/stat.h>

#include "../release/shell.h"
#include "app.h"
#include "deploy/update.h"
#include "install/scrub.h"

static char repo_program[512];
static char repo_url[128];
static struct session repo_session;
static struct watcher repo_watcher;
static struct error repo_err;

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

	assert_int_equal(setenv("FLIPSLOT", repo_program, 0), 0);
	shell(check_fd,
	      "mkdir -p trust tree/d; chmod 755 .; echo hello >tree/d/f; echo run >tree/run\n"
	      "head -c 2500000 /dev/urandom >tree/large; ln -s d/f tree/l\n"
	      "$FLIPSLOT repo init repo >out 2>&1 || { cat out; exit 1; }\n"
	      "cp repo/metadata/1.root.json trust/root.json");
	fetch_settings_init(&app_options.source.fetch);
	(void)snprintf(repo_url, sizeof(repo_url), "file://%s/repo", check_path);
	app_options.source.url = repo_url;
	app_options.source.channel = "stable";
	app_options.source.way.fallback = UINT64_MAX;
	app_options.source.fetch.file_root = repo_url + strlen("file://");
	app_options.helper = repo_program;
	app_options.stage.archive.max_bytes = 1 << 30;
	app_options.stage.archive.max_files = 10000;
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

/* What was staged last runs now, and is known good; the other slot is the target. */
UNUSED static void repo_turn(void)
{
	struct state_transaction *transaction = &repo_session.state.transaction;
	enum slot target = transaction->target;

	transaction->target = slot_other(target);
	transaction->origin = target;
	transaction->sequence = 0;
	transaction->fetched = transaction->requests = 0;
	repo_session.state.good = transaction->release;
	app_point(target);
	repo_watcher = (struct watcher){ .session = &repo_session };
}

/* Is the target slot sealed as that version, and what the seal says? */
UNUSED static void repo_check(const char *version)
{
	enum slot slot = repo_session.state.transaction.target;
	struct descriptor descriptor;
	uint64_t differences = 1;

	assert_int_equal(seal_peek(check_fd, slot, &descriptor, NULL), 0);
	assert_string_equal(descriptor.version, version);
	assert_int_equal(scrub_slot(check_fd, slot, NULL, NULL, NULL, &differences, NULL), 0);
	assert_int_equal(differences, 0);
}

/* 1.0 runs; 2.0 is published: a small file and a part of the large one are others. */
UNUSED static int repo_setup_update(void **state)
{
	int r = repo_setup(state);

	repo_err = (struct error){};
	shell(check_fd, "for i in $(seq 100); do seq $i >tree/d/$i; done");
	repo_add("1.0");
	if (update_stage(&repo_watcher, &repo_err) != 0)
		fail_msg("%s", repo_err.text);
	repo_turn();
	shell(check_fd, "echo another >tree/d/7; echo more >>tree/large; rm tree/d/8");
	repo_add("2.0");
	app_n_heard = 0;
	return r;
}

/* 2.0 gets staged, and nothing is left over. */
UNUSED static void repo_stage(void)
{
	if (update_stage(&repo_watcher, &repo_err) != 0)
		fail_msg("%s", repo_err.text);
	repo_check("2.0");
	shell(check_fd, "ls staging >out; test ! -s out || { cat out; exit 1; }");
}

/* Each bundle with a base has other bytes at its end. */
UNUSED static void repo_spoil_bundles(void)
{
	shell(check_fd,
	      "chmod -R u+w repo/blobs; rm -rf spoilt; cp -a repo/blobs spoilt; for f in repo/blobs/sha256/*; do\n"
	      "test $(stat -c %s $f) -gt 100000 || printf xxxx | dd of=$f bs=1 conv=notrunc "
	      "seek=$(($(stat -c %s $f) - 4)) 2>/dev/null; done");
}
