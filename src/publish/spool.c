#include "publish/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <search.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "publish/encoder.h"
#include "publish/pool.h"

struct key {
	struct digest content, base; /* base null: none */
};

#define LARGE ((size_t)4 * 1024 * 1024) /* an old file below that is not worth waiting */

struct item;

struct job {
	struct item *item;
	size_t number; /* of the block */
};

/* A content: first what others see. */
struct item {
	struct spool_content content;
	struct key key;
	struct item *next; /* of those that are waiting to be encoded, or for memory */
	size_t memory; /* that it has of the spool's */
	struct spool *spool;
	struct spool_wish wish; /* until it is encoded */
	struct job *jobs;
	size_t left; /* jobs that are not done */
	int fd; /* of the file; -1 */
	uint8_t *old; /* of the base, while it is needed */
	struct suffix *suffix;
};

struct spool {
	struct spool_options options;
	int fd;
	struct pool *pool;
	pthread_mutex_t mutex; /* of all below, and of `left` */
	void *items; /* tsearch */
	struct item *waiting;
	struct item *late; /* for which there was no memory */
	size_t memory; /* taken for large old files */
	uint64_t length;
	uint64_t done, total;
};

/* ---- items ---- */

static void drop_input(struct item *item)
{
	suffix_free(item->suffix);
	item->suffix = NULL;
	free(item->old);
	item->old = NULL;
	cleanup_close(&item->fd);
	item->fd = -1;
	free(item->jobs);
	item->jobs = NULL;
}

static void item_free(void *data)
{
	struct item *item = data;

	drop_input(item);
	free(item->content.blocks);
	free(item);
}

static int compare(const void *a, const void *b)
{
	return memcmp(&((const struct item *)a)->key, &((const struct item *)b)->key,
		      sizeof(struct key));
}

int spool_new(int fd, const struct spool_options *options, struct spool **ret_spool,
	      struct error *err)
{
	_cleanup_(spool_freep) struct spool *spool = calloc(1, sizeof(*spool));
	int r;

	if (!spool)
		return error_errno(err, "starting to pack");
	spool->options = *options;
	(void)pthread_mutex_init(&spool->mutex, NULL);
	spool->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (spool->fd < 0)
		return error_errno(err, "starting to pack");
	r = pool_new(options->threads, &spool->pool, err);
	if (r == 0)
		*ret_spool = TAKE_PTR(spool);
	return r;
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	tdestroy(spool->items, item_free);
	pool_free(spool->pool);
	cleanup_close(&spool->fd);
	(void)pthread_mutex_destroy(&spool->mutex);
	free(spool);
}

unsigned int spool_threads(const struct spool *spool)
{
	return spool->options.threads;
}

const struct progress *spool_progress(const struct spool *spool)
{
	return &spool->options.progress;
}

static struct item *find(const struct spool *spool, const struct key *key)
{
	const struct item wanted = { .key = *key };
	void *node = tfind(&wanted, &spool->items, compare);

	return node ? *(struct item **)node : NULL;
}

static int add(struct spool *spool, const struct key *key, const struct spool_wish *wish,
	       struct item **ret_item, struct error *err)
{
	struct item *item = calloc(1, sizeof(*item));
	size_t n = (size_t)bundle_count_blocks(wish->entry->size);

	if (!item)
		return error_errno(err, "starting to pack");
	item->key = *key;
	item->fd = -1;
	item->spool = spool;
	item->wish = *wish;
	item->content.n_blocks = n;
	item->content.blocks = calloc(n, sizeof(*item->content.blocks));
	item->jobs = calloc(n, sizeof(*item->jobs));
	if (!item->content.blocks || !item->jobs || !tsearch(item, &spool->items, compare)) {
		item_free(item);
		return error_code(err, -ENOMEM, "starting to pack");
	}
	item->next = spool->waiting;
	spool->waiting = item;
	spool->total += wish->entry->size;
	*ret_item = item;
	return 0;
}

int spool_want(struct spool *spool, const struct spool_wish *wish,
	       const struct spool_content **ret_content, struct error *err)
{
	struct key key = { .content = wish->entry->digest };
	struct item *item;
	int r = 0;

	assert(wish->entry->size > 0);
	if (wish->base)
		key.base = wish->base->digest;
	item = find(spool, &key);
	if (!item)
		r = add(spool, &key, wish, &item, err);
	if (r < 0)
		return r;
	*ret_content = &item->content;
	return 0;
}

/* ---- jobs ---- */

static int put(struct spool *spool, const struct encoder_block *made, struct spool_block *block,
	       struct error *err)
{
	(void)pthread_mutex_lock(&spool->mutex);
	block->offset = spool->length;
	spool->length += made->size;
	(void)pthread_mutex_unlock(&spool->mutex);
	if (fd_pwrite_full(spool->fd, made->data, made->size, (off_t)block->offset) < 0)
		return error_errno(err, "keeping what was packed");
	return 0;
}

static int run_item(void *data, struct error *err);

/* What is more than all of it comes alone. false: it comes when another one gives back what it took. */
static bool take_memory(struct item *item)
{
	struct spool *spool = item->spool;
	size_t old = item->wish.base ? item->wish.base->size : 0;
	size_t size = old < LARGE ? 0 : suffix_memory(old);
	size_t max = spool->options.memory > 0 ? spool->options.memory : SPOOL_MEMORY_MAX;
	bool taken;

	(void)pthread_mutex_lock(&spool->mutex);
	taken = size == 0 || spool->memory == 0 || spool->memory + size <= max;
	if (taken) {
		item->memory = size;
		spool->memory += size;
	} else {
		item->next = spool->late;
		spool->late = item;
	}
	(void)pthread_mutex_unlock(&spool->mutex);
	return taken;
}

