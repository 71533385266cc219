#include "install/assembly.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bulk.h"
#include "base/fd.h"
#include "install/aside.h"
#include "install/local.h"
#include "install/staged.h"
#include "release/names.h"
#include "store/layout.h"

struct growing {
	uint32_t reached; /* blocks */
	struct digester *digester; /* of them */
	ino_t inode; /* of the file that they are in */
	struct timespec changed; /* that file, when we wrote to it last */
	bool doubted; /* it has changed since then */
};

struct assembly {
	const struct contents *contents;
	struct growing **growing; /* by content; NULL: nothing of it */
	struct aside *aside; /* makes their digests */
};

int assembly_new(const struct contents *contents, struct assembly **ret_assembly, struct error *err)
{
	_cleanup_(assembly_freep) struct assembly *assembly = calloc(1, sizeof(*assembly));
	int r;

	if (!assembly)
		return error_errno(err, "assembling files");
	assembly->contents = contents;
	assembly->growing = bulk_alloc(contents_count(contents) + 1, sizeof(void *));
	if (!assembly->growing)
		return error_errno(err, "assembling files");
	r = aside_new(&assembly->aside, err);
	if (r < 0)
		return r;
	*ret_assembly = TAKE_PTR(assembly);
	return 0;
}

static void growing_free(struct growing *growing)
{
	if (!growing)
		return;
	digester_free(growing->digester);
	free(growing);
}
CLEANUP_DEFINE(struct growing, growing_free);

void assembly_free(struct assembly *assembly)
{
	if (!assembly)
		return;
	aside_free(assembly->aside); /* before its digesters */
	for (size_t i = 0; assembly->growing && i < contents_count(assembly->contents); i++)
		growing_free(assembly->growing[i]);
	bulk_free(assembly->growing);
	free(assembly);
}

static void forget(struct assembly *assembly, uint32_t content)
{
	(void)aside_settle(assembly->aside, NULL); /* it may be the one */
	growing_free(TAKE_PTR(assembly->growing[content]));
}

uint32_t assembly_reached(const struct assembly *assembly, uint32_t content)
{
	return assembly->growing[content] ? assembly->growing[content]->reached : 0;
}

uint64_t assembly_bytes(const struct assembly *assembly)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < contents_count(assembly->contents); i++)
		bytes += (uint64_t)assembly_reached(assembly, i) * BLOCK_SIZE;
	return bytes;
}

static int complain_of_others(const struct assembly *assembly, uint32_t content, struct error *err)
{
	return staged_complain_of_others(contents_entry(assembly->contents, content)->path, err);
}

static int complain(const struct assembly *assembly, uint32_t content, struct error *err)
{
	int code = -errno;
	char shown[NAMES_SHOWN_MAX];

	if (code == -EPERM)
		return complain_of_others(assembly, content, err);
	return error_code(err, code, "assembling %s",
			  names_show(contents_entry(assembly->contents, content)->path, shown));
}

static void note_change(struct growing *growing, const struct stat *st)
{
	growing->inode = st->st_ino;
	growing->changed = st->st_ctim;
}

static int begin(struct assembly *assembly, uint32_t content, int fd, struct error *err)
{
	_cleanup_(growing_freep) struct growing *growing = calloc(1, sizeof(*growing));
	struct stat st;
	int r;

	if (!growing || fstat(fd, &st) < 0)
		return complain(assembly, content, err);
	note_change(growing, &st);
	r = digester_new(&growing->digester, err);
	if (r == 0)
		assembly->growing[content] = TAKE_PTR(growing);
	return r;
}

/* ---- what is there already ---- */

/* Is the next block in the file what the table says? */
static bool is_block_there(const struct growing *growing, int fd, const struct bundle_block *block,
			   void *buffer, size_t size)
{
	struct bundle_short is;
	struct digest digest;

	if (fd_pread_full(fd, buffer, size, (off_t)growing->reached * BLOCK_SIZE) != (ssize_t)size)
		return false;
	if (!bundle_has_raw_digest(block))
		return memcmp(buffer, block->bytes, size) == 0;
	if (digest_of(buffer, size, &digest, NULL) < 0)
		return false;
	bundle_short_of(&digest, &is);
	return memcmp(&is, &block->raw, sizeof(is)) == 0;
}

static int resume(struct assembly *assembly, int fd, uint32_t content, const struct bundle *bundle,
		  size_t first, void *buffer, struct error *err)
{
	uint64_t count = bundle_count_blocks(contents_entry(assembly->contents, content)->size);
	struct growing *growing;
	int r = 0;

	r = aside_settle(assembly->aside, err);
	if (r == 0 && !assembly->growing[content])
		r = begin(assembly, content, fd, err);
	growing = assembly->growing[content];
	while (r == 0 && growing->reached < count) {
		const struct bundle_block *block = &bundle->blocks[first + growing->reached];
		size_t size = bundle_raw_size(bundle, block);

		if (!is_block_there(growing, fd, block, buffer, size))
			break;
		r = digester_update(growing->digester, buffer, size, err);
		growing->reached++;
	}
	if (r == 0 && growing->reached == count) /* and yet the survey did not take it */
		forget(assembly, content);
	return r;
}

int assembly_resume(struct assembly *assembly, int staging_fd, uint32_t content,
		    const struct bundle *bundle, size_t first, void *buffer, struct error *err)
{
	const struct index_entry *entry = contents_entry(assembly->contents, content);
	_cleanup_close_ int fd = -1;
	int r = staged_open(staging_fd, &entry->digest, O_RDWR, &fd, err);

	if (r == STAGED_ABSENT) {
		forget(assembly, content);
		return 0;
	}
	return r < 0 ? r : resume(assembly, fd, content, bundle, first, buffer, err);
}

