#include "install/outlay.h"

struct count {
	const struct survey *survey;
	struct outlay *outlay;
	uint64_t block_size;
	bool reflink;
};

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static bool is_first_to_make(const struct survey *survey, uint32_t content, uint32_t number)
{
	for (uint32_t i = 0;; i++) {
		uint32_t file = contents_file(survey->contents, content, i);

		if (file == number || survey->fates[file] == SURVEY_MAKE)
			return file == number;
	}
}

/* Is on the disk already, all but its name. */
static bool is_moved(const struct count *count, uint32_t content, bool first)
{
	enum survey_origin origin = count->survey->origins[content].origin;

	return first && (origin == SURVEY_STRAY || origin == SURVEY_STAGING);
}

static bool is_shared(const struct count *count, uint32_t content, bool first)
{
	enum survey_origin origin = count->survey->origins[content].origin;

	return count->reflink && (!first || origin == SURVEY_HERE || origin == SURVEY_SOURCE);
}

static void count_made(const struct count *count, uint32_t number, const struct index_entry *entry)
{
	const struct survey *survey = count->survey;
	struct outlay *outlay = count->outlay;
	uint32_t content = contents_of(survey->contents, number);
	uint64_t need = plan_of_entry(entry, count->block_size);
	bool first = is_first_to_make(survey, content, number);
	bool wanted = survey->origins[content].origin == SURVEY_WANTED;

	if (wanted && first) {
		outlay->wanted_files++;
		outlay->wanted_bytes += entry->size;
	} else {
		outlay->local_files++;
		outlay->local_bytes += entry->size;
	}
	if (survey_twin(survey, number) != INDEX_NONE &&
	    (survey->origins[content].origin == SURVEY_HERE ||
	     survey->origins[content].origin == SURVEY_SOURCE)) {
		outlay->plan.bytes_needed = less(outlay->plan.bytes_needed, need);
		outlay->plan.inodes_needed = less(outlay->plan.inodes_needed, 1);
	} else if (is_moved(count, content, first)) {
		outlay->plan.bytes_needed = less(outlay->plan.bytes_needed, need);
		outlay->plan.inodes_needed = less(outlay->plan.inodes_needed, 1);
	} else if (is_shared(count, content, first)) {
		outlay->plan.bytes_needed =
			less(outlay->plan.bytes_needed, less(need, count->block_size));
		outlay->write_bytes += OUTLAY_INODE;
	} else {
		outlay->write_bytes += need + OUTLAY_INODE;
	}
}

static void count_kept(const struct count *count, const struct index_entry *entry)
{
	struct outlay *outlay = count->outlay;

	outlay->kept_files++;
	outlay->kept_bytes += entry->size;
	outlay->plan.bytes_needed =
		less(outlay->plan.bytes_needed, plan_of_entry(entry, count->block_size));
	outlay->plan.inodes_needed = less(outlay->plan.inodes_needed, 1);
}

/* A slot that cannot be measured frees nothing, as far as anybody knows. */
static int measure_space(int dirfd, int slot_fd, const struct survey *survey,
			 struct plan_space *ret_space, struct error *err)
{
	struct plan_space space;
	int r;

	if (plan_measure(dirfd, slot_fd, &space, NULL) < 0) {
		r = plan_measure(dirfd, -1, &space, err);
		if (r < 0)
			return r;
	}
	space.bytes_freed = less(space.bytes_freed, survey->stay_bytes);
	space.inodes_freed = less(space.inodes_freed, survey->stay_inodes);
	*ret_space = space;
	return 0;
}

/*
 * What is no file, and the seal; names are counted with it. Directories and links of a slot in which some file stays are mostly
 * there already.
 */
static void count_rest(const struct count *count)
{
	const struct index *index = count->survey->index;
	struct outlay *outlay = count->outlay;
	uint64_t rest = plan_of(index, count->block_size).bytes_needed;

	for (size_t i = 0; i < index_count(index); i++) {
		const struct index_entry *entry = index_at(index, i);
		bool other = count->survey->fates[i] == SURVEY_OTHER;

		if (!other || outlay->kept_files > 0)
			rest = less(rest, plan_of_entry(entry, count->block_size));
		else if (entry->type != INDEX_HARDLINK)
			rest += OUTLAY_INODE;
	}
	outlay->write_bytes += rest;
}

int outlay_measure(int dirfd, int slot_fd, const struct survey *survey, bool reflink,
		   struct outlay *ret_outlay, struct error *err)
{
	struct outlay outlay = {};
	struct count count = { .survey = survey, .outlay = &outlay, .reflink = reflink };
	int r = measure_space(dirfd, slot_fd, survey, &outlay.space, err);

	if (r < 0)
		return r;
	count.block_size = outlay.space.block_size;
	outlay.plan = plan_of(survey->index, count.block_size);
	for (size_t i = 0; i < index_count(survey->index); i++) {
		if (survey->fates[i] == SURVEY_MAKE)
			count_made(&count, (uint32_t)i, index_at(survey->index, i));
		else if (survey->fates[i] != SURVEY_OTHER)
			count_kept(&count, index_at(survey->index, i));
	}
	count_rest(&count);
	*ret_outlay = outlay;
	return 0;
}

uint64_t outlay_peak_bytes(const struct outlay *outlay)
{
	return less(outlay->plan.bytes_needed, outlay->space.bytes_freed);
}

uint64_t outlay_peak_inodes(const struct outlay *outlay)
{
	return less(outlay->plan.inodes_needed, outlay->space.inodes_freed);
}
