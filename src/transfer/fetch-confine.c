#include "transfer/fetch-confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "transfer/fetch-filter.h"
#include "transfer/fetch-landlock.h"

#define NOBODY	      65534
#define DESCRIPTORS   64
#define PROCESSES     64 /* threads of all helpers of that user */
#define ADDRESS_SPACE (1024UL * 1024 * 1024) /* bytes */
#define NAMES_BUFFER  16384 /* an entry of the user database */

/* ---- limits ---- */

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

/* NPROC counts all processes of a user: nobody's may be others'. AddressSanitizer maps terabytes. */
static int set_limits(bool own_user, struct error *err)
{
	int r;

	r = limit(RLIMIT_CORE, 0, err);
	if (r >= 0)
		r = limit(RLIMIT_FSIZE, 0, err);
	if (r >= 0)
		r = limit(RLIMIT_NOFILE, DESCRIPTORS, err);
	if (r >= 0 && own_user)
		r = limit(RLIMIT_NPROC, PROCESSES, err);
#ifndef __SANITIZE_ADDRESS__
	if (r >= 0)
		r = limit(RLIMIT_AS, ADDRESS_SPACE, err);
#endif
	return r;
}

/* ---- who it is ---- */

static void find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	char buffer[NAMES_BUFFER];
	struct passwd entry;
	struct passwd *found = NULL;

	*ret_uid = NOBODY;
	*ret_gid = NOBODY;
	(void)getpwnam_r(name, &entry, buffer, sizeof(buffer), &found);
	if (!found || found->pw_uid == 0)
		return;
	*ret_uid = found->pw_uid;
	*ret_gid = found->pw_gid;
}

/* The bounding set is what no later exec could give back; dropping it needs a capability itself. */
static int drop_user(uid_t uid, gid_t gid, struct error *err)
{
	for (unsigned long capability = 0; capability <= 63; capability++)
		(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return error_errno(err, "becoming user %u", uid);
	if (setresuid(0, 0, 0) == 0)
		return error_set(err, FAULT_INTERNAL, "user %u can become root again", uid);
	return 0;
}

static int drop_capabilities(struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) < 0)
		return error_errno(err, "dropping capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "giving privileges away");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "closing memory to others");
	return 0;
}

/* Becoming another user forgets it, and the filter does not let it be said: in between. */
static int die_with_parent(struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "binding the process to its parent");
	return 0;
}

/* ---- all of it ---- */

int fetch_confine(const struct fetch_confine_options *options,
		  char ret_text[static FETCH_CONFINE_TEXT_MAX], struct error *err)
{
	_cleanup_close_ int ruleset = -1;
	bool was_root = geteuid() == 0;
	uid_t uid = 0;
	gid_t gid = 0;
	int abi = 0;
	int r;

	if (was_root)
		find_user(options->user, &uid, &gid);
	r = fetch_landlock_prepare(options->file_root_fd, &ruleset, &abi, err);
	if (r >= 0)
		r = set_limits(was_root && uid != NOBODY, err);
	if (r >= 0 && was_root)
		r = drop_user(uid, gid, err);
	if (r >= 0)
		r = drop_capabilities(err);
	if (r >= 0)
		r = die_with_parent(err);
	if (r >= 0 && ruleset >= 0)
		r = fetch_landlock_enforce(ruleset, err);
	if (r >= 0)
		r = fetch_filter_load(was_root, options->file_root_fd >= 0, err);
	if (r < 0)
		return r;
	(void)snprintf(ret_text, FETCH_CONFINE_TEXT_MAX, "user %u, landlock %d, seccomp", getuid(),
		       abi);
	return 0;
}
