#include "transfer/fetch-confine.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/confine.h"
#include "transfer/fetch-filter.h"
#include "transfer/fetch-landlock.h"

#define DESCRIPTORS   64
#define PROCESSES     64 /* threads of all helpers of that user */
#define ADDRESS_SPACE (1024UL * 1024 * 1024) /* bytes */
#define DATA	      (256UL * 1024 * 1024) /* bytes: stacks of threads that look names up count, too */

/* NPROC counts all processes of a user: nobody's may be others'. */
static int set_limits(bool own_user, struct error *err)
{
	const struct confine_limits limits = {
		.descriptors = DESCRIPTORS,
		.processes = own_user ? PROCESSES : 0,
		.address_space = ADDRESS_SPACE,
		.data = DATA,
	};

	return confine_limits(&limits, err);
}

/* Becoming another user forgets both, and the filter does not let them be said: in between. */
static int close_to_others(struct error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "closing memory to others");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "binding the process to its parent");
	return 0;
}

/* Where there is none of them, name look-up has no daemon of this machine to talk to, nor has anybody else here. */
static bool names_are_asked_here(void)
{
	static const char *const places[] = {
		"/run/systemd/resolve", "/run/systemd/machine", "/run/nscd",
		"/run/avahi-daemon",	"/run/nslcd",		"/run/samba/winbindd",
		"/var/lib/sss/pipes"
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], F_OK) == 0)
			return true;
	return false;
}

int fetch_confine(const struct fetch_confine_options *options,
		  char ret_text[static FETCH_CONFINE_TEXT_MAX], struct error *err)
{
	static const char *const no_groups[] = { NULL };
	const char *user = confine_user_or_nobody(options->user);
	_cleanup_close_ int ruleset = -1;
	bool was_root = geteuid() == 0;
	int abi = 0;
	int r;

	confine_go_first();
	r = fetch_landlock_prepare(options->file_root_fd, &ruleset, &abi, err);
	if (r >= 0)
		r = set_limits(was_root && strcmp(user, CONFINE_NOBODY) != 0, err);
	if (r >= 0)
		r = confine_become(user, "", no_groups, err);
	if (r >= 0)
		r = close_to_others(err);
	if (r >= 0 && ruleset >= 0)
		r = fetch_landlock_enforce(ruleset, err);
	if (r >= 0)
		r = fetch_filter_load(was_root && names_are_asked_here(),
				      options->file_root_fd >= 0, err);
	if (r < 0)
		return r;
	(void)snprintf(ret_text, FETCH_CONFINE_TEXT_MAX, "user %u, landlock %d, seccomp", getuid(),
		       abi);
	return 0;
}
