#include "install/stray.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/bulk.h"
#include "base/crew.h"
#include "install/local.h"
#include "release/walk.h"

struct search {
	const struct stray_options *options;
	uint64_t *sizes; /* that are wanted, sorted */
	size_t n_sizes;
	size_t room; /* for strays */
};

static int compare_sizes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int collect_sizes(struct search *search, struct error *err)
{
	const struct survey *survey = search->options->survey;
	size_t n = contents_count(survey->contents);

	search->sizes = bulk_alloc(n + 1, sizeof(*search->sizes));
	if (!search->sizes)
		return error_errno(err, "surveying a slot");
	for (uint32_t i = 0; i < n; i++)
		if (survey->origins[i].origin == SURVEY_WANTED)
			search->sizes[search->n_sizes++] =
				contents_entry(survey->contents, i)->size;
	qsort(search->sizes, search->n_sizes, sizeof(*search->sizes), compare_sizes);
	return 0;
}

/* What others may write to may be open for that still: it is not taken over. */
static bool is_wanted(const struct search *search, const struct stat *st)
{
	const struct survey *survey = search->options->survey;
	uint64_t size = (uint64_t)st->st_size;

	return S_ISREG(st->st_mode) && (st->st_mode & 022) == 0 && st->st_nlink <= 2 &&
	       st->st_uid == survey->owner &&
	       bsearch(&size, search->sizes, search->n_sizes, sizeof(size), compare_sizes);
}

static struct survey_stray *add_stray(struct search *search)
{
	struct survey *survey = search->options->survey;
	size_t room = search->room > 0 ? 2 * search->room : 16;
	struct survey_stray *strays = survey->strays;

	if (survey->n_strays == search->room) {
		strays = bulk_resize(strays, room, sizeof(*strays));
		if (!strays)
			return NULL;
		survey->strays = strays;
		search->room = room;
	}
	return &survey->strays[survey->n_strays];
}

static int look_at(void *data, const struct walk_entry *entry, struct error *err)
{
	struct search *search = data;
	struct survey *survey = search->options->survey;
	uint32_t number = index_number(survey->index, entry->path);
	struct survey_stray *stray;

	if (!is_wanted(search, entry->stat) ||
	    (number != INDEX_NONE && survey_stays(survey, number)))
		return 0;
	stray = add_stray(search);
	if (!stray)
		return error_errno(err, "surveying a slot");
	*stray = (struct survey_stray){
		.path = arena_text(&survey->paths, entry->path),
		.inode = entry->stat->st_ino,
		.names = entry->stat->st_nlink,
		.size = (uint64_t)entry->stat->st_size,
		.blocks = (uint64_t)entry->stat->st_blocks,
		.modified = entry->stat->st_mtim,
	};
	if (!stray->path)
		return error_errno(err, "surveying a slot");
	survey->n_strays++;
	if (number != INDEX_NONE && !digest_is_null(&search->options->found[number])) {
		stray->digest = search->options->found[number];
		stray->digested = true;
	}
	return 0;
}

/* The second name of it may be one in staging/, if the worker that wanted to move it was killed. */
static bool is_ours_alone(const struct search *search, const struct survey_stray *stray)
{
	char hex[DIGEST_HEX_MAX];
	struct stat st;

	if (stray->names == 1)
		return true;
	return search->options->staging_fd >= 0 &&
	       fstatat(search->options->staging_fd, digest_to_hex(&stray->digest, hex), &st,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == stray->inode;
}

static int digest_stray(void *data, unsigned int hand, size_t i, struct error *err)
{
	const struct search *search = data;
	struct survey_stray *stray = &search->options->survey->strays[i];
	_cleanup_close_ int fd = -1;
	struct stat st;
	uint64_t size = 0;
	int r;

	if (stray->digested) {
		stray->digested = is_ours_alone(search, stray);
		return 0;
	}
	fd = local_open(search->options->slot_fd, stray->path, &st);
	if (fd < 0 || st.st_ino != stray->inode)
		return 0;
	r = local_digest(search->options->hands[hand], fd, &stray->digest, &size, err);
	stray->digested = r == 0 && size == stray->size && is_ours_alone(search, stray);
	return r < 0 ? r : 0;
}

static int find(struct search *search, struct error *err)
{
	const struct stray_options *options = search->options;
	int r = collect_sizes(search, err);
	struct crew_job job = { .work = digest_stray, .data = search };

	if (r < 0 || search->n_sizes == 0)
		return r;
	(void)walk_tree(options->slot_fd, look_at, search, NULL);
	job.count = options->survey->n_strays;
	return crew_run(&job, err);
}

int stray_find(const struct stray_options *options, struct error *err)
{
	struct search search = { .options = options };
	int r = find(&search, err);

	bulk_free(search.sizes);
	return r;
}
