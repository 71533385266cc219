#include "install/decode.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/bulk.h"
#include "base/fd.h"
#include "install/local.h"
#include "install/oldfile.h"

#define PIECE ((size_t)256 * 1024)

struct decode {
	int source_fd;
	const struct index *source;
	struct block_decoder *decoder;
	void *buffers[2]; /* the second one only when it is wanted */
	unsigned int current;
	struct oldfile *base;
	uint32_t number; /* of it, or of the one that was found bad last */
	bool bad;
	const char *finding;
};

int decode_new(int source_fd, const struct index *source, struct decode **ret_decode,
	       struct error *err)
{
	_cleanup_(decode_freep) struct decode *decode = calloc(1, sizeof(*decode));
	int r;

	if (!decode)
		return error_errno(err, "unpacking blocks");
	decode->source_fd = source_fd;
	decode->source = source;
	decode->number = BUNDLE_NO_BASE;
	decode->buffers[0] = malloc(BLOCK_SIZE);
	if (!decode->buffers[0])
		return error_errno(err, "unpacking blocks");
	r = block_decoder_new(&decode->decoder, err);
	if (r == 0)
		*ret_decode = TAKE_PTR(decode);
	return r;
}

void decode_free(struct decode *decode)
{
	if (!decode)
		return;
	oldfile_free(decode->base);
	block_decoder_free(decode->decoder);
	if (decode->buffers[1])
		bulk_return(BLOCK_SIZE);
	free(decode->buffers[0]);
	free(decode->buffers[1]);
	free(decode);
}

void *decode_buffer(struct decode *decode)
{
	return decode->buffers[decode->current];
}

static bool add_buffer(struct decode *decode)
{
	if (!bulk_claim(BLOCK_SIZE))
		return false;
	decode->buffers[1] = malloc(BLOCK_SIZE);
	if (!decode->buffers[1])
		bulk_return(BLOCK_SIZE);
	return decode->buffers[1] != NULL;
}

void decode_turn(struct decode *decode)
{
	unsigned int other = 1 - decode->current;

	if (decode->buffers[other] || add_buffer(decode))
		decode->current = other;
}

const char *decode_take_finding(struct decode *decode)
{
	return TAKE_PTR(decode->finding);
}

/* ---- the base ---- */

static void close_base(struct decode *decode)
{
	oldfile_free(TAKE_PTR(decode->base));
	decode->number = BUNDLE_NO_BASE;
	decode->bad = false;
}

static int condemn(struct decode *decode, uint32_t number, const char *why)
{
	close_base(decode);
	decode->number = number;
	decode->bad = true;
	decode->finding = why;
	return DECODE_NO_BASE;
}

static bool is_base(const struct decode *decode, uint32_t number)
{
	return decode->source && number < index_count(decode->source) &&
	       index_at(decode->source, number)->type == INDEX_FILE;
}

/* > 0: DECODE_NO_BASE. */
static int open_base(struct decode *decode, uint32_t number, struct error *err)
{
	const char *why = NULL;
	int r;

	if (decode->number == number)
		return decode->bad ? DECODE_NO_BASE : 0;
	close_base(decode);
	if (!is_base(decode, number))
		return error_set(err, FAULT_INTERNAL, "a block has a base that is not here");
	r = oldfile_new(decode->source_fd, index_at(decode->source, number), &decode->base, &why,
			err);
	if (r == OLDFILE_DIFFERS || r == OLDFILE_TOO_LARGE)
		return condemn(decode, number, r == OLDFILE_DIFFERS ? why : NULL);
	if (r == 0)
		decode->number = number;
	return r;
}

int decode_check_base(struct decode *decode, const struct bundle_block *block, struct error *err)
{
	const char *why = NULL;
	int r;

	if (!block_needs_base(block->kind))
		return 0;
	close_base(decode);
	r = open_base(decode, block->base, err);
	if (r != 0)
		return r;
	r = oldfile_verify(decode->base, index_at(decode->source, block->base), &why, err);
	return r == OLDFILE_DIFFERS ? condemn(decode, block->base, why) : r;
}

/* > 0: DECODE_NO_BASE. In pieces, so that what is read is still at hand when it is hashed. */
static int read_verified(int fd, const struct index_entry *entry, uint8_t *ret_bytes,
			 const char **ret_why, struct error *err)
{
	_cleanup_(digester_freep) struct digester *digester = NULL;
	struct digest digest;
	int r = digester_new(&digester, err);

	for (uint64_t at = 0; r == 0 && at < entry->size; at += PIECE) {
		size_t size = entry->size - at < PIECE ? (size_t)(entry->size - at) : PIECE;

		*ret_why = "was cut short, or cannot be read";
		if (fd_pread_full(fd, ret_bytes + at, size, (off_t)at) != (ssize_t)size)
			return DECODE_NO_BASE;
		r = digester_update(digester, ret_bytes + at, size, err);
	}
	if (r == 0)
		r = digester_finish(digester, &digest, err);
	*ret_why = "content differs";
	return r < 0 || digest_equal(&digest, &entry->digest) ? r : DECODE_NO_BASE;
}

int decode_read_base(const struct decode *decode, uint32_t number, void *ret_bytes,
		     const char **ret_why, struct error *err)
{
	_cleanup_close_ int fd = -1;
	const struct index_entry *entry;
	struct stat st;

	if (!is_base(decode, number))
		return error_set(err, FAULT_INTERNAL, "a block has a base that is not here");
	entry = index_at(decode->source, number);
	fd = local_open(decode->source_fd, entry->path, &st);
	*ret_why = fd < 0 ? "cannot be opened" : "size differs";
	if (fd < 0 || (uint64_t)st.st_size != entry->size)
		return DECODE_NO_BASE;
	return read_verified(fd, entry, ret_bytes, ret_why, err);
}

/* ---- blocks ---- */

int decode_block(struct decode *decode, const struct bundle_block *block, const void *bytes,
		 size_t size, size_t raw_size, struct error *err)
{
	int r;

	if (!block_needs_base(block->kind))
		return block_decode(decode->decoder, block->kind, bytes, size, NULL, 0,
				    decode_buffer(decode), raw_size, err);
	r = open_base(decode, block->base, err);
	if (r != 0)
		return r;
	r = block_decode(decode->decoder, block->kind, bytes, size, oldfile_bytes(decode->base),
			 oldfile_size(decode->base), decode_buffer(decode), raw_size, err);
	if (!oldfile_is_whole(decode->base))
		return condemn(decode, block->base, "was cut short, or cannot be read");
	return r;
}
