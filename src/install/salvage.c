#include "install/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bulk.h"
#include "base/fd.h"
#include "install/assembly.h"
#include "install/decode.h"
#include "install/local.h"
#include "install/rebuild.h"
#include "install/staged.h"
#include "install/survey.h"
#include "store/durable.h"
#include "store/layout.h"

#define ASIDE "seal" /* in staging/: that of the slot which is being mended */

struct salvage {
	int dirfd;
	enum slot slot;
	struct stage_listener listener;
	struct seal seal;
	bool aside; /* the seal is the one in staging/ */
	int slot_fd;
	int staging_fd;
	struct survey *survey;
	bool *wanted; /* by content */
	struct local *local;
	struct decode *decode; /* NULL until a block comes, as assembly */
	struct assembly *assembly;
};

void salvage_free(struct salvage *salvage)
{
	if (!salvage)
		return;
	decode_free(salvage->decode);
	assembly_free(salvage->assembly);
	local_free(salvage->local);
	survey_free(salvage->survey);
	seal_done(&salvage->seal);
	cleanup_close(&salvage->slot_fd);
	cleanup_close(&salvage->staging_fd);
	bulk_free(salvage->wanted);
	free(salvage);
}

const struct descriptor *salvage_descriptor(const struct salvage *salvage)
{
	return &salvage->seal.descriptor;
}

/* ---- the seal, where it is or where it was laid aside ---- */

/* > 0: SEAL_ABSENT */
static int load_aside(int dirfd, struct seal *ret_seal, struct error *err)
{
	_cleanup_close_ int staging_fd = -1;
	_cleanup_bulk_ char *bytes = NULL;
	size_t size;
	int r = staged_open_dir(dirfd, &staging_fd, err);

	if (r == 0)
		r = fd_read_bulk(staging_fd, ASIDE, SEAL_MAX, &bytes, &size, err);
	if (r != 0)
		return r < 0 ? r : SEAL_ABSENT;
	return seal_decode(bytes, size, ret_seal, NULL) < 0 ? SEAL_ABSENT : 0;
}

int salvage_peek(int dirfd, enum slot slot, struct descriptor *ret_descriptor, struct error *err)
{
	_cleanup_seal_ struct seal seal = {};
	int r = seal_peek(dirfd, slot, ret_descriptor, err);

	if (r != SEAL_ABSENT)
		return r < 0 ? r : SEAL_ABSENT;
	r = load_aside(dirfd, &seal, err);
	if (r == 0)
		*ret_descriptor = seal.descriptor;
	return r;
}

