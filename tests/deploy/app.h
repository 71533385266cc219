/*
 * What the tests of deploy share: the directory of an app, which is the test's own directory, with seals for
 * slots, options, and a listener that remembers what it was told.
 */
#pragma once

#include "../base/check.h"
#include "../install/seal-write.h"

#include "base/fd.h"
#include "base/text.h"
#include "deploy/session.h"
#include "install/seal.h"
#include "store/history.h"
#include "store/layout.h"

#define APP_HEARD_MAX 128

struct app_heard {
	enum event_kind kind;
	enum fault fault;
	enum phase from, to;
	char text[ERROR_TEXT_MAX];
};

static struct app_heard app_heard[APP_HEARD_MAX];
static size_t app_n_heard;
static struct probe_options app_probe;
static struct probe_options app_check;
static struct deploy_options app_options;

static void app_hear(void *data, const struct event *event)
{
	struct app_heard *heard = &app_heard[app_n_heard];

	assert_true(app_n_heard < APP_HEARD_MAX);
	*heard = (struct app_heard){ .kind = event->kind,
				     .fault = event->fault,
				     .from = event->from,
				     .to = event->state->phase };
	(void)text_copy(event->text ? event->text : "", heard->text, sizeof(heard->text));
	app_n_heard++;
}

static const struct event_listener app_listener = { .handle = app_hear };

/* How often was such an event told, with that word in its text? */
UNUSED static size_t app_told(enum event_kind kind, const char *word)
{
	size_t n = 0;

	for (size_t i = 0; i < app_n_heard; i++)
		n += app_heard[i].kind == kind && strstr(app_heard[i].text, word);
	return n;
}

/* cmocka setup. */
UNUSED static int app_setup(void **state)
{
	int r = check_setup(state);

	app_n_heard = 0;
	probe_options_init(&app_probe);
	app_probe.name = (char *)"unit";
	probe_options_init(&app_check);
	app_options = (struct deploy_options){
		.app = "gw",
		.unit = "gw.service",
		.root = check_path,
		.conf_file = "/etc/flipslot/gw.conf",
		.helper = "/nonexistent",
		.start_deadline_usec = 30 * USEC_PER_SEC,
		.watch_usec = 60 * USEC_PER_SEC,
		.boot_tries = 3,
		.max_rollbacks = 2,
		.check = &app_check,
		.probes = &app_probe,
		.n_probes = 1,
		.stage = { .archive = { .max_bytes = 1 << 20,
					.max_files = 100,
					.max_depth = 8,
					.max_ratio = 200 },
			   .max_archive_bytes = 1 << 20 },
	};
	return r < 0 ? r : layout_create(check_dirfd(state), NULL);
}

#define app_test(test) cmocka_unit_test_setup_teardown(test, app_setup, check_teardown_closed)

UNUSED static struct digest app_digest(const char *text)
{
	struct digest digest;

	assert_int_equal(digest_of(text, strlen(text), &digest, NULL), 0);
	return digest;
}

/* Fills the slot with a release (a program `run` that says its version) and seals it. */
UNUSED static struct state_release app_seal_as(enum slot slot, struct descriptor descriptor)
{
	struct index_entry file = { .type = INDEX_FILE, .mode = 0755, .path = (char *)"run" };
	_cleanup_(index_freep) struct index *index = NULL;
	struct state_release release = {};
	_cleanup_close_ int fd = -1;
	const struct timespec epoch[2] = {};
	char script[160];

	(void)snprintf(script, sizeof(script), "#!/bin/sh\necho %s\n", descriptor.version);
	assert_int_equal(layout_open_slot(check_fd, slot, &fd, NULL), 0);
	check_write(fd, "run", script, strlen(script));
	assert_int_equal(fchmodat(fd, "run", 0755, 0), 0);
	assert_int_equal(utimensat(fd, "run", epoch, 0), 0);
	file.size = strlen(script);
	file.digest = app_digest(script);
	assert_int_equal(index_new(&index, NULL), 0);
	assert_int_equal(index_add(index, &file, NULL, NULL), 0);
	assert_int_equal(seal_write(check_fd, slot, &descriptor, index, NULL), 0);
	release.digest = descriptor.index;
	(void)text_copy(descriptor.version, release.version, sizeof(release.version));
	return release;
}

UNUSED static struct state_release app_seal(enum slot slot, const char *version)
{
	struct descriptor descriptor = { .app = "gw", .origin = ORIGIN_SIDELOAD };

	(void)text_copy(version, descriptor.version, sizeof(descriptor.version));
	return app_seal_as(slot, descriptor);
}

UNUSED static void app_point(enum slot slot)
{
	assert_int_equal(layout_point_current(check_fd, slot, NULL), 0);
}

UNUSED static enum slot app_current(void)
{
	enum slot slot;

	assert_true(layout_current(check_fd, &slot, NULL) >= 0);
	return slot;
}

UNUSED static void app_store(const struct state *state)
{
	assert_int_equal(state_store(check_fd, state, NULL), 0);
}

UNUSED static struct state app_load(void)
{
	struct state state;

	assert_int_equal(state_load(check_fd, &state, NULL), 0);
	return state;
}

/* How many transactions the history has; *ret_newest is the last one. */
UNUSED static size_t app_history(struct history_entry *ret_newest)
{
	_cleanup_free_ struct history_entry *entries = NULL;
	size_t n;

	assert_int_equal(history_load(check_fd, HISTORY_ENTRIES, &entries, &n, NULL), 0);
	if (n > 0)
		*ret_newest = entries[0];
	return n;
}

/*
 * A transaction from slot a (1.0, known good) to slot b (2.0) in that phase of this boot; `current` names the
 * slot that it should.
 */
UNUSED static struct state app_under_way(enum phase phase)
{
	struct state state = { .phase = phase };
	struct state_transaction *transaction = &state.transaction;
	bool flipped = phase == PHASE_TRIAL || phase == PHASE_WATCHING || phase == PHASE_REVERTING;

	state.good = app_seal(SLOT_A, "1.0");
	transaction->release = app_seal(SLOT_B, "2.0");
	transaction->verb = VERB_INSTALL;
	transaction->target = SLOT_B;
	transaction->origin = SLOT_A;
	transaction->began = clock_realtime_usec();
	transaction->phase_began_monotonic = clock_monotonic_usec();
	transaction->boot_tries_left = 2;
	(void)text_copy("id-1", transaction->id, sizeof(transaction->id));
	(void)text_copy("1.0", transaction->from_version, sizeof(transaction->from_version));
	(void)text_copy("tester", transaction->who, sizeof(transaction->who));
	assert_int_equal(clock_boot_id(transaction->boot_id, NULL), 0);
	app_point(flipped ? SLOT_B : SLOT_A);
	return state;
}

/* A session over that state. */
UNUSED static void app_open(struct session *session, const struct state *state)
{
	app_store(state);
	assert_int_equal(session_open(session, &app_options, &app_listener, -1, NULL), 0);
	session->working = session->state.phase;
}

/* The step of a phase, done; what is on disk then. The session is closed. */
UNUSED static struct state app_step(struct session *session,
				    int (*step)(struct session *session, struct error *err))
{
	struct error err = {};

	if (step(session, &err) < 0)
		fail_msg("%s", err.text);
	session_close(session);
	return app_load();
}
