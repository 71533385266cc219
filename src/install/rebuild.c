#include "install/rebuild.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bulk.h"
#include "base/fd.h"
#include "install/assembly.h"
#include "install/clearing.h"
#include "install/cloning.h"
#include "install/conclude.h"
#include "install/decode.h"
#include "install/local.h"
#include "install/meter.h"
#include "install/outlay.h"
#include "install/place.h"
#include "install/staged.h"
#include "store/durable.h"
#include "store/layout.h"

struct rebuild {
	struct rebuild_options options;
	struct rebuild_listener listener;
	int slot_fd; /* open since before the first write: syncfs tells of errors since then */
	int staging_fd; /* -1: there is none yet */
	int source_fd;
	int other_fd; /* the slot that is not the target; -1: nothing is shared with it */
	struct survey *survey;
	struct outlay outlay;
	bool reflink;
	struct assembly *assembly;
	struct supply supply;
	struct meter meter;
	struct cloning *cloning; /* NULL: not begun, or through */
	struct decode *decode;
	bool *baseless; /* by content: its base was not what it should be */
};

void rebuild_free(struct rebuild *rebuild)
{
	if (!rebuild)
		return;
	cloning_free(rebuild->cloning);
	for (size_t i = 0; i < CREW_HANDS; i++) {
		local_free(rebuild->supply.locals[i]);
		place_free(rebuild->supply.places[i]);
	}
	bulk_free(rebuild->baseless);
	decode_free(rebuild->decode);
	assembly_free(rebuild->assembly);
	survey_free(rebuild->survey);
	cleanup_close(&rebuild->slot_fd);
	cleanup_close(&rebuild->staging_fd);
	cleanup_close(&rebuild->source_fd);
	cleanup_close(&rebuild->other_fd);
	free(rebuild);
}

/* ---- survey ---- */

static int open_directories(struct rebuild *rebuild, struct error *err)
{
	const struct rebuild_options *options = &rebuild->options;
	int r = layout_open_slot(options->dirfd, options->target, &rebuild->slot_fd, err);

	if (r == 0 && options->source != SLOT_NONE && options->source_index)
		r = layout_open_slot(options->dirfd, options->source, &rebuild->source_fd, err);
	if (r == 0 && options->dedupe == DEDUPE_HARDLINK)
		(void)layout_open_slot(options->dirfd, slot_other(options->target),
				       &rebuild->other_fd, NULL);
	if (r == 0)
		r = staged_open_dir(options->dirfd, &rebuild->staging_fd, err);
	return r < 0 ? r : 0;
}

static int sort_indexes(const struct rebuild *rebuild, struct error *err)
{
	int r = index_sort(rebuild->options.index, err);

	if (r == 0 && rebuild->source_fd >= 0)
		r = index_sort(rebuild->options.source_index, err);
	return r;
}

static int survey(struct rebuild *rebuild, struct error *err)
{
	struct survey_options options = {
		.slot_fd = rebuild->slot_fd,
		.staging_fd = rebuild->staging_fd,
		.other_fd = rebuild->other_fd,
		.index = rebuild->options.index,
		.source = rebuild->source_fd >= 0 ? rebuild->options.source_index : NULL,
		.listener = &rebuild->listener.stage,
	};
	struct stat st;
	int r;

	if (fstat(rebuild->options.dirfd, &st) < 0)
		return error_errno(err, "looking at the app's directory");
	options.owner = st.st_uid;
	r = survey_run(&options, &rebuild->survey, err);
	if (r < 0)
		return r;
	r = dedupe_decide(rebuild->options.dedupe, rebuild->slot_fd, rebuild->source_fd,
			  &rebuild->reflink, err);
	if (r < 0)
		return r;
	return outlay_measure(rebuild->options.dirfd, rebuild->slot_fd, rebuild->survey,
			      rebuild->reflink, &rebuild->outlay, err);
}

int rebuild_new(const struct rebuild_options *options, struct rebuild **ret_rebuild,
		struct error *err)
{
	_cleanup_(rebuild_freep) struct rebuild *rebuild = calloc(1, sizeof(*rebuild));
	int r;

