/*
 * Helpers that a test runs instead of the real one: the test's own program under another name, which
 * tells what it does:
 *
 *     honest           the real one
 *     mute             reads its orders and says nothing
 *     deaf             is ready, and then neither reads nor says anything
 *     dead             ends with status 7 at once
 *     quitter          ends with status 7 at the first GET
 *     noise            random bytes without end
 *     trickle          is ready, and then gives the body byte by byte, without end
 *     replay           is ready, waits for a GET, and then says what the file `script` beside it has
 *     unready          says what the file has before anything else
 *
 * Any other name, and any other way to ask for a helper, is refused: to run the tests instead would start helpers that start
 * helpers, without end.
 */
#pragma once

#include <libgen.h>

#include "kit.h"
#include "transfer/fetch-helper.h"
#include "transfer/wire.h"

UNUSED static const char *kit_helper(const char *name)
{
	char program[512];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	assert_true(n > 0);
	program[n] = '\0';
	(void)unlink(kit_file(name));
	assert_int_equal(symlink(program, kit_file(name)), 0);
	return kit_file(name);
}

/* ---- a script ---- */

static char kit_bytes[4 << 20];
static size_t kit_size;

UNUSED static void kit_script(enum wire_type type, uint32_t id, const void *payload, size_t size,
			      const void *more, size_t more_size)
{
	const struct wire_header header = { type, id, (uint32_t)(size + more_size) };

	memcpy(kit_bytes + kit_size, &header, sizeof(header));
	kit_size += sizeof(header);
	if (size > 0)
		memmove(kit_bytes + kit_size, payload, size);
	kit_size += size;
	if (more_size > 0)
		memcpy(kit_bytes + kit_size, more, more_size);
	kit_size += more_size;
}

UNUSED static void kit_script_head(uint32_t id, uint64_t length)
{
	const struct wire_head head = { length };

	kit_script(WIRE_HEAD, id, &head, sizeof(head), NULL, 0);
}

UNUSED static void kit_script_data(uint32_t id, size_t size)
{
	static char bytes[WIRE_ANSWER_MAX];

	kit_script(WIRE_DATA, id, bytes, size, NULL, 0);
}

UNUSED static void kit_script_end(uint32_t id, uint32_t class, const char *text)
{
	const struct wire_end end = { .class = class, .http_status = 200 };

	kit_script(WIRE_END, id, &end, sizeof(end), text, strlen(text));
}

UNUSED static void kit_script_write(void)
{
	kit_write("script", kit_bytes, kit_size, 0644);
	kit_size = 0;
}

/* ---- what they do ---- */

static void kit_act_until_get(void)
{
	char orders[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, orders, sizeof(orders))) > 0)
		if (memmem(orders, (size_t)n, "http://", 7))
			return;
	_exit(0);
}

static void kit_act_say_script(const char *self)
{
	char path[512], bytes[65536];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%.*s/script", (int)(strrchr(self, '/') - self), self);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		(void)!write(STDOUT_FILENO, bytes, (size_t)n);
	(void)close(fd);
}

static void kit_act_sleep(void)
{
	for (;;)
		(void)pause();
}

static void kit_act_noise(void)
{
	uint8_t bytes[4096];

	kit_state = (uint64_t)getpid();
	for (;;) {
		kit_fill(bytes, sizeof(bytes));
		if (write(STDOUT_FILENO, bytes, sizeof(bytes)) < 0)
			return;
	}
}

static void kit_act_trickle(void)
{
	const struct wire_head head = { WIRE_UNKNOWN };

	(void)wire_write(STDOUT_FILENO, WIRE_HEAD, 1, &head, sizeof(head), NULL, 0);
	while (wire_write(STDOUT_FILENO, WIRE_DATA, 1, "x", 1, NULL, 0) == 0)
		(void)usleep(50000);
}

static bool kit_knows(const char *name)
{
	static const char *const names[] = { "honest", "exe",	  "mute",   "deaf",    "dead",
					     "noise",  "quitter", "replay", "unready", "trickle" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* What a helper does that begins with READY. */
static int kit_act_ready(const char *name, const char *self)
{
	(void)wire_write(STDOUT_FILENO, WIRE_READY, 0, "x", 1, NULL, 0);
	if (strcmp(name, "deaf") == 0)
		kit_act_sleep();
	kit_act_until_get();
	if (strcmp(name, "trickle") == 0)
		kit_act_trickle();
	if (strcmp(name, "replay") == 0) {
		kit_act_say_script(self);
		kit_act_sleep();
	}
	return 7;
}

static int kit_act(const char *name, const char *self)
{
	if (strcmp(name, "dead") == 0)
		return 7;
	if (strcmp(name, "noise") == 0) {
		kit_act_noise();
		return 7;
	}
	if (strcmp(name, "unready") == 0) {
		kit_act_say_script(self);
		kit_act_sleep();
	}
	if (strcmp(name, "mute") == 0)
		for (;;)
			kit_act_until_get();
	if (strcmp(name, "deaf") == 0 || strcmp(name, "replay") == 0 ||
	    strcmp(name, "quitter") == 0 || strcmp(name, "trickle") == 0)
		return kit_act_ready(name, self);
	return fetch_helper_main();
}

/*
 * For the beginning of main: true if it was not run for its tests, with its exit status: a helper's, or KIT_REFUSED. A program of
 * tests has a name that begins with "test-", and no arguments.
 */
UNUSED static bool kit_is_helper(int argc, char **argv, int *ret_status)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";

	if (argc == 1 && strncmp(name, "test-", 5) == 0)
		return false;
	*ret_status = KIT_REFUSED;
	if (argc != 2 || strcmp(argv[1], "fetch-helper") != 0 || !slash || !kit_knows(name)) {
		(void)fprintf(stderr, "%s: no tests and no helper that the kit knows\n", name);
		return true;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	*ret_status = kit_act(name, argv[0]);
	return true;
}
