#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/packing-display.h"
#include "app/publishing.h"
#include "app/verbs.h"
#include "base/fd.h"
#include "base/parse.h"
#include "publish/catalog.h"

static int parse_numbers(const char *min_sequence, const char *epoch,
			 struct catalog_release *release, struct error *err)
{
	int r = 0;

	if (min_sequence)
		r = parse_u64(min_sequence, 0, INT64_MAX, &release->min_sequence, err);
	if (r == 0 && epoch)
		r = parse_u64(epoch, 0, INT64_MAX, &release->epoch, err);
	return r;
}

static bool is_too_long(const char *text, size_t room)
{
	return text && strlen(text) >= room;
}

static int parse_requires(const char *from, const char *memory, struct catalog_release *release,
			  struct error *err)
{
	int r = 0;

	if (is_too_long(release->kernel, OFFER_REQUIRES_MAX) ||
	    is_too_long(release->glibc, OFFER_REQUIRES_MAX) ||
	    is_too_long(release->os, OFFER_REQUIRES_MAX) ||
	    is_too_long(release->libraries, OFFER_NAMES_MAX) ||
	    is_too_long(release->commands, OFFER_NAMES_MAX))
		return error_set(err, FAULT_CONFIG, "what is given with --requires-… is too long");
	if (from)
		r = parse_u64(from, 0, INT64_MAX, &release->from, err);
	if (r == 0 && memory)
		r = parse_size(memory, &release->memory, err);
	return r;
}

static int add(const char *dir, const char *tree, const char *passphrase_file,
	       const struct catalog_release *release, struct repo **ret_repo, struct error *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_(offer_freep) struct offer *offer = NULL;
	_cleanup_close_ int tree_fd = -1;
	int r = fd_open_dir(AT_FDCWD, tree, &tree_fd, err);

	if (r == 0)
		r = publishing_open(dir, passphrase_file, &repo, err);
	if (r == 0)
		r = catalog_add(repo, tree_fd, release, &offer, err);
	packing_display_end();
	if (r < 0)
		return r;
	assert(offer);
	printf("%s/%s/%s %s: sequence %" PRIu64 "%s, %" PRIu64 " bytes packed, %" PRIu64
	       " unpacked\n",
	       offer->app, offer->channel, offer->arch, offer->version, offer->sequence,
	       r == CATALOG_SAME ? " already" : "", offer->full_length, offer->bytes);
	*ret_repo = TAKE_PTR(repo);
	return 0;
}

static int publish(char **operands, const char *passphrase_file, struct catalog_release *release)
{
	struct repo *repo = NULL;
	struct error err = {};

	if (!release->name.channel)
		release->name.channel = "stable";
	if (!release->name.arch)
		release->name.arch = "any";
	if (add(operands[0], operands[1], passphrase_file, release, &repo, &err) < 0)
		return cli_fail(&err);
	return publishing_finish_consume(repo, false);
}

/* What is given as text, and becomes numbers. */
struct given {
	const char *min_sequence, *epoch, *from, *memory, *level, *mtime, *deltas;
	const char *check, *passphrase_file;
	bool allow_setuid, no_bundle, verbose;
	struct command command; /* of check */
};

static int parse_check(struct given *given, struct catalog_release *release, struct error *err)
{
	int r = given->check ? command_parse(given->check, &given->command, err) : 0;

	if (r == 0 && given->check)
		release->check = &given->command;
	return r < 0 ? error_prefix(err, r, "--check") : 0;
}

static int take(struct given *given, struct catalog_release *release, struct error *err)
{
	int r = parse_numbers(given->min_sequence, given->epoch, release, err);

	if (r == 0)
		r = parse_requires(given->from, given->memory, release, err);
	if (r == 0)
		r = parse_check(given, release, err);
	if (r == 0)
		r = publishing_pack_options(given->level, given->mtime, given->allow_setuid,
					    &release->pack, err);
	if (r == 0)
		r = publishing_delta_options(given->deltas, given->no_bundle, given->verbose,
					     &release->delta, err);
	return r;
}

int verb_repo_add(const struct cli_verb *verb, int argc, char **argv)
{
	struct given given = {};
	struct catalog_release release = { .min_sequence = CATALOG_KEEP,
					   .epoch = CATALOG_KEEP,
					   .from = CATALOG_KEEP,
					   .memory = CATALOG_KEEP };
	const struct cli_option options[] = {
		{ "app", 'a', "APP", "whose release it is (must be given)",
		  .text = &release.name.app },
		{ "version", 'V', "V", "what it is called (must be given)",
		  .text = &release.version },
		{ "channel", 'c', "CHANNEL", "stable otherwise", .text = &release.name.channel },
		{ "arch", '\0', "ARCH", "as `uname -m` says on devices; any otherwise",
		  .text = &release.name.arch },
		{ "min-sequence", '\0', "N", "nothing older may run any more",
		  .text = &given.min_sequence },
		{ "epoch", '\0', "N", "of the data that it reads and writes",
		  .text = &given.epoch },
		{ "requires-from", '\0', "N",
		  "it can only come over a release of this sequence or later",
		  .text = &given.from },
		{ "requires-kernel", '\0', "V", "this version of Linux or later",
		  .text = &release.kernel },
		{ "requires-glibc", '\0', "V", "this version of the GNU C library or later",
		  .text = &release.glibc },
		{ "requires-os", '\0', "ID[:V]",
		  "as os-release says, that version or later: debian:12", .text = &release.os },
		{ "requires-library", '\0', "LIST", "sonames, with blanks between",
		  .text = &release.libraries },
		{ "requires-command", '\0', "LIST", "programs, with blanks between",
		  .text = &release.commands },
		{ "requires-memory", '\0', "SIZE", "of the machine", .text = &given.memory },
		{ "check", '\0', "COMMAND", "that the release must pass on the device first",
		  .text = &given.check },
		{ "level", '\0', "N", "of zstd, 1 to 19; 19 otherwise", .text = &given.level },
		{ "mtime", '\0', "TIME", "the time of all files; otherwise their own",
		  .text = &given.mtime },
		{ "deltas", '\0', "N", "bundles from so many releases before, 0 to 31; 3 otherwise",
		  .text = &given.deltas },
		{ "no-bundle", '\0', NULL, "no bundle for devices with any other release",
		  .flag = &given.no_bundle },
		{ "verbose", 'v', NULL, "say what is made", .flag = &given.verbose },
		{ "allow-setuid", '\0', NULL, "take setuid, setgid and file capabilities",
		  .flag = &given.allow_setuid },
		{ "passphrase-file", '\0', "FILE", "of encrypted keys",
		  .text = &given.passphrase_file },
		{},
	};
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 2, 2, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	if (!release.name.app || !release.version)
		return cli_refuse(verb, "--app and --version must be given");
	if (take(&given, &release, &err) < 0)
		return cli_refuse(verb, "%s", err.text);
	return publish(operands, given.passphrase_file, &release);
}
