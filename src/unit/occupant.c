#include "unit/occupant.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/text.h"
#include "unit/cgroup.h"
#include "unit/proof.h"

/* The first service in a cgroup's path: what the manager calls the group. Where the unit is a user's, his manager is none. Else empty. */
static void find_service(const char *cgroup, bool of_user, char *ret_service, size_t room)
{
	static const char tail[] = ".service", manager[] = "user@";

	ret_service[0] = '\0';
	while (*cgroup) {
		const char *name = cgroup + strspn(cgroup, "/");
		size_t size = strcspn(name, "/");

		cgroup = name + size;
		if (size < sizeof(tail) || size >= room ||
		    strncmp(cgroup - strlen(tail), tail, strlen(tail)) != 0 ||
		    (of_user && strncmp(name, manager, strlen(manager)) == 0))
			continue;
		memcpy(ret_service, name, size);
		ret_service[size] = '\0';
		return;
	}
}

static bool is_below(const char *cgroup, const char *top)
{
	size_t size = strlen(top);

	return size > 0 && strncmp(cgroup, top, size) == 0 &&
	       (cgroup[size] == '/' || cgroup[size] == '\0');
}

/* "tpl@1.service" and "tpl@2.service" are started from one `current`. */
static bool is_sibling(const char *one, const char *other)
{
	const char *at = strchr(one, '@');

	return strcmp(one, other) == 0 || (at && strncmp(one, other, (size_t)(at - one) + 1) == 0);
}

static void read_comm(pid_t pid, char *ret_comm, size_t room)
{
	_cleanup_free_ char *comm = NULL;
	char name[64];
	size_t size = 0;

	(void)snprintf(name, sizeof(name), "/proc/%d/comm", pid);
	if (fd_read_file(AT_FDCWD, name, 4096, &comm, &size, NULL) != 0)
		size = 0;
	(void)text_escape(comm ? comm : "", size > 0 ? size - 1 : 0, ret_comm, room);
}

void occupant_add(struct occupants *occupants, const struct occupant *occupant)
{
	size_t at = occupant->ours ? occupants->n_ours : occupants->n;

	if (at == OCCUPANT_MAX)
		return;
	if (occupants->n < OCCUPANT_MAX)
		occupants->n++;
	if (occupant->ours)
		occupants->list[occupants->n - 1] = occupants->list[occupants->n_ours++];
	occupants->list[at] = *occupant;
}

int occupant_of(const struct unit *unit, pid_t pid, struct occupant *ret_occupant)
{
	struct occupant occupant = { .pid = pid };
	char cgroup[PATH_MAX];

	if (pid == getpid() || cgroup_of(pid, cgroup, sizeof(cgroup), NULL) < 0)
		return OCCUPANT_GONE;
	find_service(cgroup, unit->is_owned || scope_is_user(), occupant.service,
		     sizeof(occupant.service));
	occupant.own = is_below(cgroup, unit->control_group);
	occupant.ours = occupant.own || is_sibling(unit->name, occupant.service);
	read_comm(pid, occupant.comm, sizeof(occupant.comm));
	*ret_occupant = occupant;
	return 0;
}

int occupant_each(void (*look)(void *data, pid_t pid), void *data, struct error *err)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	const struct dirent *entry;
	uint64_t pid;

	if (!dir)
		return error_errno(err, "looking for processes");
	while ((entry = readdir(dir)) != NULL)
		if (parse_u64(entry->d_name, 1, INT_MAX, &pid, NULL) >= 0)
			look(data, (pid_t)pid);
	return 0;
}

struct search {
	const struct unit *unit;
	const char *path;
	struct occupants occupants;
};

static void look_at(void *data, pid_t pid)
{
	struct search *search = data;
	struct occupant occupant;

	if (occupant_of(search->unit, pid, &occupant) == 0 &&
	    proof_uses(pid, search->path, occupant.ours))
		occupant_add(&search->occupants, &occupant);
}

int occupant_find(const struct unit *unit, const char *path, struct occupants *ret_occupants,
		  struct error *err)
{
	struct search search = { .unit = unit, .path = path };
	int r = occupant_each(look_at, &search, err);

	if (r == 0)
		*ret_occupants = search.occupants;
	return r;
}

char *occupant_describe(const struct occupants *occupants, size_t n, char *ret_text, size_t room)
{
	_cleanup_text_ struct text text = {};

	for (size_t i = 0; i < n; i++)
		text_add(&text, "%s%d (%s)", i > 0 ? ", " : "", occupants->list[i].pid,
			 occupants->list[i].comm);
	return text_clip(text.data ? text.data : "", ret_text, room);
}
