#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define GROUPS_MAX   64
#define OOM_SCORE    500
#define NAMES_BUFFER 65536 /* an entry of the user or group database */

static int limit(int resource, rlim_t value, struct error *err)
{
	const struct rlimit both = { .rlim_cur = value, .rlim_max = value };
	struct rlimit before;

	if (getrlimit((__rlimit_resource_t)resource, &before) == 0 && before.rlim_max < value)
		return 0;
	if (setrlimit((__rlimit_resource_t)resource, &both) < 0)
		return error_errno(err, "setting a limit");
	return 0;
}

int confine_limits(const struct confine_limits *limits, struct error *err)
{
	int r;

	r = limit(RLIMIT_CORE, 0, err);
	if (r >= 0)
		r = limit(RLIMIT_FSIZE, 0, err);
	if (r >= 0)
		r = limit(RLIMIT_NOFILE, limits->descriptors, err);
	if (r >= 0 && limits->processes > 0)
		r = limit(RLIMIT_NPROC, limits->processes, err);
#ifndef __SANITIZE_ADDRESS__ /* which maps terabytes */
	if (r >= 0 && limits->address_space > 0)
		r = limit(RLIMIT_AS, (rlim_t)limits->address_space, err);
	if (r >= 0 && limits->data > 0)
		r = limit(RLIMIT_DATA, (rlim_t)limits->data, err);
#endif
	return r;
}

void confine_go_first(void)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char text[16] = "";

	if (fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) > 0 &&
	    strtol(text, NULL, 10) < OOM_SCORE)
		(void)dprintf(fd, "%d", OOM_SCORE);
}

struct identity {
	const char *name; /* NULL: a number that has no name */
	uid_t uid;
	gid_t gid;
};

static bool is_number(const char *text, uint32_t *ret_number)
{
	uint64_t number;

	if (parse_u64(text, 0, UINT32_MAX - 1, &number, NULL) < 0)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

/* `buffer` (NAMES_BUFFER) keeps the name. */
static bool find_user(const char *user, char *buffer, struct identity *ret)
{
	struct passwd entry;
	struct passwd *found = NULL;
	uint32_t number = 0;
	bool numeric = is_number(user, &number);

	if (numeric)
		(void)getpwuid_r(number, &entry, buffer, NAMES_BUFFER, &found);
	else
		(void)getpwnam_r(user, &entry, buffer, NAMES_BUFFER, &found);
	if (found)
		*ret = (struct identity){ found->pw_name, found->pw_uid, found->pw_gid };
	else if (numeric)
		*ret = (struct identity){ NULL, number, number };
	return found || numeric;
}

static bool find_group(const char *group, gid_t *ret_gid)
{
	char buffer[NAMES_BUFFER];
	struct group entry;
	struct group *found = NULL;
	uint32_t number;

	if (is_number(group, &number)) {
		*ret_gid = number;
		return true;
	}
	(void)getgrnam_r(group, &entry, buffer, sizeof(buffer), &found);
	if (found)
		*ret_gid = found->gr_gid;
	return found;
}

const char *confine_user_or_nobody(const char *user)
{
	char buffer[NAMES_BUFFER];
	struct identity identity;

	return find_user(user, buffer, &identity) && identity.uid != 0 ? user : CONFINE_NOBODY;
}

static int set_groups(const struct identity *identity, const char *const *also, struct error *err)
{
	gid_t groups[GROUPS_MAX];
	int n = 0;

	if (!also && identity->name) {
		n = GROUPS_MAX;
		if (getgrouplist(identity->name, identity->gid, groups, &n) < 0)
			n = GROUPS_MAX; /* there are more: the first ones must do */
	}
	for (; also && *also && n < GROUPS_MAX; also++)
		if (find_group(*also, &groups[n]))
			n++;
	if (setgroups((size_t)n, groups) < 0)
		return error_errno(err, "setting groups");
	return 0;
}

static int drop_capabilities(struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) < 0)
		return error_errno(err, "dropping capabilities");
	return 0;
}

/* What no later exec could give back; needs a capability, so it comes first. */
static void drop_bounding_set(void)
{
	for (unsigned long capability = 0; capability <= 63; capability++)
		(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

static int change_user(const struct identity *identity, const char *const *also, struct error *err)
{
	int r;

	drop_bounding_set();
	r = set_groups(identity, also, err);
	if (r < 0)
		return r;
	if (setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
	    setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return error_errno(err, "becoming user %u", identity->uid);
	if (identity->uid != 0 && setresuid(0, 0, 0) == 0)
		return error_set(err, FAULT_INTERNAL, "user %u can become root again",
				 identity->uid);
	return 0;
}

int confine_become(const char *user, const char *group, const char *const *also, struct error *err)
{
	char buffer[NAMES_BUFFER];
	struct identity identity;
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "giving privileges away");
	if (geteuid() != 0)
		return drop_capabilities(err);
	if (!find_user(user[0] ? user : "0", buffer, &identity))
		return error_set(err, FAULT_UNIT, "there is no user \"%s\"", user);
	if (group[0] && !find_group(group, &identity.gid))
		return error_set(err, FAULT_UNIT, "there is no group \"%s\"", group);
	r = change_user(&identity, also, err);
	return r < 0 ? r : drop_capabilities(err);
}
