#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "app/cli.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/fd.h"
#include "publish/audit.h"

static int verify(const char *dir, const char *root, struct error *err)
{
	_cleanup_close_ int dirfd = -1;
	struct audit_result result = {};
	char when[CLOCK_TEXT_MAX];
	int r = fd_open_dir(AT_FDCWD, dir, &dirfd, err);

	if (r == 0)
		r = audit_run(dirfd, root, clock_realtime_usec(), &result, err);
	if (r < 0)
		return error_prefix(err, r, "%s", dir);
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		printf("%-10s version %" PRIu64 ", expires %s\n", root_role_name(role),
		       result.version[role], clock_format(result.expires[role], when));
	printf("good: %" PRIu64 " targets, %" PRIu64 " offers, %" PRIu64 " bytes of blobs\n",
	       result.targets, result.offers, result.bytes);
	return 0;
}

int verb_repo_verify(const struct cli_verb *verb, int argc, char **argv)
{
	const char *root = NULL;
	const struct cli_option options[] = {
		{ "root-json", '\0', "FILE",
		  "the root that a device has; metadata/1.root.json otherwise", .text = &root },
		{},
	};
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	return verify(operands[0], root, &err) < 0 ? cli_fail(&err) : 0;
}
