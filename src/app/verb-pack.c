#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "app/publishing.h"
#include "app/verbs.h"
#include "base/fd.h"
#include "publish/bundler.h"
#include "publish/workroom.h"

struct outputs {
	const char *archive;
	const char *bundle; /* NULL: none */
	const char *from; /* an older tree; NULL: none */
};

static int create(const char *path, int *ret_fd, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0 && errno == EEXIST)
		return error_set(err, FAULT_CONFIG, "%s is there already", path);
	if (fd < 0)
		return error_errno(err, "making %s", path);
	*ret_fd = fd;
	return 0;
}

static void print(const struct pack_result *result)
{
	char hex[DIGEST_HEX_MAX];

	printf("sha256 %s\n", digest_to_hex(&result->digest, hex));
	printf("size   %" PRIu64 "\n", result->length);
	printf("index  %s\n", digest_to_hex(&result->index, hex));
	printf("tree   %" PRIu64 " bytes in %" PRIu64 " entries\n", result->bytes, result->files);
}

/* ---- a bundle ---- */

static int make_spool(const char *beside, const struct pack_options *options,
		      struct spool **ret_spool, struct error *err)
{
	const struct spool_options spool_options = { .level = options->level,
						     .threads = options->threads,
						     .progress = publishing_progress() };
	_cleanup_workroom_ struct workroom room = WORKROOM_NONE;
	_cleanup_close_ int dirfd = -1;
	_cleanup_close_ int fd = -1;
	const char *name;
	int r = publishing_open_parent(beside, &dirfd, &name, err);

	if (r == 0)
		r = workroom_open(dirfd, &room, err);
	if (r == 0)
		r = workroom_file(&room, &fd, err);
	return r < 0 ? r : spool_new(fd, &spool_options, ret_spool, err);
}

static int bundle_into(int fd, const struct outputs *outputs, const struct pack_options *options,
		       const struct bundler_request *request, struct error *err)
{
	_cleanup_(spool_freep) struct spool *spool = NULL;
	struct bundler_result result = {};
	char hex[DIGEST_HEX_MAX];
	int r = make_spool(outputs->bundle, options, &spool, err);

	if (r == 0)
		r = bundler_run(spool, request, fd, &result, err);
	if (r < 0)
		return r;
	printf("bundle %s\n", digest_to_hex(&result.digest, hex));
	printf("size   %" PRIu64 "\n", result.length);
	return 0;
}

static int bundle(int tree_fd, const struct outputs *outputs, const struct pack_options *options,
		  struct pack_result *packed, struct error *err)
{
	struct bundler_request request = { .level = options->level };
	_cleanup_stock_ struct stock fresh = STOCK_NONE;
	_cleanup_stock_ struct stock old = STOCK_NONE;
	_cleanup_close_ int old_fd = -1;
	_cleanup_close_ int fd = -1;
	int r = stock_of_tree_consume(tree_fd, TAKE_PTR(packed->tree), &fresh, err);

	request.fresh = &fresh;
	if (r == 0 && outputs->from) {
		request.old = &old;
		r = fd_open_dir(AT_FDCWD, outputs->from, &old_fd, err);
		if (r == 0)
			r = stock_measure(old_fd, options, &old, err);
	}
	if (r == 0)
		r = create(outputs->bundle, &fd, err);
	if (r < 0)
		return r;
	r = bundle_into(fd, outputs, options, &request, err);
	if (r < 0)
		(void)unlink(outputs->bundle);
	return r;
}

static int pack(const char *tree, const struct outputs *outputs, const struct pack_options *options,
		struct error *err)
{
	_cleanup_(pack_result_done) struct pack_result result = {};
	_cleanup_close_ int dirfd = -1;
	_cleanup_close_ int fd = -1;
	int r = fd_open_dir(AT_FDCWD, tree, &dirfd, err);

	if (r == 0)
		r = create(outputs->archive, &fd, err);
	if (r < 0)
		return r;
	r = pack_tree(dirfd, options, fd, &result, err);
	if (r < 0) {
		(void)unlink(outputs->archive);
		return r;
	}
	print(&result);
	return outputs->bundle ? bundle(dirfd, outputs, options, &result, err) : 0;
}

int verb_pack(const struct cli_verb *verb, int argc, char **argv)
{
	const char *level = NULL, *mtime = NULL;
	struct outputs outputs = {};
	bool allow_setuid = false;
	const struct cli_option arguments[] = {
		{ "output", 'o', "FILE", "the archive, which must not be there yet (must be given)",
		  .text = &outputs.archive },
		{ "bundle", '\0', "FILE", "also a bundle (docs/FORMATS.md)",
		  .text = &outputs.bundle },
		{ "from", '\0', "OLDDIR", "the bundle has only what this older tree lacks",
		  .text = &outputs.from },
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
	if (!outputs.archive)
		return cli_refuse(verb, "-o FILE is missing");
	if (outputs.from && !outputs.bundle)
		return cli_refuse(verb, "--from OLDDIR is for --bundle FILE");
	if (publishing_pack_options(level, mtime, allow_setuid, &options, &err) < 0)
		return cli_refuse(verb, "%s", err.text);
	return pack(operands[0], &outputs, &options, &err) < 0 ? cli_fail(&err) : 0;
}