/* ---- the next block ---- */

/* What lies behind the blocks that were verified would be seen where the next one has holes. */
static int cut(const struct assembly *assembly, uint32_t content, int fd, const struct stat *st,
	       struct error *err)
{
	off_t reached = (off_t)assembly->growing[content]->reached * BLOCK_SIZE;

	if (st->st_size > reached && ftruncate(fd, reached) < 0)
		return complain(assembly, content, err);
	return 0;
}

static void look_for_changes(struct growing *growing, const struct stat *st)
{
	growing->doubted |= st->st_ctim.tv_sec != growing->changed.tv_sec ||
			    st->st_ctim.tv_nsec != growing->changed.tv_nsec;
}

/* A file of that name that is not the one which was verified is somebody else's: all of it anew. */
static int open_grown(struct assembly *assembly, int staging_fd, uint32_t content, int *ret_fd,
		      struct error *err)
{
	const struct index_entry *entry = contents_entry(assembly->contents, content);
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = staged_open(staging_fd, &entry->digest, O_RDWR, &fd, err);

	if (r < 0)
		return r;
	if (r == STAGED_ABSENT || fstat(fd, &st) < 0 ||
	    st.st_ino != assembly->growing[content]->inode) {
		forget(assembly, content);
		return complain_of_others(assembly, content, err);
	}
	look_for_changes(assembly->growing[content], &st);
	r = cut(assembly, content, fd, &st, err);
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

static int open_to_add(struct assembly *assembly, int staging_fd, uint32_t content, int *ret_fd,
		       struct error *err)
{
	const struct index_entry *entry = contents_entry(assembly->contents, content);
	_cleanup_close_ int fd = -1;
	int r;

	if (assembly_reached(assembly, content) > 0)
		return open_grown(assembly, staging_fd, content, ret_fd, err);
	forget(assembly, content);
	r = staged_create(staging_fd, &entry->digest, &fd, err);
	if (r == 0)
		r = begin(assembly, content, fd, err);
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

static int drop(const struct assembly *assembly, int staging_fd, uint32_t content,
		struct error *err)
{
	const struct index_entry *entry = contents_entry(assembly->contents, content);
	char hex[DIGEST_HEX_MAX];

	return unlinkat(staging_fd, digest_to_hex(&entry->digest, hex), 0) < 0 ?
		       complain(assembly, content, err) :
		       0;
}

/* What is in the file, whatever was written. */
static int read_again(int fd, struct digest *ret_digest, struct error *err)
{
	_cleanup_(local_freep) struct local *local = NULL;
	uint64_t size;
	int r = local_new(NULL, NULL, &local, err);

	if (r == 0)
		r = local_digest(local, fd, ret_digest, &size, err);
	return r == LOCAL_UNREADABLE ? error_errno(err, "reading " LAYOUT_STAGING) : r;
}

/* All blocks are there: is it the content that they should make? */
static int conclude(struct assembly *assembly, int staging_fd, int fd, uint32_t content,
		    struct error *err)
{
	const struct index_entry *entry = contents_entry(assembly->contents, content);
	bool doubted = assembly->growing[content]->doubted;
	struct digest digest;
	int r = aside_settle(assembly->aside, err);

	if (r == 0)
		r = digester_finish(assembly->growing[content]->digester, &digest, err);
	forget(assembly, content);
	if (r < 0)
		return r;
	if (!digest_equal(&digest, &entry->digest)) {
		r = drop(assembly, staging_fd, content, err);
		return r < 0 ? r : ASSEMBLY_DIFFERS;
	}
	if (!doubted)
		return ASSEMBLY_COMPLETE;
	r = read_again(fd, &digest, err);
	if (r < 0 || digest_equal(&digest, &entry->digest))
		return r < 0 ? r : ASSEMBLY_COMPLETE;
	r = drop(assembly, staging_fd, content, err);
	return r < 0 ? r : complain_of_others(assembly, content, err);
}

/* Its digest has what is not there. */
static int give_up(struct assembly *assembly, uint32_t content, struct error *err)
{
	int r = complain(assembly, content, err);

	forget(assembly, content);
	return r;
}

int assembly_make_room(struct assembly *assembly, struct decode *decode, bool second,
		       struct error *err)
{
	if (!aside_holds(assembly->aside, decode_buffer(decode)))
		return 0;
	if (second)
		decode_turn(decode);
	return aside_holds(assembly->aside, decode_buffer(decode)) ?
		       aside_settle(assembly->aside, err) :
		       0;
}

int assembly_add(struct assembly *assembly, int staging_fd, uint32_t content, const void *bytes,
		 size_t size, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct growing *growing;
	struct stat st;
	uint64_t at;
	int r = open_to_add(assembly, staging_fd, content, &fd, err);

	if (r < 0)
		return r;
	growing = assembly->growing[content];
	assert(growing);
	at = (uint64_t)growing->reached * BLOCK_SIZE;
	aside_add(assembly->aside, growing->digester, bytes, size);
	if (fd_pwrite_sparse(fd, bytes, size, (off_t)at) < 0 || fstat(fd, &st) < 0)
		return give_up(assembly, content, err);
	note_change(growing, &st);
	/* the disk may begin with it: less is left for the sync at the end */
	(void)posix_fadvise(fd, (off_t)at, (off_t)size, POSIX_FADV_DONTNEED);
	growing->reached++;
	return at + size < contents_entry(assembly->contents, content)->size ?
		       0 :
		       conclude(assembly, staging_fd, fd, content, err);
}
