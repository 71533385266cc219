#include "install/survey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "base/bulk.h"
#include "base/fd.h"
#include "install/attributes.h"
#include "base/crew.h"
#include "install/local.h"
#include "install/meter.h"
#include "install/place.h"
#include "install/stray.h"
#include "store/layout.h"

#define GROUP_OR_OTHER_WRITE 022

/* A survey while it is made. */
struct work {
	const struct survey_options *options;
	struct survey *survey;
	struct local *hands[CREW_HANDS];
	struct meter meter;
	uint32_t *links; /* numbers of hard links, by target */
	size_t n_links;
	struct digest
		*found; /* of files of the right size that have another content; null: not known */
	atomic_ullong stay_bytes;
	atomic_ullong stay_inodes;
};

static void work_done(struct work *work)
{
	for (size_t i = 0; i < CREW_HANDS; i++)
		local_free(work->hands[i]);
	bulk_free(work->found);
	bulk_free(work->links);
}

void survey_free(struct survey *survey)
{
	if (!survey)
		return;
	bulk_free(survey->strays);
	arena_done(&survey->paths);
	bulk_free(survey->strange);
	bulk_free(survey->origins);
	bulk_free(survey->fates);
	contents_free(survey->contents);
	free(survey);
}

bool survey_stays(const struct survey *survey, uint32_t number)
{
	return survey->fates[number] == SURVEY_KEEP || survey->fates[number] == SURVEY_MEND;
}

static bool is_alike(const struct index_entry *a, const struct index_entry *b)
{
	return a->type == INDEX_FILE && b->type == INDEX_FILE && a->size == b->size &&
	       digest_equal(&a->digest, &b->digest) && a->mode == b->mode && a->mtime == b->mtime &&
	       a->capability_size == b->capability_size &&
	       memcmp(a->capability, b->capability, a->capability_size) == 0;
}

uint32_t survey_twin(const struct survey *survey, uint32_t number)
{
	const struct index_entry *entry = index_at(survey->index, number);
	const struct index_entry *there;
	uint32_t twin;

	if (!survey->shares || !survey->source || entry->linked || survey->strange[number] ||
	    (entry->mode & GROUP_OR_OTHER_WRITE))
		return INDEX_NONE;
	twin = index_number(survey->source, entry->path);
	there = twin == INDEX_NONE ? NULL : index_at(survey->source, twin);
	return there && !there->linked && is_alike(entry, there) ? twin : INDEX_NONE;
}

/* NULL: errno says why. */
static DIR *list(int dirfd)
{
	_cleanup_close_ int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir)
		TAKE_FD(fd);
	return dir;
}

/* ---- one file in its place ---- */

static int compare_targets(const void *a, const void *b, void *data)
{
	const struct index *index = data;

	return strcmp(index_at(index, *(const uint32_t *)a)->target,
		      index_at(index, *(const uint32_t *)b)->target);
}