	if (!rebuild)
		return error_errno(err, "rebuilding a slot");
	rebuild->options = *options;
	if (options->listener)
		rebuild->listener = *options->listener;
	rebuild->meter.listener = &rebuild->listener.stage;
	rebuild->slot_fd = rebuild->staging_fd = rebuild->source_fd = rebuild->other_fd = -1;
	r = open_directories(rebuild, err);
	if (r == 0)
		r = sort_indexes(rebuild, err);
	if (r == 0)
		r = survey(rebuild, err);
	if (r == 0)
		r = assembly_new(rebuild->survey->contents, &rebuild->assembly, err);
	if (r < 0)
		return r;
	rebuild->baseless = bulk_alloc(contents_count(rebuild->survey->contents) + 1,
				       sizeof(*rebuild->baseless));
	if (!rebuild->baseless)
		return error_errno(err, "rebuilding a slot");
	*ret_rebuild = TAKE_PTR(rebuild);
	return 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What has grown in staging/ already is on the disk. */
void rebuild_figures(const struct rebuild *rebuild, struct rebuild_figures *ret_figures)
{
	const struct outlay *outlay = &rebuild->outlay;
	uint64_t grown = assembly_bytes(rebuild->assembly);

	*ret_figures = (struct rebuild_figures){
		.kept_files = outlay->kept_files,
		.kept_bytes = outlay->kept_bytes,
		.local_files = outlay->local_files,
		.local_bytes = outlay->local_bytes,
		.wanted_files = outlay->wanted_files,
		.wanted_bytes = outlay->wanted_bytes,
		.write_bytes = less(outlay->write_bytes, grown),
		.peak_bytes = less(outlay_peak_bytes(outlay), grown),
		.peak_inodes = outlay_peak_inodes(outlay),
		.reflink = rebuild->reflink,
	};
}

int rebuild_check_space(const struct rebuild *rebuild, uint64_t reserve_bytes, struct error *err)
{
	struct plan plan = rebuild->outlay.plan;

	plan.bytes_needed = less(plan.bytes_needed, assembly_bytes(rebuild->assembly));
	return plan_check(&plan, &rebuild->outlay.space, reserve_bytes, err);
}

/* ---- begin ---- */

static void tell_tampered(const struct rebuild *rebuild, uint32_t number, const char *why)
{
	if (rebuild->listener.tampered)
		rebuild->listener.tampered(rebuild->listener.data,
					   index_at(rebuild->options.source_index, number)->path,
					   why);
}

static int check_target(const struct rebuild *rebuild, struct error *err)
{
	enum slot current = SLOT_NONE;
	int r = layout_current(rebuild->options.dirfd, &current, err);

	if (r >= 0 && current == rebuild->options.target)
		return error_set(err, FAULT_INTERNAL, "the slot %s is the current one: not rebuilt",
				 slot_name(current));
	return r < 0 ? r : 0;
}

static int open_staging(struct rebuild *rebuild, struct error *err)
{
	if (rebuild->staging_fd >= 0)
		return 0;
	return staged_make_dir(rebuild->options.dirfd, &rebuild->staging_fd, err);
}

/* Before what does not belong is removed. */
static int adopt_strays(struct rebuild *rebuild, struct error *err)
{
	struct survey *own = rebuild->survey;
	int r = 0;

	for (uint32_t i = 0; r >= 0 && i < contents_count(own->contents); i++) {
		if (own->origins[i].origin != SURVEY_STRAY)
			continue;
		r = staged_adopt(rebuild->staging_fd, rebuild->slot_fd,
				 &own->strays[own->origins[i].from], err);
		if (r == STAGED_ABSENT)
			own->origins[i].origin = SURVEY_WANTED;
	}
	return r < 0 ? r : 0;
}

static int prepare_hands(struct rebuild *rebuild, struct error *err)
{
	struct supply *supply = &rebuild->supply;
	int r = 0;

	supply->slot_fd = rebuild->slot_fd;
	supply->staging_fd = rebuild->staging_fd;
	supply->source_fd = rebuild->source_fd;
	supply->survey = rebuild->survey;
	supply->reflink = rebuild->reflink;
	for (size_t i = 0; r == 0 && i < CREW_HANDS; i++) {
		r = local_new(i == 0 ? meter_tell : meter_count, &rebuild->meter,
			      &supply->locals[i], err);
		if (r == 0 && rebuild->options.dedupe == DEDUPE_COPY)
			local_share_nothing(supply->locals[i]);
		if (r == 0)
			r = place_new(rebuild->slot_fd, rebuild->staging_fd, &supply->places[i],
				      err);
	}
	return r;
}

/* A full disk does not stay full because of us. The reason to tell is the first one. */
static int give_space_back(struct rebuild *rebuild, int r, const struct error *err)
{
	if (r >= 0 || err->fault != FAULT_NO_SPACE)
		return r;
	cloning_free(TAKE_PTR(rebuild->cloning)); /* which still writes */
	(void)layout_clear_slot(rebuild->options.dirfd, rebuild->options.target, NULL);
	if (rebuild->staging_fd >= 0)
		(void)staged_tidy(rebuild->staging_fd, NULL, NULL);
	return r;
}

static int change_slot(struct rebuild *rebuild, struct error *err)
{
	int r = open_staging(rebuild, err);

	if (r == 0)
		r = staged_tidy(rebuild->staging_fd, rebuild->survey, err);
	if (r == 0)
		r = adopt_strays(rebuild, err);
	if (r == 0)
		r = clearing_run(rebuild->slot_fd, rebuild->survey, err);
	if (r == 0)
		r = prepare_hands(rebuild, err);
	if (r == 0)
		r = cloning_new(&rebuild->supply, &rebuild->meter, rebuild->outlay.local_bytes,
				&rebuild->cloning, err);
	return r;
}

int rebuild_begin(struct rebuild *rebuild, struct error *err)
{
	const struct rebuild_options *options = &rebuild->options;
	struct error own = {};
	int r = check_target(rebuild, err);

	if (r < 0)
		return r;
	err = err ? err : &own;
	/* from here on the slot has no seal */
	r = durable_remove(options->dirfd, slot_seal_name(options->target), err);
	if (r == 0)
		r = change_slot(rebuild, err);
	return give_space_back(rebuild, r, err);
}

int rebuild_clone(struct rebuild *rebuild, struct error *err)
{
	const struct cloning_finding *findings;
	struct error own = {};
	size_t n;
	int r;

	if (!rebuild->cloning)
		return REBUILD_CLONED;
	err = err ? err : &own;
	r = cloning_step(rebuild->cloning, err);
	if (r == 0)
		return 0;
	n = cloning_findings(rebuild->cloning, &findings);
	for (size_t i = 0; i < n; i++)
		tell_tampered(rebuild, findings[i].number, findings[i].why);
	cloning_free(TAKE_PTR(rebuild->cloning));
	return r < 0 ? give_space_back(rebuild, r, err) : REBUILD_CLONED;
}

/* ---- blocks ---- */

/* The content that the block is of; CONTENTS_NONE: it is none of this release. */
static uint32_t content_of(const struct rebuild *rebuild, const struct bundle_block *block)
{
	if (block->entry >= index_count(rebuild->options.index))
		return CONTENTS_NONE;
	return contents_of(rebuild->survey->contents, block->entry);
}

bool rebuild_wants(const struct rebuild *rebuild, const struct bundle_block *block)
{
	uint32_t content = content_of(rebuild, block);

	return content != CONTENTS_NONE &&
	       rebuild->survey->origins[content].origin == SURVEY_WANTED &&
	       block->number >= assembly_reached(rebuild->assembly, content) &&
	       !(rebuild->baseless[content] && block_needs_base(block->kind));
}

uint64_t rebuild_count_wanted(const struct rebuild *rebuild)
{
	uint64_t wanted = 0;

	for (uint32_t i = 0; i < contents_count(rebuild->survey->contents); i++)
		wanted += rebuild->survey->origins[i].origin == SURVEY_WANTED;
	return wanted;
}

static int open_decode(struct rebuild *rebuild, struct error *err)
{
	if (rebuild->decode)
		return 0;
	return decode_new(rebuild->source_fd,
			  rebuild->source_fd >= 0 ? rebuild->options.source_index : NULL,
			  &rebuild->decode, err);
}

int rebuild_resume(struct rebuild *rebuild, const struct bundle *bundle, struct error *err)
{
	int r = rebuild->staging_fd >= 0 ? open_decode(rebuild, err) : 0;

	for (size_t i = 0; r == 0 && rebuild->staging_fd >= 0 && i < bundle->n_blocks; i++) {
		const struct bundle_block *block = &bundle->blocks[i];
		uint32_t content = content_of(rebuild, block);

		if (block->number == 0 && rebuild_wants(rebuild, block) &&
		    contents_entry(rebuild->survey->contents, content)->size > BLOCK_SIZE)
			r = assembly_resume(rebuild->assembly, rebuild->staging_fd, content, bundle,
					    i, decode_buffer(rebuild->decode), err);
	}
	return r;
}

static int corrupt(const struct rebuild *rebuild, uint32_t content, struct error *err)
{
	return error_set(err, FAULT_CORRUPT,
			 "the blocks of %s make another file than its index says",
			 contents_entry(rebuild->survey->contents, content)->path);
}

/* > 0: ASSEMBLY_DIFFERS. */
static int put(struct rebuild *rebuild, uint32_t content, const void *bytes, size_t size,
	       struct error *err)
{
	const struct index_entry *entry = contents_entry(rebuild->survey->contents, content);
	struct digest digest;
	int r;

