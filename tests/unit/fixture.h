/*
 * What the tests of unit share: a directory of the test's own, and the systemd of the sandbox. What
 * needs systemd is skipped outside of it (tests/system/test-unit runs these programs inside), so that no
 * test ever touches the systemd of the machine that builds.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "unit/unit.h"

#define UNUSED	   __attribute__((unused))
#define IN_SANDBOX "FLIPSLOT_SANDBOX"

/* Holds: no error. */
#define check_ok(r, err)                                     \
	do {                                                 \
		int _r = (r);                                \
		if (_r < 0)                                  \
			fail_msg("%d: %s", _r, (err)->text); \
	} while (0)

/* Holds: it failed, with this fault, and the text says that word. */
#define check_error(r, err, wanted_fault, word)                                          \
	do {                                                                             \
		assert_true((r) < 0);                                                    \
		assert_string_equal(fault_name((err)->fault), fault_name(wanted_fault)); \
		if (!strstr((err)->text, (word)))                                        \
			fail_msg("\"%s\" does not say \"%s\"", (err)->text, (word));     \
	} while (0)

#define check_says(text, word)                                                  \
	do {                                                                    \
		if (!strstr((text), (word)))                                    \
			fail_msg("\"%s\" does not say \"%s\"", (text), (word)); \
	} while (0)

/* For options, whose texts are not const. They are not written to. */
UNUSED static char *fixture_text(const char *text)
{
	char *same;

	memcpy(&same, &text, sizeof(same));
	return same;
}

/* The exit status of a shell's command. */
UNUSED static int fixture_shell(const char *command)
{
	char *const argv[] = { fixture_text("sh"), fixture_text("-c"), fixture_text(command),
			       NULL };
	int status = -1;
	pid_t pid;

	assert_int_equal(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- files ---- */

static char fixture_dir[64];

UNUSED static int fixture_remove(const char *path, const struct stat *st UNUSED, int type UNUSED,
				 struct FTW *ftw UNUSED)
{
	return remove(path);
}

/* cmocka setup and teardown. */
UNUSED static int fixture_set_up(void **state UNUSED)
{
	(void)snprintf(fixture_dir, sizeof(fixture_dir), "/tmp/flipslot-unit-XXXXXX");
	return mkdtemp(fixture_dir) && chmod(fixture_dir, 0755) == 0 ? 0 : -1;
}

UNUSED static int fixture_tear_down(void **state UNUSED)
{
	return nftw(fixture_dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* "DIR/name", valid until the sixteenth call after this. */
UNUSED static const char *fixture_path(const char *name)
{
	static char paths[16][4096];
	static unsigned int next;
	char *path = paths[next++ % 16];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", fixture_dir, name);
	return path;
}

/* Makes the folders on the way. */
UNUSED static void fixture_write_at(const char *path, const void *data, size_t size, mode_t mode)
{
	char folder[4096];
	int fd;

	for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(at - path), path);
		(void)mkdir(folder, 0755);
	}
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

UNUSED static void fixture_write(const char *name, const char *text, mode_t mode)
{
	fixture_write_at(fixture_path(name), text, strlen(text), mode);
}

UNUSED static void fixture_sleep_ms(unsigned int ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&time, NULL);
}

/* ---- systemd ---- */

UNUSED static bool fixture_in_sandbox(void)
{
	return getenv(IN_SANDBOX) != NULL;
}

/* The manager of the sandbox (not as root: of the user), or the end of the test. */
UNUSED static struct manager *fixture_manager(void)
{
	struct manager *manager = NULL;
	struct error err = {};

	if (!fixture_in_sandbox()) {
		print_message("skipped: needs the systemd of the test sandbox\n");
		skip();
	}
	check_ok(geteuid() == 0 ? manager_open(&manager, &err) : manager_open_user(&manager, &err),
		 &err);
	return manager;
}

/* A unit file, loaded. */
UNUSED static void fixture_unit(struct manager *manager, const char *name, const char *text)
{
	struct error err = {};
	char path[512];

	(void)snprintf(path, sizeof(path), "/run/systemd/system/%s", name);
	fixture_write_at(path, text, strlen(text), 0644);
	check_ok(manager_reload(manager, &err), &err);
}

/*
 * A child that has done that (NULL: nothing) when this returns, and then waits for its end; it dies with the test. 0: it could not, and
 * is gone.
 */
UNUSED static pid_t fixture_child(bool (*prepare)(const void *data), const void *data)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if ((prepare && !prepare(data)) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	(void)close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		pid = 0;
	}
	(void)close(ready[0]);
	return pid;
}

/* Waits until the unit is in a state, at most a minute and more. */
UNUSED static void fixture_wait_for(struct manager *manager, const char *name, const char *active,
				    const char *sub)
{
	char seen[80] = "";

	for (int i = 0; i < 6000; i++) {
		_cleanup_unit_ struct unit unit = {};
		struct error err = {};

		check_ok(unit_query(manager, name, &unit, &err), &err);
		if (strcmp(unit.active_state, active) == 0 &&
		    (!sub || strcmp(unit.sub_state, sub) == 0))
			return;
		(void)snprintf(seen, sizeof(seen), "%s/%s", unit.active_state, unit.sub_state);
		fixture_sleep_ms(10);
	}
	fail_msg("%s is %s, not %s/%s", name, seen, active, sub ? sub : "*");
}

/* Is systemctl there to ask from outside? Runs it, for what only a person would do. */
UNUSED static void fixture_systemctl(const char *arguments)
{
	char command[512];

	(void)snprintf(command, sizeof(command), "systemctl %s >/dev/null 2>&1", arguments);
	(void)fixture_shell(command);
}
