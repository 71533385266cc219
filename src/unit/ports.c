#include "unit/ports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"

#define TABLE_MAX  ((size_t)32 * 1024 * 1024) /* bytes of a table: some 200,000 lines */
#define TABLE_ROOM ((size_t)64 * 1024)
#define LINE_ROOM  512 /* a line has 150 bytes, or some 30 more for IPv6 */
#define PAGE_MIN   4096
#define FIELDS	   10 /* of a line that are looked at */

/* States of a connection, as the kernel numbers them (include/net/tcp_states.h). */
enum {
	ESTABLISHED = 1,
	FIN_WAIT1 = 4,
	FIN_WAIT2 = 5,
	TIME_WAIT = 6,
	CLOSE_WAIT = 8,
	LAST_ACK = 9,
	LISTENING = 10,
	CLOSING = 11
};

/* One socket. */
struct line {
	uint16_t port;
	unsigned long state;
	unsigned long long inode;
};

/* "SL: ADDRESS:PORT ADDRESS:PORT STATE QUEUES TIMER RETRANSMITS UID TIMEOUT INODE …", hexadecimal but for UID, TIMEOUT and INODE. */
static bool read_line(char *text, struct line *ret_line)
{
	const char *fields[FIELDS], *port;
	size_t n = 0;

	while (n < FIELDS && *(text += strspn(text, " \n"))) {
		fields[n++] = text;
		text += strcspn(text, " \n");
		if (*text)
			*text++ = '\0';
	}
	port = n == FIELDS ? strchr(fields[1], ':') : NULL;
	if (!port)
		return false;
	ret_line->port = (uint16_t)strtoul(port + 1, NULL, 16);
	ret_line->state = strtoul(fields[3], NULL, 16);
	ret_line->inode = strtoull(fields[9], NULL, 10);
	return ret_line->port > 0;
}

/* False: no more of them are wanted. */
typedef bool (*line_fn)(void *data, const struct line *line);

/*
 * The kernel goes through its whole table for each read that is not full, also for the one that finds the end. It fills a page
 * at least, as long as another line has room in it: what leaves more was the last.
 */
static bool was_last(size_t n)
{
	return n + LINE_ROOM <= PAGE_MIN;
}

/* Whole lines; the rest of `text`, at most LINE_ROOM - 1 bytes, is moved to its front. */
static bool read_lines(char *text, size_t *size, line_fn handle, void *data)
{
	char *at = text, *end;
	struct line line;
	bool goes_on = true;

	text[*size] = '\0';
	while (goes_on && (end = strchr(at, '\n')) != NULL) {
		*end = '\0';
		goes_on = !read_line(at, &line) || handle(data, &line);
		at = end + 1;
	}
	*size = strlen(at);
	memmove(text, at, *size);
	return goes_on && *size < LINE_ROOM;
}

static void read_table(pid_t pid, const char *table, line_fn handle, void *data)
{
	_cleanup_free_ char *text = malloc(LINE_ROOM + TABLE_ROOM + 1);
	_cleanup_close_ int fd = -1;
	size_t kept = 0, left = TABLE_MAX;
	char name[64];
	ssize_t n;

	(void)snprintf(name, sizeof(name), "/proc/%d/net/%s", pid, table);
	fd = text ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	while (fd >= 0 && left >= TABLE_ROOM && (n = read(fd, text + kept, TABLE_ROOM)) > 0) {
		left -= (size_t)n;
		kept += (size_t)n;
		if (!read_lines(text, &kept, handle, data) || was_last((size_t)n))
			return;
	}
}

static void read_tables(pid_t pid, line_fn handle, void *data)
{
	read_table(pid, "tcp", handle, data);
	read_table(pid, "tcp6", handle, data);
}

/* ---- who listens ---- */

/* "socket:[4711]"; 0: something else */
static unsigned long long read_socket(int dirfd, const char *name)
{
	static const char head[] = "socket:[";
	char target[64];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);

	if (n <= 0)
		return 0;
	target[n] = '\0';
	return strncmp(target, head, strlen(head)) == 0 ?
		       strtoull(target + strlen(head), NULL, 10) :
		       0;
}

void ports_each_socket(pid_t pid, void (*take)(void *data, unsigned long long inode), void *data)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	char name[64];

	(void)snprintf(name, sizeof(name), "/proc/%d/fd", pid);
	dir = opendir(name);
	while (dir && (entry = readdir(dir)) != NULL) {
		unsigned long long inode = read_socket(dirfd(dir), entry->d_name);

		if (inode != 0)
			take(data, inode);
	}
}

bool ports_has(const struct ports *ports, uint16_t port)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->list[i] == port)
			return true;
	return false;
}

/* Those that listen stand before all others (proc_net_tcp.txt). */
static bool take_if_listening(void *data, const struct line *line)
{
	struct ports_listeners *listeners = data;

	if (line->state != LISTENING || listeners->n == PORTS_LISTENERS_MAX)
		return false;
	listeners->list[listeners->n++] =
		(struct ports_listener){ .inode = line->inode, .port = line->port };
	return true;
}

void ports_listeners(pid_t pid, struct ports_listeners *ret_listeners)
{
	ret_listeners->n = 0;
	read_tables(pid, take_if_listening, ret_listeners);
}

/* ---- are they free ---- */

struct look {
	const struct ports *ports;
	enum ports_state state;
	uint16_t port;
};

static enum ports_state state_of(const struct line *line)
{
	switch (line->state) {
	case LISTENING:
	case ESTABLISHED:
		return PORTS_HELD;
	case FIN_WAIT1:
	case FIN_WAIT2:
	case TIME_WAIT:
	case CLOSE_WAIT:
	case LAST_ACK:
	case CLOSING:
		return PORTS_CLOSING;
	default:
		return PORTS_FREE;
	}
}

static bool take_if_busy(void *data, const struct line *line)
{
	struct look *look = data;
	enum ports_state state = state_of(line);

	for (size_t i = 0; state > look->state && i < look->ports->n; i++)
		if (look->ports->list[i] == line->port) {
			look->state = state;
			look->port = line->port;
		}
	return look->state < PORTS_HELD;
}

enum ports_state ports_look(const struct ports *ports, pid_t pid, uint16_t *ret_port)
{
	struct look look = { .ports = ports };

	if (ports->n > 0)
		read_tables(pid, take_if_busy, &look);
	*ret_port = look.port;
	return look.state;
}
