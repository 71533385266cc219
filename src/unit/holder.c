#include "unit/holder.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "unit/cgroup.h"
#include "unit/ports.h"

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

struct search {
	const struct unit *unit;
	unsigned long long sockets[PORTS_SOCKETS_MAX];
	size_t n;
	struct occupants holders;
};

static void look_at(void *data, pid_t pid)
{
	struct search *search = data;
	struct occupant holder;

	if (!ports_has_open(pid, search->sockets, search->n))
		return;
	if (is_manager(pid))
		search->holders.managed = true;
	else if (occupant_of(search->unit, pid, &holder) == 0)
		occupant_add(&search->holders, &holder);
}

int holder_find(const struct unit *unit, uint16_t port, pid_t net, struct occupants *ret_holders,
		struct error *err)
{
	struct search search = { .unit = unit };
	int r = 0;

	search.n = ports_listeners(port, net, search.sockets);
	if (search.n > 0)
		r = occupant_each(look_at, &search, err);
	if (r == 0)
		*ret_holders = search.holders;
	return r;
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
