/*
 * fault-app: the service that the system tests update. An HTTP server that answers with its version,
 * and misbehaves as the file `behaviour` of its release says.
 *
 *	fault-app [DIR]			serve; DIR holds `behaviour`; but the one beside the executable,
 *					if there is one, comes first: it may stand for a program with
 *					arguments of its own (flipslot drill --fault)
 *	fault-app --check [DIR]		a release's `check` command: exits with check=
 *
 * `behaviour` has lines key=value; README.md says what each does. One process, one poll loop; what
 * has its time (readiness, death, leak, watchdog) is done between two polls, at most TICK_MS apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 50, CLIENT_MS = 5000, CLIENTS = 256, LISTENERS = 2, TEXT_MAX = 256 };
enum { ENDED = 1 }; /* outcome: the process is to exit with server.status */

struct behaviour {
	char version[TEXT_MAX], socket[TEXT_MAX], log[TEXT_MAX], notify[TEXT_MAX], crash[TEXT_MAX];
	char touch[TEXT_MAX], migrate[TEXT_MAX], mark[TEXT_MAX], die_when_file[TEXT_MAX];
	long port, epoch, check, die_after, slow_start, slow_stop, leak, complain;
	bool watchdog, extend, reuse, no_start, exit0, fork_exit0, hang, http_500, port_held;
	bool ignore_term, children_ignore_term;
};

static const struct key {
	const char *name;
	enum kind { TEXT, NUMBER, FLAG } kind;
	size_t offset;
} keys[] = {
	{ "version", TEXT, offsetof(struct behaviour, version) },
	{ "socket", TEXT, offsetof(struct behaviour, socket) },
	{ "log", TEXT, offsetof(struct behaviour, log) },
	{ "notify", TEXT, offsetof(struct behaviour, notify) },
	{ "crash", TEXT, offsetof(struct behaviour, crash) },
	{ "touch", TEXT, offsetof(struct behaviour, touch) },
	{ "migrate", TEXT, offsetof(struct behaviour, migrate) },
	{ "mark", TEXT, offsetof(struct behaviour, mark) },
	{ "die-when-file", TEXT, offsetof(struct behaviour, die_when_file) },
	{ "port", NUMBER, offsetof(struct behaviour, port) },
	{ "epoch", NUMBER, offsetof(struct behaviour, epoch) },
	{ "check", NUMBER, offsetof(struct behaviour, check) },
	{ "die-after", NUMBER, offsetof(struct behaviour, die_after) },
	{ "slow-start", NUMBER, offsetof(struct behaviour, slow_start) },
	{ "slow-stop", NUMBER, offsetof(struct behaviour, slow_stop) },
	{ "leak", NUMBER, offsetof(struct behaviour, leak) },
	{ "complain", NUMBER, offsetof(struct behaviour, complain) },
	{ "watchdog", FLAG, offsetof(struct behaviour, watchdog) },
	{ "extend", FLAG, offsetof(struct behaviour, extend) },
	{ "reuse", FLAG, offsetof(struct behaviour, reuse) },
	{ "no-start", FLAG, offsetof(struct behaviour, no_start) },
	{ "exit0", FLAG, offsetof(struct behaviour, exit0) },
	{ "fork-exit0", FLAG, offsetof(struct behaviour, fork_exit0) },
	{ "hang", FLAG, offsetof(struct behaviour, hang) },
	{ "http-500", FLAG, offsetof(struct behaviour, http_500) },
	{ "port-held", FLAG, offsetof(struct behaviour, port_held) },
	{ "ignore-term", FLAG, offsetof(struct behaviour, ignore_term) },
	{ "children-ignore-term", FLAG, offsetof(struct behaviour, children_ignore_term) },
};

struct client {
	int fd;
	size_t got;
	int64_t since;
	char request[2048];
};

struct leaked {
	struct leaked *next;
	char bytes[];
};

