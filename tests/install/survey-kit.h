/*
 * A survey of the directory `slot` for the tree `new`, with `source` as the other slot and `staging`.
 */
#pragma once

#include "release-kit.h"

#include "install/survey.h"

static bool looked_shares; /* files of source may be files of slot */

struct looked {
	int dirfd;
	int slot;
	int staging;
	int source_fd;
	struct index *index;
	struct index *source;
	struct survey *survey;
};

UNUSED static void looked_done(const struct looked *looked)
{
	(void)close(looked->slot);
	(void)close(looked->staging);
	(void)close(looked->source_fd);
	survey_free(looked->survey);
	index_free(looked->index);
	index_free(looked->source);
}
#define _cleanup_looked_ _cleanup_(looked_done)

/* The script finds new/ (a, d/b; d/h is d/b), slot/ as a copy of it, source/ (own), and staging/, which is empty. */
UNUSED static void look(struct looked *looked, void **state, const char *script)
{
	struct survey_options options = { .owner = geteuid() };
	int dirfd = check_dirfd(state);

	*looked = (struct looked){ .dirfd = dirfd };
	shell(dirfd,
	      "mkdir -p new/d source staging; echo aaa >new/a; echo bb >new/d/b; echo other >source/own;"
	      "ln new/d/b new/d/h; cp -a new slot");
	shell(dirfd, script);
	looked->index = kit_index(dirfd, "new");
	looked->source = kit_index(dirfd, "source");
	looked->slot = shell_open(dirfd, "slot");
	looked->staging = shell_open(dirfd, "staging");
	looked->source_fd = shell_open(dirfd, "source");
	options.slot_fd = looked->slot;
	options.staging_fd = looked->staging;
	options.other_fd = looked_shares ? looked->source_fd : -1;
	options.index = looked->index;
	options.source = looked->source;
	assert_int_equal(survey_run(&options, &looked->survey, NULL), 0);
}

UNUSED static uint32_t content_at(const struct looked *looked, const char *path)
{
	return contents_of(looked->survey->contents, index_number(looked->index, path));
}

UNUSED static enum survey_fate fate_of(const struct looked *looked, const char *path)
{
	return (enum survey_fate)looked->survey->fates[index_number(looked->index, path)];
}

UNUSED static struct survey_content origin_of(const struct looked *looked, const char *path)
{
	return looked->survey->origins[content_at(looked, path)];
}
