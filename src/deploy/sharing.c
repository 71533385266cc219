#include "deploy/sharing.h"

#include <linux/capability.h>
#include <string.h>

#define BIT(capability) (1ULL << (capability))

/* By which who is not root can write to what is root's, or become it. */
#define MIGHTY                                                                                 \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_SETUID) |          \
	 BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_MODULE) | BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_RAWIO) | \
	 BIT(CAP_MKNOD))

static bool is_root(const struct unit *unit)
{
	return !unit->dynamic_user && (unit->user[0] == '\0' || strcmp(unit->user, "root") == 0 ||
				       strcmp(unit->user, "0") == 0);
}

void sharing_check(const struct deploy_options *options, const struct unit *unit,
		   struct preflight *preflight)
{
	if (options->dedupe != DEDUPE_HARDLINK)
		return;
	if (is_root(unit))
		preflight_complain(
			preflight, FAULT_CONFIG,
			"Dedupe=hardlink: %s runs as root and could write into both releases at "
			"once: give it a User=, or set Dedupe=auto",
			unit->name);
	else if (unit->ambient_capabilities & MIGHTY)
		preflight_complain(
			preflight, FAULT_CONFIG,
			"Dedupe=hardlink: %s has AmbientCapabilities= by which it could write into "
			"both releases at once: set Dedupe=auto",
			unit->name);
}