struct server {
	struct behaviour how;
	int signals, listeners[LISTENERS];
	struct client clients[CLIENTS]; /* the first n_clients of them */
	size_t n_clients;
	struct leaked *leaked;
	int64_t started, ready, stopping; /* 0: not yet; ms as of now_ms() */
	int64_t watchdog_period, watchdog_next, complained;
	int status;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int failed(int error, const char *what)
{
	fprintf(stderr, "fault-app: %s: %s\n", what, strerror(error));
	return -error;
}

/* ---- behaviour ---- */

static int parse_number(const char *text, long *ret)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < 0)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int set_key(struct behaviour *how, const char *name, const char *value)
{
	size_t i = 0;
	void *field;

	while (i < sizeof(keys) / sizeof(keys[0]) && strcmp(keys[i].name, name) != 0)
		i++;
	if (i == sizeof(keys) / sizeof(keys[0]))
		return failed(EINVAL, name);
	field = (char *)how + keys[i].offset;
	if (keys[i].kind == NUMBER)
		return parse_number(value, field) < 0 ? failed(EINVAL, name) : 0;
	if (keys[i].kind == FLAG)
		*(bool *)field = strcmp(value, "no") != 0 && strcmp(value, "0") != 0;
	else if (snprintf(field, TEXT_MAX, "%s", value) >= TEXT_MAX)
		return failed(ENAMETOOLONG, name);
	return 0;
}

/* "key=value"; mode=hang is short for hang=yes, mode=die-after=9 the same as die-after=9. */
static int parse_line(struct behaviour *how, char *line)
{
	char *value = strchr(line, '=');

	line[strcspn(line, "\n")] = '\0';
	if (!*line || *line == '#' || strcmp(line, "mode=ok") == 0)
		return 0;
	if (!value)
		return failed(EINVAL, line);
	if (strncmp(line, "mode=", 5) != 0) {
		*value++ = '\0';
		return set_key(how, line, value);
	}
	line += 5;
	value = strchr(line, '=');
	if (!value)
		return set_key(how, line, "yes");
	*value++ = '\0';
	return set_key(how, line, value);
}

static int read_behaviour(const char *dir, struct behaviour *ret)
{
	struct behaviour how = { .version = "0",
				 .notify = "yes",
				 .port = 8080,
				 .epoch = 1,
				 .die_after = -1,
				 .watchdog = true,
				 .reuse = true };
	char path[PATH_MAX], line[2 * TEXT_MAX];
	FILE *file;
	int r = 0;

	if (snprintf(path, sizeof(path), "%s/behaviour", dir) >= (int)sizeof(path))
		return failed(ENAMETOOLONG, dir);
	file = fopen(path, "re");
	if (!file)
		return failed(errno, path);
	while (r == 0 && fgets(line, sizeof(line), file))
		r = parse_line(&how, line);
	(void)fclose(file);
	if (r == 0)
		*ret = how;
	return r;
}

/* ---- listening ---- */

static int listen_at(const struct sockaddr *address, socklen_t size, bool reuse, int *ret)
{
	int fd, on = reuse;

	fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return failed(errno, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, address, size) < 0 || listen(fd, SOMAXCONN) < 0) {
		int error = errno;

		(void)close(fd);
		return failed(error, "listening");
	}
	*ret = fd;
	return 0;
}

static int listen_tcp(struct server *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)s->how.port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr *generic = (const struct sockaddr *)&address;
	int held, r;

	if (s->how.port == 0)
		return 0;
	if (s->how.port_held) {
		r = listen_at(generic, sizeof(address), true, &held);
		if (r < 0)
			return r;
	}
	return listen_at(generic, sizeof(address), s->how.reuse, &s->listeners[0]);
}

static int listen_unix(struct server *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = s->how.socket;

	if (!*path)
		return 0;
	if (strlen(path) >= sizeof(address.sun_path))
		return failed(ENAMETOOLONG, path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (unlink(path) < 0 && errno != ENOENT)
		return failed(errno, path);
	return listen_at((struct sockaddr *)&address, sizeof(address), true, &s->listeners[1]);
}

/* ---- answering ---- */

static void answer(const struct server *s, const struct client *c)
{
	const char *status = s->how.http_500 ? "500 Internal Server Error" : "200 OK";
	char text[2 * TEXT_MAX];
	int size;

	if (strncmp(c->request, "GET / ", 6) != 0)
		status = "404 Not Found";
	size = snprintf(text, sizeof(text),
			"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
			"Connection: close\r\n\r\n%s\n",
			status, strlen(s->how.version) + 1, s->how.version);
	(void)send(c->fd, text, (size_t)size, MSG_NOSIGNAL);
}

static void drop_client(struct server *s, size_t i)
{
	(void)close(s->clients[i].fd);
	s->clients[i] = s->clients[--s->n_clients];
}

static void read_client(struct server *s, size_t i)
{
	struct client *c = &s->clients[i];
	ssize_t n = read(c->fd, c->request + c->got, sizeof(c->request) - 1 - c->got);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		c->got += (size_t)n;
		c->request[c->got] = '\0';
		if (!strstr(c->request, "\r\n\r\n") && c->got < sizeof(c->request) - 1)
			return;
		answer(s, c);
	}
	drop_client(s, i);
}

