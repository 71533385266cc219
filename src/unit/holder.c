#include "unit/holder.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "unit/cgroup.h"

static bool is_manager(pid_t pid)
{
	static const char tail[] = "/init.scope";
	char cgroup[PATH_MAX];
	size_t size;

	if (pid == 1)
		return true;
	if (cgroup_of(pid, cgroup, sizeof(cgroup), NULL) < 0)
		return false;
	size = strlen(cgroup);
	return size >= strlen(tail) && strcmp(cgroup + size - strlen(tail), tail) == 0;
}

/* Who has a listening socket open: of all processes, one after the other. */
struct search {
	const struct unit *unit;
	struct ports_listeners listeners;
	void (*found)(struct search *search, pid_t pid, uint16_t port);
	uint16_t port; /* that alone; 0: any */
	pid_t pid; /* whose sockets are looked at */
	struct occupants holders;
	struct ports own;
	bool others[UINT16_MAX + 1];
};

static void take_socket(void *data, unsigned long long inode)
{
	struct search *search = data;
	const struct ports_listeners *listeners = &search->listeners;

	for (size_t i = 0; i < listeners->n; i++)
		if (listeners->list[i].inode == inode &&
		    (search->port == 0 || search->port == listeners->list[i].port))
			search->found(search, search->pid, listeners->list[i].port);
}

static void look_at(void *data, pid_t pid)
{
	struct search *search = data;

	search->pid = pid;
	ports_each_socket(pid, take_socket, search);
}

static struct search *search_new(const struct unit *unit, uint16_t port)
{
	struct search *search = calloc(1, sizeof(*search));

	if (!search)
		return NULL;
	search->unit = unit;
	search->port = port;
	return search;
}

static int search_run(struct search *search, pid_t net, struct error *err)
{
	ports_listeners(net, &search->listeners);
	return search->listeners.n > 0 ? occupant_each(look_at, search, err) : 0;
}

/* A process may have several sockets on one port. */
static void add_holder(struct search *search, pid_t pid, uint16_t port)
{
	struct occupant holder;

	(void)port;
	for (size_t i = 0; i < search->holders.n; i++)
		if (search->holders.list[i].pid == pid)
			return;
	if (is_manager(pid))
		search->holders.managed = true;
	else if (occupant_of(search->unit, pid, &holder) == 0)
		occupant_add(&search->holders, &holder);
}

int holder_find(const struct unit *unit, uint16_t port, pid_t net, struct occupants *ret_holders,
		struct error *err)
{
	_cleanup_free_ struct search *search = search_new(unit, port);
	int r;

	if (!search)
		return error_code(err, -ENOMEM, "looking for who listens");
	search->found = add_holder;
	r = search_run(search, net, err);
	if (r == 0)
		*ret_holders = search->holders;
	return r;
}

static void add_port(struct ports *ports, uint16_t port)
{
	if (!ports_has(ports, port) && ports->n < PORTS_MAX)
		ports->list[ports->n++] = port;
}

static void sort_port(struct search *search, pid_t pid, uint16_t port)
{
	struct occupant holder;

	if (is_manager(pid))
		search->others[port] = true;
	else if (occupant_of(search->unit, pid, &holder) != 0)
		return;
	else if (holder.own)
		add_port(&search->own, port);
	else
		search->others[port] = true;
}

int holder_ports(const struct unit *unit, pid_t net, struct ports *ret_ports, struct error *err)
{
	_cleanup_free_ struct search *search = search_new(unit, 0);
	int r;

	if (!search)
		return error_code(err, -ENOMEM, "looking for who listens");
	search->found = sort_port;
	r = search_run(search, net, err);
	if (r < 0)
		return r;
	*ret_ports = (struct ports){};
	for (size_t i = 0; i < search->own.n; i++)
		if (!search->others[search->own.list[i]])
			add_port(ret_ports, search->own.list[i]);
	return 0;
}

char *holder_describe(const struct occupant *holder, char *ret_text, size_t room)
{
	return text_print(ret_text, room, "%d (%.40s)%s%.100s", holder->pid, holder->comm,
			  holder->service[0] ? " of " : "", holder->service);
}

/* Whose cgroup another user's manager named, that manager cannot make his. */
static bool is_of_owner(const struct unit *unit, pid_t pid)
{
	struct stat st = {};
	char name[64];

	(void)snprintf(name, sizeof(name), "/proc/%d", pid);
	return !unit->is_owned || (stat(name, &st) == 0 && st.st_uid == unit->uid);
}

int holder_signal(const struct unit *unit, const struct occupant *holder, int signal)
{
	/* from here on the number is this process's, or nobody's */
	_cleanup_close_ int fd = pidfd_open(holder->pid, 0);
	struct occupant now;

	if (fd < 0 || occupant_of(unit, holder->pid, &now) != 0 || !now.own ||
	    strcmp(now.comm, holder->comm) != 0 || !is_of_owner(unit, holder->pid))
		return OCCUPANT_GONE;
	return pidfd_send_signal(fd, signal, NULL, 0) < 0 ? OCCUPANT_GONE : 0;
}
