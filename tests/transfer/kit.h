/*
 * What the tests of transfer share: cmocka, random numbers that come again with CHECK_SEED=, a directory
 * of the test's own, children that do something confined, and an HTTP server that says what it is told.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

#define UNUSED __attribute__((unused))

/* How a program of tests ends that was run for something else: it must not run the tests, which start it. */
#define KIT_REFUSED 2

#ifdef __SANITIZE_ADDRESS__
/*
 * For helpers, whose environment is empty: the search for leaks needs what a confined process may not
 * do. The tests themselves have ASAN_OPTIONS, which says otherwise.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static uint64_t kit_state;

/* xorshift64*, seeded once by the clock or CHECK_SEED=, which is printed. */
UNUSED static uint64_t kit_random(void)
{
	if (kit_state == 0) {
		const char *seed = getenv("CHECK_SEED");

		kit_state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
		print_message("CHECK_SEED=%" PRIu64 "\n", kit_state);
	}
	kit_state ^= kit_state >> 12;
	kit_state ^= kit_state << 25;
	kit_state ^= kit_state >> 27;
	return kit_state * 0x2545f4914f6cdd1d;
}

UNUSED static size_t kit_below(size_t n)
{
	return (size_t)(kit_random() % n);
}

UNUSED static void kit_fill(void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = (uint8_t)kit_random();
}

/* A copy in a block of just its size, without a NUL: reading on would be seen by a sanitizer. */
UNUSED static void *kit_exact(const char *text, size_t *ret_size)
{
	size_t size = strlen(text);
	char *exact = malloc(size ? size : 1);

	for (size_t i = 0; i < size; i++)
		exact[i] = text[i];
	*ret_size = size;
	return exact;
}

/* Holds: it failed, with this fault, and the text says that word. */
#define kit_check_error(r, err, wanted_fault, word)                                      \
	do {                                                                             \
		assert_true((r) < 0);                                                    \
		assert_string_equal(fault_name((err)->fault), fault_name(wanted_fault)); \
		if (!strstr((err)->text, (word)))                                        \
			fail_msg("\"%s\" does not say \"%s\"", (err)->text, (word));     \
	} while (0)

#define kit_check_says(text, word)                                              \
	do {                                                                    \
		if (!strstr((text), (word)))                                    \
			fail_msg("\"%s\" does not say \"%s\"", (text), (word)); \
	} while (0)

/* ---- a directory ---- */

static char kit_path[64];

/* cmocka setup: kit_path is a new directory that others may look into; teardown removes it. */
UNUSED static int kit_setup(void **state)
{
	(void)snprintf(kit_path, sizeof(kit_path), "/tmp/flipslot-kit-XXXXXX");
	return mkdtemp(kit_path) && chmod(kit_path, 0755) == 0 ? 0 : -1;
}

static int kit_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

UNUSED static int kit_teardown(void **state)
{
	(void)nftw(kit_path, kit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

#define kit_in_dir(test) cmocka_unit_test_setup_teardown(test, kit_setup, kit_teardown)

/* kit_path/name, in a buffer of its own for each of the last four calls. */
UNUSED static const char *kit_file(const char *name)
{
	static char paths[4][128];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", kit_path, name);
	return path;
}

UNUSED static void kit_write(const char *name, const void *data, size_t size, mode_t mode)
{
	int fd = open(kit_file(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

/* ---- children ---- */

/* Runs it in a child, which ends with its value: 0 to 255. Signals that kill it are 256 and up. */
UNUSED static int kit_in_child(int (*function)(const char *argument), const char *argument)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(100);
		_exit(function(argument));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* ---- a server ---- */

/* One reply per request, in turn, the last one for ever. NULL data: the connection is closed. */
struct kit_reply {
	const char *head; /* sent as it is, then the body */
	const void *body;
	size_t size;
	bool close; /* after it */
	bool reset; /* and so that the other side sees an error */
	unsigned int wait_msec; /* before it */
};

struct kit_server {
	pid_t pid;
	char url[64]; /* "http://127.0.0.1:PORT" */
	int log; /* requests as they came: a pipe */
};

static void kit_send(int fd, const void *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		data = (const char *)data + n;
		size -= (size_t)n;
	}
}

/* Of the body behind a request's head. */
static size_t kit_body_size(char *head, size_t n)
{
	const char *at;

	head[n] = '\0';
	at = strcasestr(head, "\r\nContent-Length:");
	return at ? (size_t)strtoul(at + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* Reads a request, with its body if that fits; false: there is none. */
static bool kit_receive(int fd, int log)
{
	char request[4096];
	size_t n = 0, body;

	while (n < sizeof(request) - 1) {
		if (recv(fd, request + n, 1, 0) != 1)
			return false;
		n++;
		if (n < 4 || memcmp(request + n - 4, "\r\n\r\n", 4) != 0)
			continue;
		body = kit_body_size(request, n);
		if (body >= sizeof(request) - n ||
		    (body > 0 && recv(fd, request + n, body, MSG_WAITALL) != (ssize_t)body))
			return false;
		(void)!write(log, request, n + body);
		return true;
	}
	return false;
}

static void kit_answer(int fd, const struct kit_reply *reply)
{
	struct linger linger = { .l_onoff = 1 };

	(void)usleep(reply->wait_msec * 1000);
	if (reply->head)
		kit_send(fd, reply->head, strlen(reply->head));
	kit_send(fd, reply->body, reply->size);
	if (reply->reset)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* One connection after the other: a reply that keeps its connection open keeps others out. */
static void kit_serve(int listener, int log, const struct kit_reply *replies, size_t n)
{
	size_t i = 0;

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		while (fd >= 0 && kit_receive(fd, log)) {
			const struct kit_reply *reply = &replies[i];

			i += i < n - 1;
			kit_answer(fd, reply);
			if (!reply->head || reply->close || reply->reset)
				break;
		}
		(void)close(fd);
	}
}

UNUSED static void kit_server_start(struct kit_server *server, const struct kit_reply *replies,
				    size_t n)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int log[2];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(pipe2(log, O_CLOEXEC | O_NONBLOCK), 0);
	(void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u",
		       ntohs(address.sin_port));
	server->log = log[0];
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (server->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		kit_serve(listener, log[1], replies, n);
	}
	(void)close(listener);
	(void)close(log[1]);
}

UNUSED static void kit_server_stop(struct kit_server *server)
{
	(void)kill(server->pid, SIGKILL);
	(void)waitpid(server->pid, NULL, 0);
	(void)close(server->log);
}

/* What was asked since the last call: requests, one after the other. */
UNUSED static const char *kit_server_log(struct kit_server *server)
{
	static char text[65536];
	ssize_t n = read(server->log, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}