static void accept_client(struct server *s, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c = &s->clients[s->n_clients];

	if (fd < 0)
		return;
	s->n_clients++;
	c->fd = fd;
	c->got = 0;
	c->since = now_ms();
}

/* ---- what has its time ---- */

static int touch_file(const char *path)
{
	int fd;

	if (!*path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return failed(errno, path);
	(void)futimens(fd, NULL);
	(void)close(fd);
	return 0;
}

/* As a service does that minds its data: a power cut leaves the old file or the new one. */
static int write_epoch(const struct behaviour *how)
{
	char temporary[TEXT_MAX + 8];
	FILE *file;

	(void)snprintf(temporary, sizeof(temporary), "%s.new", how->migrate);
	file = fopen(temporary, "we");
	if (!file || fprintf(file, "%ld\n", how->epoch) < 0 || fflush(file) != 0 ||
	    fsync(fileno(file)) < 0 || fclose(file) != 0 || rename(temporary, how->migrate) < 0)
		return failed(errno, how->migrate);
	return 0;
}

/* The data's epoch stands in a file: raised by a newer release, after which older ones refuse. */
static int migrate(const struct behaviour *how)
{
	char text[32] = "0";
	long found = 0;
	FILE *file;

	if (!*how->migrate)
		return 0;
	file = fopen(how->migrate, "re");
	if (file) {
		if (fgets(text, sizeof(text), file))
			text[strcspn(text, "\n")] = '\0';
		(void)fclose(file);
	}
	if (parse_number(text, &found) < 0 || found > how->epoch)
		return failed(EPROTO, "the data is of a newer epoch");
	return file && found == how->epoch ? 0 : write_epoch(how);
}

/* A file of its own, under one name and then another, and no file that is there. Once: systemd may start it again. */
static int make_mark(const struct behaviour *how)
{
	static const char text[] = "made by `flipslot drill`, which takes it away again\n";
	char temporary[TEXT_MAX + 8];
	int fd;

	if (!*how->mark || access(how->mark, F_OK) == 0)
		return 0;
	(void)snprintf(temporary, sizeof(temporary), "%s.new", how->mark);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0 ||
	    renameat2(AT_FDCWD, temporary, AT_FDCWD, how->mark, RENAME_NOREPLACE) < 0)
		return failed(errno, how->mark);
	return 0;
}

static int become_ready(struct server *s)
{
	int r;

	r = listen_tcp(s);
	if (r == 0)
		r = listen_unix(s);
	if (r == 0)
		r = touch_file(s->how.touch);
	if (r < 0)
		return r;
	s->ready = now_ms();
	if (strcmp(s->how.notify, "yes") == 0)
		(void)sd_notifyf(0, "READY=1\nSTATUS=version %s", s->how.version);
	return 0;
}

static int start_later(const struct server *s)
{
	if (s->how.extend)
		(void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=2000000\nSTATUS=starting, %ld ms to go",
				 (long)(s->started + s->how.slow_start - now_ms()));
	return 0;
}

static bool is_to_die(const struct server *s)
{
	if (*s->how.die_when_file && access(s->how.die_when_file, F_OK) == 0)
		return true;
	if (s->how.die_after >= 0)
		return now_ms() >= s->ready + s->how.die_after;
	return *s->how.crash && !*s->how.die_when_file;
}

static int die(struct server *s)
{
	const char *abbreviation = s->how.crash;
	sigset_t all;

	s->status = EXIT_FAILURE;
	if (strncmp(abbreviation, "SIG", 3) == 0)
		abbreviation += 3;
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	for (int i = 1; *abbreviation && i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcmp(name, abbreviation) == 0)
			(void)raise(i);
	}
	return ENDED;
}

static void leak(struct server *s)
{
	size_t size = (size_t)s->how.leak * 1024 * TICK_MS / 1000;
	struct leaked *l = size ? malloc(sizeof(*l) + size) : NULL;

	if (!l)
		return;
	memset(l->bytes, 1, size);
	l->next = s->leaked;
	s->leaked = l;
}

/* An error in the journal, so many times a second. */
static void complain(struct server *s, int64_t now)
{
	if (!s->how.complain || now < s->complained + 1000)
		return;
	s->complained = now;
	for (long i = 0; i < s->how.complain; i++)
		(void)printf("<3>no disk to write to\n");
	(void)fflush(stdout);
}

static void feed_watchdog(struct server *s, int64_t now)
{
	if (!s->how.watchdog || !s->watchdog_period || now < s->watchdog_next)
		return;
	s->watchdog_next = now + s->watchdog_period / 3;
	(void)sd_notify(0, "WATCHDOG=1");
}

