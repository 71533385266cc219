#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "app/publishing.h"
#include "app/verbs.h"
#include "base/fd.h"

static int pack(const char *tree, const char *out, const struct pack_options *options,
		struct error *err)
{
	_cleanup_(pack_result_done) struct pack_result result = {};
	_cleanup_close_ int dirfd = -1;
	_cleanup_close_ int fd = -1;
	char hex[DIGEST_HEX_MAX];
	int r = fd_open_dir(AT_FDCWD, tree, &dirfd, err);

	if (r < 0)
		return r;
	fd = open(out, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, FAULT_CONFIG, "%s is there already", out);
	if (fd < 0)
		return error_errno(err, "making %s", out);
	r = pack_tree(dirfd, options, fd, &result, err);
	if (r < 0) {
		(void)unlink(out);
		return r;
	}
	printf("sha256 %s\n", digest_to_hex(&result.digest, hex));
	printf("size   %" PRIu64 "\n", result.length);
	printf("index  %s\n", digest_to_hex(&result.index, hex));
	printf("tree   %" PRIu64 " bytes in %" PRIu64 " entries\n", result.bytes, result.files);
	return 0;
}

int verb_pack(const struct cli_verb *verb, int argc, char **argv)
{
	const char *out = NULL, *level = NULL, *mtime = NULL;
	bool allow_setuid = false;
	const struct cli_option arguments[] = {
		{ "output", 'o', "FILE", "the archive, which must not be there yet (must be given)",
		  .text = &out },
		{ "level", '\0', "N", "of zstd, 1 to 19; 19 otherwise", .text = &level },
		{ "mtime", '\0', "TIME", "the time of all files; otherwise their own",
		  .text = &mtime },
		{ "allow-setuid", '\0', NULL, "take setuid, setgid and file capabilities",
		  .flag = &allow_setuid },
		{},
	};
	struct pack_options options;
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, arguments, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	if (!out)
		return cli_refuse(verb, "-o FILE is missing");
	if (publishing_pack_options(level, mtime, allow_setuid, &options, &err) < 0)
		return cli_refuse(verb, "%s", err.text);
	return pack(operands[0], out, &options, &err) < 0 ? cli_fail(&err) : 0;
}
