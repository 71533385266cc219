#include "publish/encoder.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <zstd.h>

#include "publish/difference.h"
#include "publish/number.h"
#include "publish/split.h"

#define PLAIN_PAYS \
	8 /* a block that is smaller by this factor needs no comparison with a plain one */
#define PREFIX_SMALL   ((size_t)4 * 1024 * 1024)
#define PREFIX_PAYS    400 /* likewise, with a larger prefix */
#define WINDOW_LOG_MIN 10
#define QUICK_LEVEL    12 /* of a try that takes a twentieth of the time */
#define QUICK_PART     2 /* less than that part of what it makes, no tree was seen to make */
#define WHOLE_LEVEL    18 /* from that one on it searches trees */
#define TREE_LOG_OWN   23 /* the largest window that zstd's own tree holds */

#define TABLES_MAX ((size_t)640 * 1024 * 1024) /* bytes of large tables, of all threads together */

struct bytes {
	const void *data;
	size_t size;
};

/* ---- memory ---- */

static struct {
	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t less;
	size_t used;
} tables = { .mutex = PTHREAD_MUTEX_INITIALIZER, .less = PTHREAD_COND_INITIALIZER };

/* Waits until others have given back enough; what is more than all of it comes alone. */
static void take_tables(size_t size)
{
	(void)pthread_mutex_lock(&tables.mutex);
	while (size > 0 && tables.used > 0 && tables.used + size > TABLES_MAX)
		(void)pthread_cond_wait(&tables.less, &tables.mutex);
	tables.used += size;
	(void)pthread_mutex_unlock(&tables.mutex);
}

static void give_tables(size_t size)
{
	(void)pthread_mutex_lock(&tables.mutex);
	tables.used -= size;
	(void)pthread_cond_broadcast(&tables.less);
	(void)pthread_mutex_unlock(&tables.mutex);
}

/* ---- zstd ---- */

/* All of the prefix and the content are within the window. */
static int window_log(size_t size)
{
	int log = WINDOW_LOG_MIN;

	while (((size_t)1 << log) < size)
		log++;
	return log;
}

/* From that size on a search tree of zstd's own choice forgets what lies far back; two places for each position. 0: its own choice. */
static int tree_log(int window)
{
	return window > TREE_LOG_OWN ? window + 1 : 0;
}

/* Of a search tree that is larger than zstd's own, and of its hashes: four bytes for each place. */
static size_t tables_size(struct bytes plain, struct bytes prefix, int level)
{
	int window = window_log(plain.size + prefix.size);

	return level >= WHOLE_LEVEL && tree_log(window) > 0 ? ((size_t)10 << window) : 0;
}

/* Without a tree, what came long before is found by samples of it. */
static bool needs_samples(int level, struct bytes prefix)
{
	return level < WHOLE_LEVEL && prefix.size > PREFIX_SMALL;
}

static size_t compress_into(ZSTD_CCtx *zstd, struct bytes plain, struct bytes prefix, int level,
			    void *out, size_t room)
{
	int window = window_log(plain.size + prefix.size);
	int tree = level >= WHOLE_LEVEL ? tree_log(window) : 0;
	const struct {
		ZSTD_cParameter parameter;
		int value;
	} settings[] = {
		{ ZSTD_c_compressionLevel, level },
		{ ZSTD_c_windowLog, window },
		{ ZSTD_c_chainLog, tree },
		{ ZSTD_c_hashLog, tree > 0 ? window - 1 : 0 },
		{ ZSTD_c_enableLongDistanceMatching, needs_samples(level, prefix) },
		{ ZSTD_c_contentSizeFlag, 0 }, /* the table of the bundle says it */
		{ ZSTD_c_checksumFlag, 0 },
	};
	size_t code = 0;

	for (size_t i = 0; i < ARRAY_SIZE(settings) && !ZSTD_isError(code); i++)
		code = ZSTD_CCtx_setParameter(zstd, settings[i].parameter, settings[i].value);
	if (!ZSTD_isError(code))
		code = ZSTD_CCtx_refPrefix(zstd, prefix.data, prefix.size);
	return ZSTD_isError(code) ? code : ZSTD_compress2(zstd, out, room, plain.data, plain.size);
}