/* 0, ENDED, or < 0. */
static int tick(struct server *s)
{
	int64_t now = now_ms();

	if (s->stopping)
		return now >= s->stopping + s->how.slow_stop ? ENDED : 0;
	if (!s->ready)
		return now >= s->started + s->how.slow_start ? become_ready(s) : start_later(s);
	feed_watchdog(s, now);
	leak(s);
	complain(s, now);
	for (size_t i = s->n_clients; i-- > 0;)
		if (now > s->clients[i].since + CLIENT_MS)
			drop_client(s, i);
	return is_to_die(s) ? die(s) : 0;
}

/* ---- the loop ---- */

static void take_signal(struct server *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info) || s->how.ignore_term)
		return;
	(void)sd_notify(0, "STOPPING=1");
	s->stopping = now_ms();
}

/* Waits for what comes, a tick at most, and answers it. */
static int answer_some(struct server *s)
{
	struct pollfd fds[1 + LISTENERS + CLIENTS] = { { .fd = s->signals, .events = POLLIN } };
	bool deaf = s->how.hang || s->n_clients == CLIENTS;

	for (size_t i = 0; i < LISTENERS; i++)
		fds[1 + i] = (struct pollfd){ .fd = deaf ? -1 : s->listeners[i], .events = POLLIN };
	for (size_t i = 0; i < s->n_clients; i++)
		fds[1 + LISTENERS + i] = (struct pollfd){ s->clients[i].fd, POLLIN, 0 };
	if (poll(fds, 1 + LISTENERS + s->n_clients, TICK_MS) < 0)
		return errno == EINTR ? 0 : failed(errno, "poll");
	/* Downwards: to drop a client moves the last one, which has had its turn, to its place. */
	for (size_t i = s->n_clients; i-- > 0;)
		if (fds[1 + LISTENERS + i].revents)
			read_client(s, i);
	for (size_t i = 0; i < LISTENERS; i++)
		if (fds[1 + i].revents && s->n_clients < CLIENTS)
			accept_client(s, s->listeners[i]);
	if (fds[0].revents)
		take_signal(s);
	return 0;
}

static int serve(struct server *s)
{
	int r = 0;

	s->started = now_ms();
	while (r == 0) {
		r = tick(s);
		if (r == 0)
			r = answer_some(s);
	}
	if (*s->how.socket)
		(void)unlink(s->how.socket);
	return r;
}

static int prepare(struct server *s)
{
	uint64_t period;
	sigset_t terms;

	sigemptyset(&terms);
	sigaddset(&terms, SIGTERM);
	sigaddset(&terms, SIGINT);
	sigprocmask(SIG_BLOCK, &terms, NULL);
	s->signals = signalfd(-1, &terms, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return failed(errno, "signalfd");
	if (sd_watchdog_enabled(0, &period) > 0)
		s->watchdog_period = (int64_t)(period / 1000);
	return make_mark(&s->how) < 0 ? -1 : migrate(&s->how);
}

/* A child that keeps the signals blocked which prepare() blocked. */
static void fork_deaf_child(void)
{
	if (fork() != 0)
		return;
	for (;;)
		pause();
}

static int run(struct server *s)
{
	int r;

	if (*s->how.log) {
		printf("%s\n", s->how.log);
		(void)fflush(stdout);
	}
	if (s->how.no_start || s->how.exit0) {
		s->status = s->how.no_start ? EXIT_FAILURE : EXIT_SUCCESS;
		return ENDED;
	}
	if (s->how.fork_exit0 && fork() != 0)
		return ENDED;
	r = prepare(s);
	if (r < 0)
		return r;
	if (s->how.children_ignore_term)
		fork_deaf_child();
	return serve(s);
}

/* The folder of this executable, with `current` resolved to the slot. */
static const char *own_dir(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);

	if (n < 0)
		return ".";
	buf[n] = '\0';
	return dirname(buf);
}

static bool has_behaviour(const char *dir)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/behaviour", dir) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

int main(int argc, char **argv)
{
	static struct server server = { .listeners = { -1, -1 } };
	bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
	char exe[PATH_MAX];
	const char *dir = own_dir(exe, sizeof(exe));

	if (argc > 1 + check && !has_behaviour(dir))
		dir = argv[1 + check];
	if (read_behaviour(dir, &server.how) < 0)
		return EXIT_FAILURE;
	if (check)
		return (int)server.how.check;
	return run(&server) < 0 ? EXIT_FAILURE : server.status;
}
