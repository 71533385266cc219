#include "deploy/sharing.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "store/layout.h"
#include "unit/exec.h"

#define BIT(capability) (1ULL << (capability))

/* By which who is not root can write to what is root's, or become it. */
#define MIGHTY                                                                               \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_SETUID) |        \
	 BIT(CAP_SETFCAP) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_MODULE) | BIT(CAP_SYS_PTRACE) | \
	 BIT(CAP_SYS_RAWIO) | BIT(CAP_MKNOD))

static bool is_asked(const struct deploy_options *options, const struct preflight_input *input)
{
	return options->dedupe == DEDUPE_HARDLINK && !input->attended_override;
}

/* One that is to come with the first release is not there yet. */
static bool is_root(const struct unit *unit)
{
	return !unit->dynamic_user && strcmp(unit->load_state, "not-found") != 0 &&
	       (unit->user[0] == '\0' || strcmp(unit->user, "root") == 0 ||
		strcmp(unit->user, "0") == 0);
}

static bool may_write(const struct unit *unit)
{
	return is_root(unit) || (unit->ambient_capabilities & MIGHTY) != 0;
}

static void complain(const struct unit *unit, const char *as, struct preflight *preflight)
{
	if (is_root(unit))
		preflight_complain(
			preflight, FAULT_CONFIG,
			"Dedupe=hardlink: %s%s runs as root and could write into both releases at "
			"once: give it a User=, or set Dedupe=auto",
			unit->name, as);
	else if (may_write(unit))
		preflight_complain(
			preflight, FAULT_CONFIG,
			"Dedupe=hardlink: %s has AmbientCapabilities= by which it could write into "
			"both releases at once: set Dedupe=auto",
			unit->name);
}

int sharing_check(const struct deploy_options *options, const struct preflight_input *input,
		  const struct unit *unit, struct manager *manager, struct preflight *preflight,
		  struct error *err)
{
	char current[4096];

	if (!is_asked(options, input))
		return 0;
	complain(unit, "", preflight);
	(void)snprintf(current, sizeof(current), "%s/" LAYOUT_CURRENT, options->root);
	for (char **name = options->siblings; name && *name; name++) {
		_cleanup_unit_ struct unit sibling = {};
		int r = unit_query(manager, *name, &sibling, err);

		if (r < 0)
			return r;
		if (exec_goes_through(&sibling, current))
			complain(&sibling, "", preflight);
	}
	return 0;
}

void sharing_check_coming(const struct deploy_options *options, const struct preflight_input *input,
			  const struct unit *loaded, const struct unit *coming, const char *version,
			  struct preflight *preflight)
{
	char as[STATE_VERSION_MAX + 32];

	if (!is_asked(options, input) || may_write(loaded))
		return;
	(void)snprintf(as, sizeof(as), " as it comes with %s", version);
	complain(coming, as, preflight);
}