/* Where in the links those to that path begin. */
static size_t find_links(const struct work *work, const char *path)
{
	size_t low = 0;
	size_t high = work->n_links;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(index_at(work->options->index, work->links[middle])->target, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Names in staging/ that a worker could not take away any more before it died. */
static nlink_t count_staged_names(const struct work *work, const struct index_entry *entry,
				  const struct stat *st)
{
	int fd = work->options->staging_fd;
	char temporary[PLACE_TEMPORARY_MAX];
	char hex[DIGEST_HEX_MAX];

	return (nlink_t)local_is_file(fd, digest_to_hex(&entry->digest, hex), st) +
	       local_is_file(fd, place_temporary_name(&entry->digest, temporary), st);
}

static bool is_shared(const struct work *work, const struct index_entry *entry,
		      const struct stat *st)
{
	return st->st_nlink > 1 && local_is_file(work->options->other_fd, entry->path, st);
}

/* Are all names of the file such as we give it? Another one may be the running slot's. */
static bool has_no_strange_name(const struct work *work, const struct index_entry *entry,
				const struct stat *st)
{
	const struct index *index = work->options->index;
	nlink_t names = 1 + is_shared(work, entry, st);

	if (st->st_nlink == 1)
		return true;
	for (size_t i = find_links(work, entry->path); i < work->n_links; i++) {
		const struct index_entry *link = index_at(index, work->links[i]);

		if (strcmp(link->target, entry->path) != 0)
			break;
		names += local_is_file(work->options->slot_fd, link->path, st);
	}
	if (names < st->st_nlink)
		names += count_staged_names(work, entry, st);
	return names == st->st_nlink;
}

/* Somebody who could open it for writing may have it open still. */
static bool may_be_mended(const struct index_entry *entry, const struct stat *st)
{
	return (st->st_mode & GROUP_OR_OTHER_WRITE & ~entry->mode) == 0;
}

static int judge_content(struct work *work, unsigned int hand, size_t n, int fd, bool *ret_same,
			 struct error *err)
{
	const struct index_entry *entry = index_at(work->options->index, n);
	struct digest digest;
	uint64_t size = 0;
	int r = local_digest(work->hands[hand], fd, &digest, &size, err);

	*ret_same = r == 0 && size == entry->size && digest_equal(&digest, &entry->digest);
	if (r == 0 && !*ret_same)
		work->found[n] = digest;
	return r < 0 ? r : 0;
}

static enum survey_fate judge_attributes(struct work *work, size_t n, int fd, const struct stat *st)
{
	const struct index_entry *entry = index_at(work->options->index, n);
	bool same = attributes_match(fd, st, entry);

	if (is_shared(work, entry, st))
		return same ? SURVEY_KEEP : SURVEY_MAKE;
	if (!same && !may_be_mended(entry, st))
		return SURVEY_MAKE;
	atomic_fetch_add(&work->stay_bytes, (unsigned long long)st->st_blocks * 512);
	atomic_fetch_add(&work->stay_inodes, 1);
	return same ? SURVEY_KEEP : SURVEY_MEND;
}

/* Whatever stands in the way of it: the file is made anew then. */
static int look_at_file(void *data, unsigned int hand, size_t n, struct error *err)
{
	struct work *work = data;
	const struct survey_options *options = work->options;
	const struct index_entry *entry = index_at(options->index, n);
	_cleanup_close_ int fd = -1;
	struct stat st;
	bool same = false;
	int r;

	if (entry->type != INDEX_FILE)
		return 0;
	work->survey->fates[n] = SURVEY_MAKE;
	fd = local_open(options->slot_fd, entry->path, &st);
	if (fd < 0 || (uint64_t)st.st_size != entry->size || st.st_uid != options->owner ||
	    !has_no_strange_name(work, entry, &st))
		return (hand == 0 ? meter_tell : meter_count)(&work->meter, entry->size, err);
	r = judge_content(work, hand, n, fd, &same, err);
	if (r == 0 && same)
		work->survey->fates[n] = (unsigned char)judge_attributes(work, n, fd, &st);
	return r;
}

/* In an empty slot there is no file to ask for, thousands of times. */
static int expect_nothing(void *data, unsigned int hand, size_t n, struct error *err)
{
	const struct work *work = data;

	(void)hand;
	(void)err;
	if (index_at(work->options->index, n)->type == INDEX_FILE)
		work->survey->fates[n] = SURVEY_MAKE;
	return 0;
}

/* What cannot be listed counts as not empty. */
static bool is_empty(int dirfd)
{
	DIR *dir = list(dirfd);
	const struct dirent *entry;
	bool empty = dir != NULL;

	while (empty && (entry = readdir(dir)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (dir)
		(void)closedir(dir);
	return empty;
}

static int look_at_files(struct work *work, struct error *err)
{
	const struct index *index = work->options->index;
	const bool empty = is_empty(work->options->slot_fd);
	const struct crew_job job = {
		.count = index_count(index),
		.work = empty ? expect_nothing : look_at_file,
		.data = work,
	};
	uint64_t total = 0;
	int r;

	for (size_t i = 0; i < index_count(index); i++)
		total += index_at(index, i)->size;
	r = meter_begin(&work->meter, STAGE_VERIFY, total, err);
	if (r == 0)
		r = crew_run(&job, err);
	return r;
}

/* ---- where contents are ---- */

static void find_here(struct survey *survey)
{
	for (size_t n = 0; n < index_count(survey->index); n++) {
		uint32_t content = contents_of(survey->contents, (uint32_t)n);

		if (content == CONTENTS_NONE || !survey_stays(survey, (uint32_t)n))
			continue;
		survey->origins[content] = (struct survey_content){ SURVEY_HERE, (uint32_t)n };
	}
}

static void find_empty(struct survey *survey)
{
	for (uint32_t i = 0; i < contents_count(survey->contents); i++)
		if (survey->origins[i].origin == SURVEY_WANTED &&
		    contents_entry(survey->contents, i)->size == 0)
			survey->origins[i].origin = SURVEY_EMPTY;
}

/* A file that is complete in staging/, since the last worker died before it gave it its name, which is its digest. */
static int look_at_staged(struct work *work, const char *name, struct error *err)
{
	const struct survey *survey = work->survey;
	_cleanup_close_ int fd = -1;
	struct digest promised;
	struct digest digest;
	uint32_t content;
	struct stat st;
	uint64_t size = 0;
	int r;

	if (digest_from_hex(name, &promised, NULL) < 0)
		return 0;
	fd = local_open(work->options->staging_fd, name, &st);
	if (fd < 0 || st.st_nlink != 1 || st.st_uid != work->options->owner)
		return 0;
	content = contents_find(survey->contents, &promised, (uint64_t)st.st_size);
	if (content == CONTENTS_NONE || survey->origins[content].origin != SURVEY_WANTED)
		return 0;
	r = local_digest(work->hands[0], fd, &digest, &size, err);
	if (r == 0 && size == (uint64_t)st.st_size && digest_equal(&digest, &promised))
		survey->origins[content].origin = SURVEY_STAGING;
	return r < 0 ? r : 0;
}

static int find_staged(struct work *work, struct error *err)
{
	const struct dirent *entry;
	DIR *dir;
	int r = 0;

	if (work->options->staging_fd < 0)
		return 0;
	dir = list(work->options->staging_fd);
	if (!dir)
		return error_errno(err, "listing " LAYOUT_STAGING);
	while (r == 0 && (entry = readdir(dir)) != NULL)
		r = look_at_staged(work, entry->d_name, err);
	(void)closedir(dir);
	return r;
}

static int find_in_source(struct survey *survey, struct error *err)
{
	_cleanup_(contents_freep) struct contents *source = NULL;
	int r;

	if (!survey->source)
		return 0;
	r = contents_new(survey->source, &source, err);
	for (uint32_t i = 0; r == 0 && i < contents_count(survey->contents); i++) {
		const struct index_entry *entry = contents_entry(survey->contents, i);
		uint32_t found;

		if (survey->origins[i].origin != SURVEY_WANTED)
			continue;
		found = contents_find(source, &entry->digest, entry->size);
		if (found != CONTENTS_NONE)
			survey->origins[i] =
				(struct survey_content){ SURVEY_SOURCE,
							 contents_file(source, found, 0) };
	}
	return r;
}

static int find_strays(struct work *work, struct error *err)
{
	const struct stray_options options = {
		.slot_fd = work->options->slot_fd,
		.staging_fd = work->options->staging_fd,
		.survey = work->survey,
		.found = work->found,
		.hands = work->hands,
	};
	struct survey *survey = work->survey;
	int r = stray_find(&options, err);

	for (uint32_t i = 0; r == 0 && i < survey->n_strays; i++) {
		const struct survey_stray *stray = &survey->strays[i];
		uint32_t content = contents_find(survey->contents, &stray->digest, stray->size);

		if (!stray->digested || content == CONTENTS_NONE ||
		    survey->origins[content].origin != SURVEY_WANTED)
			continue;
		survey->origins[content] = (struct survey_content){ SURVEY_STRAY, i };
		survey->stay_bytes += stray->blocks * 512;
		survey->stay_inodes++;
	}
	return r;
}

/* Which files of the other slot cannot get a second name here: they have one elsewhere. */
static void find_strange(const struct work *work)
{
	struct survey *survey = work->survey;
	struct stat st;

	for (uint32_t n = 0; n < index_count(survey->index); n++) {
		_cleanup_close_ int fd = -1;

		if (survey->fates[n] != SURVEY_MAKE || survey_twin(survey, n) == INDEX_NONE)
			continue;
		fd = fd_open_inside(work->options->other_fd, index_at(survey->index, n)->path,
				    O_PATH);
		survey->strange[n] = fd < 0 || fstat(fd, &st) < 0 || st.st_nlink != 1;
	}
}

/* ---- the whole ---- */

static int prepare(struct work *work, struct survey *survey, struct error *err)
{
	const struct index *index = work->options->index;
	size_t n = index_count(index) + 1;
	int r = contents_new(index, &survey->contents, err);

	for (size_t i = 0; r == 0 && i < CREW_HANDS; i++)
		r = local_new(i == 0 ? meter_tell : meter_count, &work->meter, &work->hands[i],
			      err);
	if (r < 0)
		return r;
	survey->fates = bulk_alloc(n, 1);
	survey->strange = bulk_alloc(n, sizeof(*survey->strange));
	survey->origins = bulk_alloc(n, sizeof(*survey->origins));
	work->found = bulk_alloc(n, sizeof(*work->found));
	work->links = bulk_alloc(n, sizeof(*work->links));
	if (!survey->fates || !survey->strange || !survey->origins || !work->found || !work->links)
		return error_code(err, -ENOMEM, "surveying a slot");
	for (size_t i = 0; i < index_count(index); i++)
		if (index_at(index, i)->type == INDEX_HARDLINK)
			work->links[work->n_links++] = (uint32_t)i;
	qsort_r(work->links, work->n_links, sizeof(*work->links), compare_targets, (void *)index);
	return 0;
}

int survey_run(const struct survey_options *options, struct survey **ret_survey, struct error *err)
{
	_cleanup_(survey_freep) struct survey *survey = calloc(1, sizeof(*survey));
	_cleanup_(work_done) struct work work = {
		.options = options,
		.survey = survey,
		.meter = { .listener = options->listener },
	};
	int r;

	if (!survey)
		return error_errno(err, "surveying a slot");
	survey->index = options->index;
	survey->source = options->source;
	survey->owner = options->owner;
	survey->shares = options->other_fd >= 0;
	r = prepare(&work, survey, err);
	if (r == 0)
		r = look_at_files(&work, err);
	if (r < 0)
		return r;
	survey->stay_bytes = atomic_load(&work.stay_bytes);
	survey->stay_inodes = atomic_load(&work.stay_inodes);
	find_strange(&work);
	find_here(survey);
	find_empty(survey);
	r = find_staged(&work, err);
	if (r == 0)
		r = find_strays(&work, err);
	if (r == 0)
		r = find_in_source(survey, err);
	if (r == 0)
		r = meter_end(&work.meter, err);
	if (r == 0)
		*ret_survey = TAKE_PTR(survey);
	return r;
}
