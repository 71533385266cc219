#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "app/cli.h"
#include "app/repo-json.h"
#include "app/status-json.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/fd.h"
#include "publish/audit.h"

static void print(const struct audit_result *result)
{
	const struct audit_bundles_result *bundles = &result->bundles;
	char when[CLOCK_TEXT_MAX];

	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		printf("%-10s version %" PRIu64 ", expires %s\n", root_role_name(role),
		       result->version[role], clock_format(result->expires[role], when));
	if (bundles->undecoded > 0)
		printf("%" PRIu64
		       " bundles could not be decoded, only compared: the releases that they start "
		       "from are not here any more\n",
		       bundles->undecoded);
	printf("good: %" PRIu64 " targets, %" PRIu64 " offers, %" PRIu64
	       " bytes of archives, %" PRIu64 " bundles of %" PRIu64 " bytes\n",
	       result->targets, result->offers, result->bytes, bundles->bundles, bundles->bytes);
}

static int verify(const char *dir, const char *root, bool json, struct error *err)
{
	_cleanup_close_ int dirfd = -1;
	struct audit_result result = {};
	int r = fd_open_dir(AT_FDCWD, dir, &dirfd, err);

	if (r == 0)
		r = audit_run(dirfd, root, clock_realtime_usec(), &result, err);
	if (r < 0)
		return error_prefix(err, r, "%s", dir);
	if (json)
		return status_json_print(repo_json_audit(&result), err);
	print(&result);
	return 0;
}

int verb_repo_verify(const struct cli_verb *verb, int argc, char **argv)
{
	const char *root = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "root-json", '\0', "FILE",
		  "the root that a device has; metadata/1.root.json otherwise", .text = &root },
		{ "json", '\0', NULL, "for programs: docs/JSON.md", .flag = &json },
		{},
	};
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	return verify(operands[0], root, json, &err) < 0 ? cli_fail(&err) : 0;
}
