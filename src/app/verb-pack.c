#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "app/packing-display.h"
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

/* What is made, and has its name when it is complete: who is interrupted leaves nothing. */
struct draft {
	const char *path, *name;
	int dirfd, fd;
	bool named; /* already, as the file system cannot do without */
};

#define DRAFT_NONE                     \
	{                              \
		.dirfd = -1, .fd = -1, \
	}

static void draft_done(const struct draft *draft)
{
	if (draft->named)
		(void)unlinkat(draft->dirfd, draft->name, 0);
	cleanup_close(&draft->fd);
	cleanup_close(&draft->dirfd);
}
#define _cleanup_draft_ _cleanup_(draft_done)

static int is_there(const struct draft *draft, struct error *err)
{
	return error_set(err, FAULT_CONFIG, "%s is there already", draft->path);
}

static int draft_begin(struct draft *draft, const char *path, struct error *err)
{
	int r = publishing_open_parent(path, &draft->dirfd, &draft->name, err);

	draft->path = path;
	if (r < 0)
		return r;
	if (faccessat(draft->dirfd, draft->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return is_there(draft, err);
	draft->fd = fd_open_nameless(draft->dirfd, 0644);
	if (draft->fd >= 0)
		return 0;
	draft->fd = openat(draft->dirfd, draft->name,
			   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	draft->named = draft->fd >= 0;
	return draft->named ? 0 : error_errno(err, "making %s", path);
}

static int draft_name(struct draft *draft, struct error *err)
{
	if (!draft->path || draft->named || fd_give_name(draft->fd, draft->dirfd, draft->name) == 0)
		return 0;
	return errno == EEXIST ? is_there(draft, err) : error_errno(err, "naming %s", draft->path);
}

static void print(const struct pack_result *result)
{
	char hex[DIGEST_HEX_MAX];

	printf("sha256 %s\n", digest_to_hex(&result->digest, hex));
	printf("size   %" PRIu64 "\n", result->length);
	printf("index  %s\n", digest_to_hex(&result->index, hex));
	printf("tree   %" PRIu64 " bytes in %" PRIu64 " entries\n", result->bytes, result->files);
}

static void print_bundle(const struct bundler_result *result)
{
	char hex[DIGEST_HEX_MAX];

	printf("bundle %s\n", digest_to_hex(&result->digest, hex));
	printf("size   %" PRIu64 "\n", result->length);
}

/* ---- a bundle ---- */

static int open_spool_file(const struct draft *beside, int *ret_fd, struct error *err)
{
	_cleanup_workroom_ struct workroom room = WORKROOM_NONE;
	int r;

	*ret_fd = fd_open_nameless(beside->dirfd, 0600);
	if (*ret_fd >= 0)
		return 0;
	r = workroom_open(beside->dirfd, &room, err);
	return r < 0 ? r : workroom_file(&room, ret_fd, err);
}

static int make_spool(const struct draft *beside, const struct pack_options *options,
		      struct spool **ret_spool, struct error *err)
{
	const struct spool_options spool_options = { .level = options->level,
						     .threads = options->threads,
						     .progress = options->progress };
	_cleanup_close_ int fd = -1;
	int r = open_spool_file(beside, &fd, err);

	return r < 0 ? r : spool_new(fd, &spool_options, ret_spool, err);
}

static int bundle(int tree_fd, const char *from, const struct pack_options *options,
		  struct pack_result *packed, const struct draft *draft,
		  struct bundler_result *ret_result, struct error *err)
{
	struct bundler_request request = { .level = options->level };
	_cleanup_(spool_freep) struct spool *spool = NULL;
	_cleanup_stock_ struct stock fresh = STOCK_NONE;
	_cleanup_stock_ struct stock old = STOCK_NONE;
	_cleanup_close_ int old_fd = -1;
	int r = stock_of_tree_consume(tree_fd, TAKE_PTR(packed->tree), &fresh, err);

	request.fresh = &fresh;
	if (r == 0 && from) {
		request.old = &old;
		r = fd_open_dir(AT_FDCWD, from, &old_fd, err);
		if (r == 0)
			r = stock_measure(old_fd, options, &old, err);
	}
	if (r == 0)
		r = make_spool(draft, options, &spool, err);
	return r < 0 ? r : bundler_run(spool, &request, draft->fd, ret_result, err);
}

/* Both have their names, or none has. */
static int name_both(struct draft *archive, struct draft *bundled, struct error *err)
{
	int r = draft_name(archive, err);

	if (r < 0)
		return r;
	r = draft_name(bundled, err);
	archive->named = r < 0;
	if (r == 0)
		bundled->named = false;
	return r;
}

static int pack(const char *tree, const struct outputs *outputs, const struct pack_options *options,
		struct error *err)
{
	_cleanup_(pack_result_done) struct pack_result result = {};
	struct bundler_result bundled = {};
	_cleanup_draft_ struct draft archive = DRAFT_NONE;
	_cleanup_draft_ struct draft second = DRAFT_NONE;
	_cleanup_close_ int dirfd = -1;
	int r = fd_open_dir(AT_FDCWD, tree, &dirfd, err);

	if (r == 0)
		r = draft_begin(&archive, outputs->archive, err);
	if (r == 0 && outputs->bundle)
		r = draft_begin(&second, outputs->bundle, err);
	if (r == 0)
		r = pack_tree(dirfd, options, archive.fd, &result, err);
	if (r == 0 && outputs->bundle)
		r = bundle(dirfd, outputs->from, options, &result, &second, &bundled, err);
	if (r == 0)
		r = name_both(&archive, &second, err);
	if (r < 0)
		return r;
	print(&result);
	if (outputs->bundle)
		print_bundle(&bundled);
	return 0;
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
	r = pack(operands[0], &outputs, &options, &err);
	packing_display_end();
	return r < 0 ? cli_fail(&err) : 0;
}