/* Appends a frame. */
static int add_frame(struct text *text, struct bytes plain, struct bytes prefix, int level,
		     struct error *err)
{
	size_t room = ZSTD_compressBound(plain.size);
	_cleanup_free_ void *out = malloc(room);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	size_t tables_taken = tables_size(plain, prefix, level);
	size_t n = 0;

	take_tables(tables_taken);
	if (out && zstd)
		n = compress_into(zstd, plain, prefix, level, out, room);
	(void)ZSTD_freeCCtx(zstd);
	give_tables(tables_taken);
	if (!out || !zstd)
		return error_code(err, -ENOMEM, "compressing");
	if (ZSTD_isError(n))
		return error_set(err, FAULT_INTERNAL, "compressing: %s", ZSTD_getErrorName(n));
	text_add_bytes(text, out, n);
	return text_check(text, err);
}

/* ---- patches ---- */

/* Appends a frame, or the bytes as they are: what is shorter. */
static int add_section(struct text *text, struct bytes plain, int level, struct error *err)
{
	size_t before = text->size;
	int r = plain.size > 0 ? add_frame(text, plain, (struct bytes){}, level, err) : 0;

	if (r < 0 || text->size - before < plain.size || plain.size == 0)
		return r;
	text->size = before;
	text_add_bytes(text, plain.data, plain.size);
	return text_check(text, err);
}

static int lay_apart(const struct difference *difference, int level, struct text *out,
		     struct error *err)
{
	_cleanup_text_ struct text packed = {};

	for (size_t i = 0; i < PATCH_SECTION_MAX; i++) {
		const struct text *section = &difference->sections[i];
		size_t before = packed.size;
		int r = add_section(&packed, (struct bytes){ section->data, section->size }, level,
				    err);

		if (r < 0)
			return r;
		number_put(out, packed.size - before);
	}
	text_add_bytes(out, packed.data, packed.size);
	return text_check(out, err);
}

static int lay_together(const struct difference *difference, int level, struct text *out,
			struct error *err)
{
	_cleanup_text_ struct text all = {};
	int r;

	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		text_add_bytes(&all, difference->sections[i].data, difference->sections[i].size);
	r = text_check(&all, err);
	return r < 0 ? r : add_section(out, (struct bytes){ all.data, all.size }, level, err);
}

static int lay_out(const struct difference *difference, bool apart, int level, struct text *out,
		   struct error *err)
{
	number_put(out, apart);
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		number_put(out, difference->sections[i].size);
	return apart ? lay_apart(difference, level, out, err) :
		       lay_together(difference, level, out, err);
}

/* ---- what is smallest ---- */

/* Of two of a size the plain one: it needs no old file. */
static void keep_smaller(struct encoder_block *best, enum block_kind kind, struct text *made)
{
	if (best->data && best->size < made->size + (kind != BLOCK_PLAIN))
		return;
	free(best->data);
	best->kind = kind;
	best->size = made->size;
	best->data = (uint8_t *)text_take(made);
}

static int try_frame(struct encoder_block *best, enum block_kind kind, struct bytes plain,
		     struct bytes prefix, int level, struct error *err)
{
	_cleanup_text_ struct text made = {};
	int r = add_frame(&made, plain, prefix, level, err);

	if (r == 0)
		keep_smaller(best, kind, &made);
	return r;
}