	if (entry->size > BLOCK_SIZE) {
		r = assembly_add(rebuild->assembly, rebuild->staging_fd, content, bytes, size, err);
		return r == ASSEMBLY_COMPLETE ? supply_staged(&rebuild->supply, content, err) : r;
	}
	r = digest_of(bytes, size, &digest, err);
	if (r < 0)
		return r;
	return digest_equal(&digest, &entry->digest) ?
		       supply_bytes(&rebuild->supply, content, bytes, size, err) :
		       ASSEMBLY_DIFFERS;
}

/* > 0: REBUILD_NO_BASE. */
static int give_up_base(const struct rebuild *rebuild, const struct bundle_block *block)
{
	const char *why = decode_take_finding(rebuild->decode);

	if (why)
		tell_tampered(rebuild, block->base, why);
	rebuild->baseless[content_of(rebuild, block)] = true;
	return REBUILD_NO_BASE;
}

static int take(struct rebuild *rebuild, const struct bundle *bundle,
		const struct bundle_block *block, const void *bytes, size_t size, struct error *err)
{
	uint32_t content = content_of(rebuild, block);
	size_t raw_size = bundle_raw_size(bundle, block);
	int r = assembly_make_room(rebuild->assembly, rebuild->decode,
				   block_needs_base(block->kind), err);

	if (r == 0)
		r = decode_block(rebuild->decode, block, bytes, size, raw_size, err);
	if (r == DECODE_NO_BASE)
		return give_up_base(rebuild, block);
	if (r == 0)
		r = put(rebuild, content, decode_buffer(rebuild->decode), raw_size, err);
	if (r <= 0)
		return r;
	r = decode_check_base(rebuild->decode, block,
			      err); /* it may have changed while it was used */
	if (r == DECODE_NO_BASE)
		return give_up_base(rebuild, block);
	return r < 0 ? r : corrupt(rebuild, content, err);
}

static int check_block(const struct rebuild *rebuild, const struct bundle *bundle,
		       const struct bundle_block *block, struct error *err)
{
	uint32_t content = content_of(rebuild, block);
	const struct index_entry *entry;

	if (content == CONTENTS_NONE ||
	    index_count(bundle->index) != index_count(rebuild->options.index))
		return error_set(err, FAULT_CORRUPT, "a block of another release");
	entry = index_at(bundle->index, block->entry);
	if (!digest_equal(&entry->digest,
			  &contents_entry(rebuild->survey->contents, content)->digest))
		return error_set(err, FAULT_CORRUPT, "a block of another release");
	if (block->number > assembly_reached(rebuild->assembly, content))
		return rebuild->baseless[content] ?
			       REBUILD_NO_BASE :
			       error_set(err, FAULT_INTERNAL, "block %u of %s comes too early",
					 block->number, entry->path);
	return 0;
}

int rebuild_take(struct rebuild *rebuild, const struct bundle *bundle,
		 const struct bundle_block *block, const void *bytes, size_t size,
		 struct error *err)
{
	struct error own = {};
	int r;

