#include "store/group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "store/durable.h"
#include "store/fields.h"
#include "store/lock.h"
#include "store/record.h"

#define RECORD_FILE "record"
#define LOCK_FILE   "lock"
#define LOCK_USEC   (20 * USEC_PER_SEC)

#define G(kind, member) FIELD(struct group, kind, #member, member)
#define MEMBER(number)                                                                  \
	FIELD(struct group, FIELD_TEXT, "member." #number ".app", members[number].app), \
		FIELD(struct group, FIELD_UINT, "member." #number ".step", members[number].step)

static const struct field fields[] = {
	G(FIELD_TEXT, round),
	G(FIELD_U64, began),
	G(FIELD_TEXT, who),
	G(FIELD_UINT, verdict),
	G(FIELD_TEXT, culprit),
	G(FIELD_FAULT, fault),
	G(FIELD_TEXT, reason),
	MEMBER(0),
	MEMBER(1),
	MEMBER(2),
	MEMBER(3),
	MEMBER(4),
	MEMBER(5),
	MEMBER(6),
	MEMBER(7),
	MEMBER(8),
	MEMBER(9),
	MEMBER(10),
	MEMBER(11),
	MEMBER(12),
	MEMBER(13),
	MEMBER(14),
	MEMBER(15),
};

_Static_assert(GROUP_MEMBERS_MAX == 16, "the table above has them all");

const char *group_step_name(unsigned int step)
{
	static const char *const names[GROUP_STEP_MAX] = {
		[GROUP_ABSENT] = "absent",   [GROUP_JOINED] = "joined", [GROUP_STAGED] = "staged",
		[GROUP_RUNNING] = "running", [GROUP_PASSED] = "passed", [GROUP_ENDED] = "ended",
	};

	return step < GROUP_STEP_MAX ? names[step] : "unknown";
}

const char *group_verdict_name(unsigned int verdict)
{
	static const char *const names[GROUP_VERDICT_MAX] = {
		[GROUP_OPEN] = "open",
		[GROUP_ALL] = "all",
		[GROUP_NONE] = "none",
	};

	return verdict < GROUP_VERDICT_MAX ? names[verdict] : "unknown";
}

/* ---- on disk ---- */

int group_create(const char *state, const char *name, struct error *err)
{
	_cleanup_close_ int parent = -1;
	_cleanup_close_ int dirfd = -1;
	char dir[STATE_GROUP_MAX + sizeof(GROUP_SUFFIX)];
	int r;

	(void)snprintf(dir, sizeof(dir), "%s" GROUP_SUFFIX, name);
	r = fd_open_dir(AT_FDCWD, state, &parent, err);
	if (r >= 0)
		r = durable_mkdir(parent, dir, 0755, err);
	if (r >= 0)
		r = fd_open_dir(parent, dir, &dirfd, err);
	if (r >= 0)
		r = durable_preallocate(dirfd, LOCK_FILE, 1, 0600, err);
	if (r >= 0)
		r = durable_preallocate(dirfd, RECORD_FILE, RECORD_FILE_SIZE, 0644, err);
	return r < 0 ? error_prefix(err, r, "group %s", name) : 0;
}

int group_open_dir(const char *state, const char *name, int *ret_dirfd, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/%s" GROUP_SUFFIX, state, name) < 0)
		return error_errno(err, "group %s", name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return GROUP_NEVER;
	if (fd < 0)
		return error_errno(err, "opening %s", path);
	*ret_dirfd = fd;
	return 0;
}

int group_lock(int dirfd, int *ret_lock_fd, struct error *err)
{
	int r = lock_wait(dirfd, LOCK_FILE, LOCK_USEC, ret_lock_fd, err);

	return r == LOCK_TAKEN ?
		       error_set(err, FAULT_BUSY, "somebody keeps the lock of the group") :
		       r;
}

int group_load(int dirfd, struct group *ret_group, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	struct group group = {};
	int load = record_load(dirfd, RECORD_FILE, &payload, NULL, err);
	int r;

	if (load < 0)
		return load;
	r = fields_read(fields, ARRAY_SIZE(fields), load == RECORD_EMPTY ? "" : payload, &group,
			err);
	if (r < 0)
		return error_prefix(err, r, "the record of the group");
	*ret_group = group;
	return 0;
}

int group_store(int dirfd, const struct group *group, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	int r = fields_write(fields, ARRAY_SIZE(fields), group, RECORD_PAYLOAD_MAX, &payload, err);

	if (r >= 0)
		r = record_store(dirfd, RECORD_FILE, payload, err);
	return r < 0 ? error_prefix(err, r, "the record of the group") : 0;
}

/* ---- what it says ---- */

static bool is_member(const struct group *group, size_t i)
{
	return i < GROUP_MEMBERS_MAX && group->members[i].app[0];
}

struct group_member *group_find(struct group *group, const char *app)
{
	for (size_t i = 0; is_member(group, i); i++)
		if (strcmp(group->members[i].app, app) == 0)
			return &group->members[i];
	return NULL;
}

bool group_has_come(const struct group *group, const char *app, enum group_step step)
{
	for (size_t i = 0; is_member(group, i); i++)
		if (strcmp(group->members[i].app, app) == 0)
			return group->members[i].step >= (unsigned int)step;
	return false;
}

bool group_is_over(const struct group *group)
{
	for (size_t i = 0; is_member(group, i); i++)
		if (group->members[i].step != GROUP_ABSENT && group->members[i].step != GROUP_ENDED)
			return false;
	return true;
}

const struct group_member *group_find_behind(const struct group *group, enum group_step step)
{
	for (size_t i = 0; is_member(group, i); i++)
		if (group->members[i].step < step)
			return &group->members[i];
	return NULL;
}

bool group_advance(struct group *group, const char *app, enum group_step step)
{
	struct group_member *member = group_find(group, app);

	if (!member || member->step >= step)
		return false;
	member->step = step;
	if (group->verdict == GROUP_OPEN && !group_find_behind(group, GROUP_PASSED))
		group->verdict = GROUP_ALL;
	return true;
}

bool group_veto(struct group *group, const char *app, enum fault fault, const char *reason)
{
	if (group->verdict != GROUP_OPEN)
		return false;
	group->verdict = GROUP_NONE;
	group->fault = fault;
	(void)text_copy(app, group->culprit, sizeof(group->culprit));
	(void)text_copy(reason, group->reason, sizeof(group->reason));
	return true;
}

bool group_may_switch(const struct group *group, const char *app)
{
	if (group->verdict != GROUP_OPEN || group_find_behind(group, GROUP_STAGED))
		return false;
	for (size_t i = 0; is_member(group, i); i++) {
		if (strcmp(group->members[i].app, app) == 0)
			return true;
		if (group->members[i].step < GROUP_RUNNING)
			return false;
	}
	return false;
}