static int give_memory(struct item *item, struct error *err)
{
	struct spool *spool = item->spool;
	struct item *late = NULL;
	int r = 0;

	(void)pthread_mutex_lock(&spool->mutex);
	spool->memory -= item->memory;
	if (item->memory > 0) {
		late = spool->late;
		spool->late = NULL;
	}
	(void)pthread_mutex_unlock(&spool->mutex);
	item->memory = 0;
	while (r == 0 && late) {
		struct item *next = late->next;

		r = pool_add(spool->pool, run_item, late, err);
		late = next;
	}
	return r;
}

/* The last one to be done gives back what all of them shared. */
static int end_block(struct item *item, size_t size, uint32_t length, struct error *err)
{
	bool last;

	(void)pthread_mutex_lock(&item->spool->mutex);
	item->spool->done += size;
	item->content.length += length;
	last = --item->left == 0;
	(void)pthread_mutex_unlock(&item->spool->mutex);
	if (!last)
		return 0;
	drop_input(item);
	return give_memory(item, err);
}

static int encode(struct item *item, size_t number, const uint8_t *bytes, size_t size,
		  struct error *err)
{
	const struct encoder_base base = { item->old, item->wish.base ? item->wish.base->size : 0,
					   item->suffix, ENCODER_PREFIX_MAX };
	struct spool_block *block = &item->content.blocks[number];
	struct encoder_block made = {};
	struct digest raw = {}, packed = {};
	int r = encoder_run(bytes, size, (uint64_t)number * BLOCK_SIZE, item->suffix ? &base : NULL,
			    item->spool->options.level, &made, err);

	if (r < 0)
		return r;
	block->kind = made.kind;
	block->length = (uint32_t)made.size;
	r = digest_of(bytes, size, &raw, err);
	if (r == 0)
		r = digest_of(made.data, made.size, &packed, err);
	bundle_short_of(&raw, &block->raw);
	bundle_short_of(&packed, &block->packed);
	if (r == 0)
		r = put(item->spool, &made, block, err);
	free(made.data);
	return r;
}

static int run_block(void *data, struct error *err)
{
	const struct job *job = data;
	struct item *item = job->item;
	size_t number = job->number;
	uint64_t at = (uint64_t)number * BLOCK_SIZE;
	uint64_t left = item->wish.entry->size - at;
	size_t size = left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE;
	_cleanup_free_ uint8_t *bytes = malloc(size);
	ssize_t n;
	int r;

	if (!bytes)
		return error_errno(err, "packing %s", item->wish.entry->path);
	n = fd_pread_full(item->fd, bytes, size, (off_t)at);
	if (n < 0)
		return error_errno(err, "reading %s", item->wish.entry->path);
	if ((size_t)n != size)
		return error_set(err, FAULT_BUSY, "%s was changed meanwhile",
				 item->wish.entry->path);
	r = encode(item, number, bytes, size, err);
	return r < 0 ? r : end_block(item, size, item->content.blocks[number].length, err);
}

/* What its blocks need, and these. */
static int run_item(void *data, struct error *err)
{
	struct item *item = data;
	struct pool *pool = item->spool->pool;
	size_t n = item->content.n_blocks;
	int r;

	if (!take_memory(item))
		return 0;
	r = stock_open(item->wish.fresh, item->wish.entry, &item->fd, err);
	if (r == 0 && item->wish.base)
		r = stock_read(item->wish.old, item->wish.base, &item->old, err);
	if (r == 0 && item->wish.base)
		r = suffix_new(item->old, item->wish.base->size, &item->suffix, err);
	item->left = n;
	for (size_t i = 0; i < n; i++)
		item->jobs[i] = (struct job){ .item = item, .number = n - 1 - i };
	for (size_t i = 0; r == 0 && i < n; i++)
		r = pool_add(pool, run_block, &item->jobs[i], err);
	return r;
}

static void tick(void *data)
{
	struct spool *spool = data;
	uint64_t done;

	(void)pthread_mutex_lock(&spool->mutex);
	done = spool->done;
	(void)pthread_mutex_unlock(&spool->mutex);
	progress_tell(&spool->options.progress, "compressing files", done, spool->total);
}

int spool_run(struct spool *spool, struct error *err)
{
	int r = 0;

	while (r == 0 && spool->waiting) {
		struct item *item = spool->waiting;

		spool->waiting = item->next;
		r = pool_add(spool->pool, run_item, item, err);
	}
	if (r == 0)
		r = pool_work(spool->pool, tick, spool, err);
	if (r == 0)
		tick(spool);
	spool->done = spool->total = 0;
	return r;
}

int spool_read(const struct spool *spool, const struct spool_block *block, void *bytes,
	       struct error *err)
{
	ssize_t n = fd_pread_full(spool->fd, bytes, block->length, (off_t)block->offset);

	if (n < 0)
		return error_errno(err, "reading what was packed");
	if ((size_t)n != block->length)
		return error_set(err, FAULT_INTERNAL, "what was packed is gone");
	return 0;
}