	err = err ? err : &own;
	if (!rebuild_wants(rebuild, block))
		return 0;
	r = bundle_check_packed(block, bytes, size, err);
	if (r == 0)
		r = check_block(rebuild, bundle, block, err);
	if (r == 0)
		r = open_decode(rebuild, err);
	if (r == 0)
		r = take(rebuild, bundle, block, bytes, size, err);
	return give_space_back(rebuild, r, err);
}

/* ---- finish ---- */

static int finish(struct rebuild *rebuild, struct descriptor *descriptor, struct error *err)
{
	const struct conclude_options options = {
		.dirfd = rebuild->options.dirfd,
		.slot = rebuild->options.target,
		.slot_fd = rebuild->slot_fd,
		.other_fd = rebuild->other_fd,
		.owner = rebuild->survey->owner,
		.index = rebuild->options.index,
		.place = rebuild->supply.places[0],
		.meter = &rebuild->meter,
	};
	int r = staged_tidy(rebuild->staging_fd, NULL, err);

	return r < 0 ? r : conclude_run(&options, descriptor, err);
}

int rebuild_finish(struct rebuild *rebuild, struct descriptor *descriptor, struct error *err)
{
	struct error own = {};
	uint64_t wanted = rebuild_count_wanted(rebuild);
	int r = seal_check(descriptor, err);

	if (r < 0)
		return r;
	if (rebuild->cloning)
		return error_set(err, FAULT_INTERNAL, "the files of this disk are still cloned");
	if (wanted > 0)
		return error_set(err, FAULT_INTERNAL, "%llu contents are still wanted",
				 (unsigned long long)wanted);
	err = err ? err : &own;
	return give_space_back(rebuild, finish(rebuild, descriptor, err), err);
}
