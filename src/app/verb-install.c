#include "app/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/ask.h"
#include "app/errand.h"
#include "app/round.h"
#include "app/signed-file.h"
#include "app/sums.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"
#include "release/descriptor.h"

#define STRIP_MAX 64

struct install {
	const char *version, *sha256, *sums_file, *strip, *key, *signature, *epoch, *group;
	bool trust_me, start, now, one_way, force, no_follow, json;
};

static int cannot_open(const char *name, struct error *err)
{
	return error_set(err, FAULT_CONFIG, "%s: %s", name, strerrordesc_np(errno));
}

/* The worker has another working directory, and opens the file when its turn comes. */
static int take_file(const char *file, struct request *request, struct error *err)
{
	_cleanup_free_ char *path = realpath(file, NULL);
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (!path)
		return cannot_open(file, err);
	if (strlen(path) >= sizeof(request->source))
		return error_set(err, FAULT_CONFIG, "%s: the path is too long", file);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return cannot_open(path, err);
	if (!S_ISREG(st.st_mode))
		return error_set(
			err, FAULT_CONFIG,
			"%s is not a regular file; `flipslot install` takes a tar or zip archive",
			path);
	r = ask_check_seen(path, ASK_WORKER_ROOT, err);
	if (r < 0)
		return r;
	(void)text_copy(path, request->source, sizeof(request->source));
	return 0;
}

static int take_options(const struct install *options, struct request *request, struct error *err)
{
	int given = !!options->sha256 + !!options->sums_file + !!options->key + options->trust_me;
	uint64_t strip = 0;
	int r;

	if (!options->version)
		return error_set(err, FAULT_CONFIG,
				 "--version is missing: what shall this release be called?");
	if (!descriptor_is_version(options->version))
		return error_set(err, FAULT_CONFIG,
				 "--version: 1 to 127 printable characters without blanks and /");
	if (options->strip) {
		r = parse_u64(options->strip, 0, STRIP_MAX, &strip, err);
		if (r < 0)
			return error_prefix(err, r, "--strip-components");
	}
	if (options->epoch) {
		r = parse_u64(options->epoch, 0, INT64_MAX, &request->epoch, err);
		if (r < 0)
			return error_prefix(err, r, "--epoch");
	}
	if (given != 1)
		return error_set(
			err, FAULT_CONFIG,
			given > 1 ?
				"--sha256, --sha256-file, --minisign-key and --trust-me exclude "
				"each other" :
				"say which file it must be: --sha256 HEX as its publisher "
				"tells it, --minisign-key KEY, or --trust-me (`sha256sum FILE` "
				"tells what it is)");
	if (options->signature && !options->key)
		return error_set(err, FAULT_CONFIG,
				 "--minisign-sig is for --minisign-key: whose signature is it?");
	request->verb = VERB_INSTALL;
	request->slot = SLOT_NONE;
	request->strip_components = (unsigned int)strip;
	request->start = options->start;
	request->now = options->now;
	request->no_way_back = options->one_way;
	request->force = options->force;
	request->trust_me = options->trust_me;
	(void)text_copy(options->version, request->version, sizeof(request->version));
	return options->sha256 ? digest_from_hex(options->sha256, &request->source_digest, err) : 0;
}

/* The worker will hold the file to the digest of what was verified here. */
static int verify(const struct install *install, const char *file, struct request *request,
		  struct error *err)
{
	const struct signed_file input = {
		.file = file,
		.key = install->key,
		.signature = install->signature,
	};
	struct signed_file_verdict verdict;
	int r = signed_file_check(&input, &verdict, err);

	if (r < 0)
		return r;
	request->source_digest = verdict.digest;
	(void)text_copy(verdict.signer, request->signer, sizeof(request->signer));
	if (!install->json) {
		printf("minisign: signed by %s: %s\n", verdict.signer, verdict.comment);
		(void)fflush(stdout);
	}
	return 0;
}

static int find_digest(const struct install *install, const char *file, struct request *request,
		       struct error *err)
{
	if (install->sums_file)
		return sums_read(install->sums_file, file, &request->source_digest, err);
	return install->key ? verify(install, file, request, err) : 0;
}

int verb_install(const struct cli_verb *verb, int argc, char **argv)
{
	struct install install = {};
	const struct cli_option options[] = {
		{ "version", 'V', "V", "what the release is called, for people",
		  .text = &install.version },
		{ "sha256", '\0', "HEX", "the file's SHA-256; one of these four must be given",
		  .text = &install.sha256 },
		{ "sha256-file", '\0', "SUMS", "… as a file that sha256sum wrote",
		  .text = &install.sums_file },
		{ "minisign-key", '\0', "KEY",
		  "… signed by this key: a minisign.pub, or its base64", .text = &install.key },
		{ "minisign-sig", '\0', "SIG", "the signature, if it is not FILE.minisig",
		  .text = &install.signature },
		{ "trust-me", '\0', NULL, "… take the file as it is; goes down in the history",
		  .flag = &install.trust_me },
		{ "strip-components", '\0', "N", "drop N leading parts of each name",
		  .text = &install.strip },
		{ "start", '\0', NULL, "go on although the unit is not running",
		  .flag = &install.start },
		{ "now", '\0', NULL, "wait for no window and no inhibitor", .flag = &install.now },
		{ "force", '\0', NULL, "empty the other slot although old processes still use it",
		  .flag = &install.force },
		{ "accept-no-rollback", '\0', NULL, "although the data could not be taken back",
		  .flag = &install.one_way },
		{ "epoch", '\0', "N", "of the data that the release reads and writes",
		  .text = &install.epoch },
		{ "group", '\0', "NAME", "as a part of the group, which waits for all of them",
		  .text = &install.group },
		{ "no-follow", '\0', NULL, "return once the worker has accepted",
		  .flag = &install.no_follow },
		{ "json", '\0', NULL, "print events as lines of JSON", .flag = &install.json },
		{},
	};
	struct request request = {};
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 2, 2, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (take_options(&install, &request, &err) < 0)
		return cli_refuse(verb, "%s", err.text);
	if (take_file(operands[1], &request, &err) < 0)
		return cli_fail(&err);
	if (find_digest(&install, operands[1], &request, &err) < 0)
		return cli_fail(&err);
	if (install.group && round_take_part(install.group, operands[0], &request, &err) < 0)
		return cli_fail(&err);
	return errand_run(&(struct errand){ .verb = verb,
					    .app = operands[0],
					    .json = install.json,
					    .no_follow = install.no_follow },
			  &request);
}