int salvage_drop(int dirfd, struct error *err)
{
	_cleanup_close_ int staging_fd = -1;
	int r = staged_open_dir(dirfd, &staging_fd, err);

	if (r != 0 || faccessat(staging_fd, ASIDE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return r < 0 ? r : 0;
	return durable_remove(staging_fd, ASIDE, err);
}

static int load_seal(struct salvage *salvage, struct error *err)
{
	int r = seal_load(salvage->dirfd, salvage->slot, &salvage->seal, err);

	if (r != SEAL_ABSENT)
		return r;
	salvage->aside = true;
	return load_aside(salvage->dirfd, &salvage->seal, err);
}

/* ---- what is wanted ---- */

static int survey(struct salvage *salvage, struct error *err)
{
	struct survey_options options = {
		.slot_fd = salvage->slot_fd,
		.staging_fd = salvage->staging_fd,
		.index = salvage->seal.index,
		.listener = &salvage->listener,
	};
	_cleanup_close_ int other_fd = -1;
	struct stat st;
	size_t n;
	int r;

	if (fstat(salvage->dirfd, &st) < 0)
		return error_errno(err, "looking at the app's directory");
	options.owner = st.st_uid;
	(void)layout_open_slot(salvage->dirfd, slot_other(salvage->slot), &other_fd, NULL);
	options.other_fd = other_fd;
	r = survey_run(&options, &salvage->survey, err);
	if (r < 0)
		return r;
	n = contents_count(salvage->survey->contents);
	salvage->wanted = bulk_alloc(n + 1, sizeof(*salvage->wanted));
	if (!salvage->wanted)
		return error_errno(err, "mending a slot");
	for (size_t i = 0; i < n; i++)
		salvage->wanted[i] = salvage->survey->origins[i].origin == SURVEY_WANTED;
	return 0;
}

static int check_slot(const struct salvage *salvage, struct error *err)
{
	enum slot current = SLOT_NONE;
	int r = layout_current(salvage->dirfd, &current, err);

	if (r >= 0 && current == salvage->slot)
		return error_set(err, FAULT_INTERNAL, "the slot %s is the current one: not mended",
				 slot_name(current));
	return r < 0 ? r : 0;
}

int salvage_new(int dirfd, enum slot slot, const struct stage_listener *listener,
		struct salvage **ret_salvage, struct error *err)
{
	_cleanup_(salvage_freep) struct salvage *salvage = calloc(1, sizeof(*salvage));
	int r;

	if (!salvage)
		return error_errno(err, "mending a slot");
	salvage->dirfd = dirfd;
	salvage->slot = slot;
	salvage->slot_fd = salvage->staging_fd = -1;
	if (listener)
		salvage->listener = *listener;
	r = check_slot(salvage, err);
	if (r == 0)
		r = load_seal(salvage, err);
	if (r != 0)
		return r;
	r = index_sort(salvage->seal.index, err);
	if (r == 0)
		r = layout_open_slot(dirfd, slot, &salvage->slot_fd, err);
	if (r == 0)
		r = staged_make_dir(dirfd, &salvage->staging_fd, err);
	if (r == 0)
		r = local_new(NULL, NULL, &salvage->local, err);
	if (r == 0)
		r = survey(salvage, err);
	if (r == 0)
		*ret_salvage = TAKE_PTR(salvage);
	return r;
}

size_t salvage_count_wanted(const struct salvage *salvage, uint64_t *ret_bytes)
{
	const struct contents *contents = salvage->survey->contents;
	uint64_t bytes = 0;
	size_t n = 0;

	for (uint32_t i = 0; i < contents_count(contents); i++) {
		if (!salvage->wanted[i])
			continue;
		bytes += contents_entry(contents, i)->size;
		n++;
	}
	if (ret_bytes)
		*ret_bytes = bytes;
	return n;
}

/* ---- from the other slot ---- */

/* > 0: it is not to be had there. */
static int copy(struct salvage *salvage, uint32_t content, int other_fd, const char *path,
		struct error *err)
{
	const struct index_entry *entry = contents_entry(salvage->survey->contents, content);
	_cleanup_close_ int fd = -1;
	char hex[DIGEST_HEX_MAX];
	const char *why;
	int r = staged_create(salvage->staging_fd, &entry->digest, &fd, err);

	if (r == 0)
		r = local_copy(salvage->local, other_fd, path, entry, fd, &why, err);
	if (r == 0)
		salvage->wanted[content] = false;
	else
		(void)unlinkat(salvage->staging_fd, digest_to_hex(&entry->digest, hex), 0);
	return r;
}

int salvage_from_slot(struct salvage *salvage, enum slot other, struct error *err)
{
	_cleanup_(contents_freep) struct contents *theirs = NULL;
	_cleanup_seal_ struct seal seal = {};
	_cleanup_close_ int other_fd = -1;
	int r = seal_load(salvage->dirfd, other, &seal, NULL);

	if (r != 0)
		return 0; /* no help from there */
	r = index_sort(seal.index, err);
	if (r == 0)
		r = contents_new(seal.index, &theirs, err);
	if (r == 0)
		r = layout_open_slot(salvage->dirfd, other, &other_fd, err);
	for (uint32_t i = 0; r >= 0 && i < contents_count(salvage->survey->contents); i++) {
		const struct index_entry *entry = contents_entry(salvage->survey->contents, i);
		uint32_t found = contents_find(theirs, &entry->digest, entry->size);

		if (salvage->wanted[i] && found != CONTENTS_NONE)
			r = copy(salvage, i, other_fd, contents_entry(theirs, found)->path, err);
	}
	return r < 0 ? r : 0;
}

/* ---- from a bundle ---- */

/* CONTENTS_NONE: it is not wanted. */
static uint32_t wanted_content(const struct salvage *salvage, const struct bundle_block *block)
{
	uint32_t content = block->entry < index_count(salvage->seal.index) ?
				   contents_of(salvage->survey->contents, block->entry) :
				   CONTENTS_NONE;

	return content != CONTENTS_NONE && salvage->wanted[content] ? content : CONTENTS_NONE;
}

bool salvage_wants(const struct salvage *salvage, const struct bundle_block *block)
{
	return wanted_content(salvage, block) != CONTENTS_NONE;
}

static int prepare_blocks(struct salvage *salvage, struct error *err)
{
	int r = 0;

	if (!salvage->decode)
		r = decode_new(-1, NULL, &salvage->decode, err);
	if (r == 0 && !salvage->assembly)
		r = assembly_new(salvage->survey->contents, &salvage->assembly, err);
	return r;
}

static int add_block(struct salvage *salvage, uint32_t content, const struct bundle_block *block,
		     size_t raw_size, struct error *err)
{
	const char *path = contents_entry(salvage->survey->contents, content)->path;
	int r;

	if (block->number != assembly_reached(salvage->assembly, content))
		return error_set(err, FAULT_INTERNAL, "block %u of %s does not come in its order",
				 block->number, path);
	r = assembly_add(salvage->assembly, salvage->staging_fd, content,
			 decode_buffer(salvage->decode), raw_size, err);
	if (r == ASSEMBLY_DIFFERS)
		return error_set(err, FAULT_CORRUPT,
				 "the blocks of %s make another file than the seal says", path);
	if (r == ASSEMBLY_COMPLETE)
		salvage->wanted[content] = false;
	return r < 0 ? r : 0;
}

int salvage_take_block(struct salvage *salvage, const struct bundle *bundle,
		       const struct bundle_block *block, const void *bytes, size_t size,
		       struct error *err)
{
	uint32_t content = wanted_content(salvage, block);
	size_t raw_size = bundle_raw_size(bundle, block);
	int r;

	if (content == CONTENTS_NONE)
		return 0;
	r = bundle_check_packed(block, bytes, size, err);
	if (r == 0)
		r = prepare_blocks(salvage, err);
	if (r == 0)
		r = assembly_make_room(salvage->assembly, salvage->decode, false, err);
	if (r == 0)
		r = decode_block(salvage->decode, block, bytes, size, raw_size, err);
	return r == 0 ? add_block(salvage, content, block, raw_size, err) : r;
}

/* ---- from the archive ---- */

struct taking {
	struct salvage *salvage;
	uint32_t content; /* of the file that comes; CONTENTS_NONE: it is not wanted */
	int fd;
};

static int on_entry(void *data, const struct index_entry *entry, struct error *err)
{
	struct taking *taking = data;
	const struct salvage *salvage = taking->salvage;
	uint32_t number = entry->type == INDEX_FILE ?
				  index_number(salvage->seal.index, entry->path) :
				  INDEX_NONE;
	uint32_t content = number == INDEX_NONE ? CONTENTS_NONE :
						  contents_of(salvage->survey->contents, number);

	taking->content = CONTENTS_NONE;
	if (content == CONTENTS_NONE || !salvage->wanted[content])
		return 0;
	taking->content = content;
	return staged_create(salvage->staging_fd,
			     &contents_entry(salvage->survey->contents, content)->digest,
			     &taking->fd, err);
}

static int on_content(void *data, const void *bytes, size_t size, uint64_t offset,
		      struct error *err)
{
	const struct taking *taking = data;

	if (taking->fd >= 0 && fd_pwrite_full(taking->fd, bytes, size, (off_t)offset) < 0)
		return error_errno(err, "writing to " LAYOUT_STAGING);
	return 0;
}

static int on_end(void *data, uint64_t size, struct error *err)
{
	struct taking *taking = data;
	struct salvage *salvage = taking->salvage;
	const struct index_entry *entry;
	char hex[DIGEST_HEX_MAX];
	struct digest digest;
	uint64_t found = 0;
	int r;

	if (taking->content == CONTENTS_NONE)
		return 0;
	entry = contents_entry(salvage->survey->contents, taking->content);
	if (ftruncate(taking->fd, (off_t)size) < 0)
		return error_errno(err, "writing to " LAYOUT_STAGING);
	r = local_digest(salvage->local, taking->fd, &digest, &found, err);
	cleanup_close(&taking->fd);
	taking->fd = -1;
	if (r == 0 && found == entry->size && digest_equal(&digest, &entry->digest))
		salvage->wanted[taking->content] = false;
	else
		(void)unlinkat(salvage->staging_fd, digest_to_hex(&entry->digest, hex), 0);
	return r < 0 ? r : 0;
}

static const struct archive_sink sink = {
	.entry = on_entry,
	.content = on_content,
	.end = on_end,
};

static int on_read(void *data, uint64_t done, uint64_t total, struct error *err)
{
	const struct salvage *salvage = data;

	if (!salvage->listener.progress)
		return 0;
	return salvage->listener.progress(salvage->listener.data, STAGE_VERIFY, done, total, err);
}

int salvage_from_archive(struct salvage *salvage, int fd, const struct stage_options *options,
			 struct error *err)
{
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	struct taking taking = {
		.salvage = salvage,
		.content = CONTENTS_NONE,
		.fd = -1,
	};
	int r = pieces_new(fd, &salvage->seal.descriptor.source, options->max_archive_bytes,
			   on_read, salvage, &pieces, err);

	if (r == 0)
		r = archive_read(pieces, &options->archive, &sink, &taking, on_read, salvage, err);
	cleanup_close(&taking.fd);
	return r;
}

/* ---- putting right ---- */

static int check_whole(const struct salvage *salvage, struct error *err)
{
	for (uint32_t i = 0; i < contents_count(salvage->survey->contents); i++)
		if (salvage->wanted[i])
			return error_set(err, FAULT_CORRUPT, "%s is nowhere to be had",
					 contents_entry(salvage->survey->contents, i)->path);
	return 0;
}

/* From here on it is in two places, so that one of them may go. */
static int lay_aside(const struct salvage *salvage, struct error *err)
{
	if (salvage->aside)
		return 0;
	if (unlinkat(salvage->staging_fd, ASIDE, 0) < 0 && errno != ENOENT)
		return error_errno(err, "removing " LAYOUT_STAGING "/" ASIDE);
	if (linkat(salvage->dirfd, slot_seal_name(salvage->slot), salvage->staging_fd, ASIDE, 0) <
	    0)
		return error_errno(err, "laying the seal of slot %s aside",
				   slot_name(salvage->slot));
	return durable_sync_dir(salvage->staging_fd, err);
}

static int open_rebuild(struct salvage *salvage, struct rebuild **ret_rebuild, struct error *err)
{
	const struct rebuild_options options = {
		.dirfd = salvage->dirfd,
		.target = salvage->slot,
		.source = SLOT_NONE,
		.dedupe = DEDUPE_HARDLINK, /* what is shared stays so */
		.index = salvage->seal.index,
	};
	_cleanup_(rebuild_freep) struct rebuild *rebuild = NULL;
	int r = rebuild_new(&options, &rebuild, err);

	if (r == 0 && rebuild_count_wanted(rebuild) > 0)
		return error_set(err, FAULT_CORRUPT, "what was made ready for it has changed");
	if (r == 0)
		*ret_rebuild = TAKE_PTR(rebuild);
	return r;
}

int salvage_finish(struct salvage *salvage, uint64_t reserve_bytes, struct error *err)
{
	_cleanup_(rebuild_freep) struct rebuild *rebuild = NULL;
	struct descriptor descriptor = salvage->seal.descriptor;
	int r = check_whole(salvage, err);

	if (r == 0)
		r = open_rebuild(salvage, &rebuild, err);
	if (r == 0)
		r = rebuild_check_space(rebuild, reserve_bytes, err);
	if (r == 0)
		r = lay_aside(salvage, err);
	if (r == 0)
		r = rebuild_begin(rebuild, err);
	while (r == 0)
		r = rebuild_clone(rebuild, err);
	if (r == REBUILD_CLONED)
		r = rebuild_finish(rebuild, &descriptor, err);
	if (r < 0)
		return r;
	r = staged_tidy(salvage->staging_fd, NULL, err);
	return r < 0 ? r : durable_remove(salvage->staging_fd, ASIDE, err);
}
