#include "release/frame-write.h"

#include <errno.h>
#include <zstd.h>

#define WINDOW_LOG_MIN 20
#define WINDOW_LOG_MAX 30

/* The window must reach back over all of the prefix. */
static int window_log(size_t size)
{
	int log = WINDOW_LOG_MIN;

	while (log < WINDOW_LOG_MAX && ((size_t)1 << log) < size)
		log++;
	return log;
}

static size_t compress_into(ZSTD_CCtx *zstd, const struct text *plain, const struct text *prefix,
			    int level, void *packed, size_t room)
{
	const struct {
		ZSTD_cParameter parameter;
		int value;
	} settings[] = {
		{ ZSTD_c_compressionLevel, level },
		{ ZSTD_c_windowLog, window_log(plain->size + prefix->size) },
		{ ZSTD_c_checksumFlag, 0 }, /* the head has a better one */
	};
	size_t code = 0;

	for (size_t i = 0; i < ARRAY_SIZE(settings) && !ZSTD_isError(code); i++)
		code = ZSTD_CCtx_setParameter(zstd, settings[i].parameter, settings[i].value);
	if (!ZSTD_isError(code))
		code = ZSTD_CCtx_refPrefix(zstd, prefix->data, prefix->size);
	return ZSTD_isError(code) ? code :
				    ZSTD_compress2(zstd, packed, room, plain->data, plain->size);
}

int frame_write_pack(const struct text *plain, const struct text *prefix, int level,
		     struct text *out, struct error *err)
{
	size_t room = ZSTD_compressBound(plain->size);
	void *packed = text_room(out, room);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	size_t n = 0;

	if (packed && zstd)
		n = compress_into(zstd, plain, prefix, level, packed, room);
	ZSTD_freeCCtx(zstd);
	if (!packed || n == 0)
		return error_code(err, -ENOMEM, "writing a bundle");
	if (ZSTD_isError(n))
		return error_set(err, FAULT_INTERNAL, "compressing: %s", ZSTD_getErrorName(n));
	out->size += n;
	out->data[out->size] = '\0';
	return 0;
}
