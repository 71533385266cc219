#include "publish/output.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "base/digester.h"
#include "base/fd.h"
#include "release/pieces.h"

#define JOB_SIZE    (16 * 1024 * 1024) /* bytes in; part of the format: see the header */
#define OVERLAP_LOG 9 /* each job sees a whole window of what is before it */

struct output {
	int fd;
	ZSTD_CCtx *zstd;
	struct digester *whole;
	struct digester *piece;
	uint64_t length;
	size_t in_piece; /* bytes that `piece` has seen */
	struct digest *pieces;
	size_t n_pieces, room;
	uint8_t buffer[128 * 1024];
};

static int complain(size_t code, struct error *err)
{
	return error_set(err, FAULT_INTERNAL, "compressing: %s", ZSTD_getErrorName(code));
}

static int set_parameters(struct output *output, int level, unsigned int threads, struct error *err)
{
	const struct {
		ZSTD_cParameter parameter;
		int value;
	} settings[] = {
		{ ZSTD_c_compressionLevel, level },
		{ ZSTD_c_windowLog, OUTPUT_WINDOW_LOG },
		{ ZSTD_c_checksumFlag, 1 },
		{ ZSTD_c_nbWorkers, (int)threads },
		{ ZSTD_c_jobSize, JOB_SIZE },
		{ ZSTD_c_overlapLog, OVERLAP_LOG },
		{ ZSTD_c_enableLongDistanceMatching, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		size_t code = ZSTD_CCtx_setParameter(output->zstd, settings[i].parameter,
						     settings[i].value);

		if (ZSTD_isError(code))
			return complain(code, err);
	}
	return 0;
}

int output_new(int fd, int level, unsigned int threads, struct output **ret_output,
	       struct error *err)
{
	_cleanup_(output_freep) struct output *output = calloc(1, sizeof(*output));
	int r;

	if (!output)
		return error_errno(err, "compressing");
	output->fd = fd;
	output->zstd = ZSTD_createCCtx();
	if (!output->zstd)
		return error_code(err, -ENOMEM, "compressing");
	r = set_parameters(output, level, threads > 0 ? threads : 1, err);
	if (r == 0)
		r = digester_new(&output->whole, err);
	if (r == 0)
		r = digester_new(&output->piece, err);
	if (r == 0)
		*ret_output = TAKE_PTR(output);
	return r;
}

void output_free(struct output *output)
{
	if (!output)
		return;
	(void)ZSTD_freeCCtx(output->zstd);
	digester_free(output->whole);
	digester_free(output->piece);
	free(output->pieces);
	free(output);
}

/* ---- what is written ---- */

static int end_piece(struct output *output, struct error *err)
{
	if (output->n_pieces == output->room) {
		size_t room = output->room > 0 ? 2 * output->room : 64;
		struct digest *more = reallocarray(output->pieces, room, sizeof(*more));

		if (!more)
			return error_errno(err, "compressing");
		output->pieces = more;
		output->room = room;
	}
	output->in_piece = 0;
	return digester_finish(output->piece, &output->pieces[output->n_pieces++], err);
}

static int hash_pieces(struct output *output, const uint8_t *data, size_t size, struct error *err)
{
	while (size > 0) {
		size_t left = PIECES_SIZE - output->in_piece;
		size_t n = size < left ? size : left;
		int r = output->in_piece > 0 ? 0 : digester_reset(output->piece, err);

		if (r == 0)
			r = digester_update(output->piece, data, n, err);
		output->in_piece += n;
		if (r == 0 && output->in_piece == PIECES_SIZE)
			r = end_piece(output, err);
		if (r < 0)
			return r;
		data += n;
		size -= n;
	}
	return 0;
}

static int put(struct output *output, size_t size, struct error *err)
{
	int r;

	if (fd_write_full(output->fd, output->buffer, size) < 0)
		return error_errno(err, "writing the archive");
	output->length += size;
	r = digester_update(output->whole, output->buffer, size, err);
	return r < 0 ? r : hash_pieces(output, output->buffer, size, err);
}

/* ---- what comes in ---- */

static int compress(struct output *output, ZSTD_inBuffer *in, ZSTD_EndDirective how,
		    struct error *err)
{
	size_t left;

	do {
		ZSTD_outBuffer out = { .dst = output->buffer, .size = sizeof(output->buffer) };
		int r;

		left = ZSTD_compressStream2(output->zstd, &out, in, how);
		if (ZSTD_isError(left))
			return complain(left, err);
		r = put(output, out.pos, err);
		if (r < 0)
			return r;
	} while (how == ZSTD_e_end ? left > 0 : in->pos < in->size);
	return 0;
}

int output_write(struct output *output, const void *data, size_t size, struct error *err)
{
	ZSTD_inBuffer in = { .src = data, .size = size };

	return compress(output, &in, ZSTD_e_continue, err);
}

int output_finish(struct output *output, struct output_result *ret_result, struct error *err)
{
	struct output_result result = {};
	ZSTD_inBuffer in = { .src = "" };
	int r = compress(output, &in, ZSTD_e_end, err);

	if (r == 0 && output->in_piece > 0)
		r = end_piece(output, err);
	if (r == 0)
		r = digester_finish(output->whole, &result.digest, err);
	if (r < 0)
		return r;
	result.length = output->length;
	result.n_pieces = output->n_pieces;
	result.pieces = TAKE_PTR(output->pieces);
	*ret_result = result;
	return 0;
}