static int try_layouts(struct encoder_block *best, const struct difference *difference, int level,
		       struct error *err)
{
	size_t sum = 0;
	int r = 0;

	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		sum += difference->sections[i].size;
	if (sum > BLOCK_SECTIONS_MAX)
		return 0;
	for (int apart = 0; r == 0 && apart < 2; apart++) {
		_cleanup_text_ struct text made = {};

		r = lay_out(difference, apart, level, &made, err);
		if (r == 0)
			keep_smaller(best, BLOCK_PATCH, &made);
	}
	return r;
}

static int try_steps(struct encoder_block *best, const struct match_step *steps, size_t n,
		     struct bytes plain, uint64_t position, const struct encoder_base *base,
		     int level, struct error *err)
{
	_cleanup_difference_ struct difference difference = {};
	int r = difference_make(&difference, steps, n, base->data, base->size, plain.data, position,
				err);

	return r < 0 ? r : try_layouts(best, &difference, level, err);
}

static int try_patch(struct encoder_block *best, struct bytes plain, uint64_t position,
		     const struct encoder_base *base, int level, struct error *err)
{
	_cleanup_free_ struct match_step *steps = NULL;
	_cleanup_free_ struct match_step *split = NULL;
	_cleanup_free_ struct match_step *joined = NULL;
	size_t n, n_split, n_joined;
	int r = match_run(base->suffix, base->data, base->size, plain.data, plain.size, position,
			  &steps, &n, err);

	if (r == 0)
		r = try_steps(best, steps, n, plain, position, base, level, err);
	if (r == 0)
		r = split_run(steps, n, base->data, plain.data, &split, &n_split, err);
	if (r == 0)
		r = try_steps(best, split, n_split, plain, position, base, level, err);
	if (r >= 0)
		r = split_join(steps, n, &joined, &n_joined, err);
	if (r == 0)
		r = try_steps(best, joined, n_joined, plain, position, base, level, err);
	return r < 0 ? r : 0;
}

/* With a large prefix it takes long, and next to a good patch there is nothing to gain. */
static bool pays_prefix(const struct encoder_base *base, const struct encoder_block *best,
			size_t size)
{
	if (base->size > base->prefix_max)
		return false;
	return base->size <= PREFIX_SMALL || !best->data || best->size > size / PREFIX_PAYS;
}

/* To index a large prefix takes seconds: is there anything to gain? */
static int may_gain(const struct encoder_block *best, struct bytes plain,
		    const struct encoder_base *base, int level, bool *ret_may, struct error *err)
{
	const struct bytes prefix = { base->data, base->size };
	_cleanup_text_ struct text made = {};
	int r = 0;

	*ret_may = pays_prefix(base, best, plain.size);
	if (!*ret_may || !best->data || level < WHOLE_LEVEL || prefix.size <= PREFIX_SMALL)
		return 0;
	r = add_frame(&made, plain, prefix, QUICK_LEVEL, err);
	*ret_may = made.size / QUICK_PART < best->size;
	return r;
}

static int try_prefix(struct encoder_block *best, struct bytes plain,
		      const struct encoder_base *base, int level, struct error *err)
{
	bool may = false;
	int r = may_gain(best, plain, base, level, &may, err);

	if (r < 0 || !may)
		return r;
	return try_frame(best, BLOCK_PREFIX, plain, (struct bytes){ base->data, base->size }, level,
			 err);
}

int encoder_run(const uint8_t *bytes, size_t size, uint64_t position,
		const struct encoder_base *base, int level, struct encoder_block *ret_block,
		struct error *err)
{
	const struct bytes plain = { bytes, size };
	struct encoder_block best = {};
	int r = 0;

	if (base && base->suffix)
		r = try_patch(&best, plain, position, base, level, err);
	if (r == 0 && base)
		r = try_prefix(&best, plain, base, level, err);
	if (r == 0 && (!best.data || best.size > size / PLAIN_PAYS))
		r = try_frame(&best, BLOCK_PLAIN, plain, (struct bytes){}, level, err);
	if (r < 0) {
		free(best.data);
		return r;
	}
	*ret_block = best;
	return 0;
}
