#include "release/pieces.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/fd.h"

#define NO_PIECE UINT64_MAX

struct pieces {
	int fd;
	uint64_t bytes;
	uint64_t count;
	struct digest whole;
	struct digest *digests; /* of each piece */
	uint64_t held; /* the piece that the buffer holds, verified */
	uint8_t *buffer;

	bool is_arriving; /* below mutex: arrived, stopped */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t arrived; /* bytes */
	bool stopped;
};

static int changed(struct error *err)
{
	return error_set(err, FAULT_CORRUPT, "the archive changed while it was being read");
}

static size_t size_of(const struct pieces *pieces, uint64_t i)
{
	uint64_t left = pieces->bytes - i * PIECES_SIZE;

	return left < PIECES_SIZE ? (size_t)left : PIECES_SIZE;
}

/* Fills the buffer with piece i, not verified yet. */
static int fill(struct pieces *pieces, uint64_t i, struct error *err)
{
	size_t size = size_of(pieces, i);
	ssize_t n;

	pieces->held = NO_PIECE;
	n = fd_pread_full(pieces->fd, pieces->buffer, size, (off_t)(i * PIECES_SIZE));
	if (n < 0)
		return error_errno(err, "reading the archive");
	return (size_t)n == size ? 0 : changed(err);
}

static int digest_all(struct pieces *pieces, pieces_progress progress, void *data,
		      struct error *err)
{
	_cleanup_(digester_freep) struct digester *whole = NULL;
	int r = digester_new(&whole, err);

	for (uint64_t i = 0; r == 0 && i < pieces->count; i++) {
		size_t size = size_of(pieces, i);

		r = fill(pieces, i, err);
		if (r == 0)
			r = digest_of(pieces->buffer, size, &pieces->digests[i], err);
		if (r == 0)
			r = digester_update(whole, pieces->buffer, size, err);
		if (r == 0 && progress)
			r = progress(data, i * PIECES_SIZE + size, pieces->bytes, err);
	}
	return r < 0 ? r : digester_finish(whole, &pieces->whole, err);
}

static int open_archive(struct pieces *pieces, uint64_t max_bytes, struct error *err)
{
	struct stat st;

	if (fstat(pieces->fd, &st) < 0)
		return error_errno(err, "looking at the archive");
	if (!S_ISREG(st.st_mode))
		return error_set(err, FAULT_CONFIG, "the archive is not a regular file");
	pieces->bytes = (uint64_t)st.st_size;
	if (pieces->bytes > max_bytes)
		return error_set(err, FAULT_NO_SPACE,
				 "the archive has %llu bytes, more than the limit of %llu",
				 (unsigned long long)pieces->bytes, (unsigned long long)max_bytes);
	pieces->count = (pieces->bytes + PIECES_SIZE - 1) / PIECES_SIZE;
	pieces->digests = calloc(pieces->count + 1, sizeof(*pieces->digests));
	pieces->buffer = malloc(PIECES_SIZE);
	if (!pieces->digests || !pieces->buffer)
		return error_code(err, -ENOMEM, "reading the archive");
	return 0;
}

static int check_expected(const struct pieces *pieces, const struct digest *expected,
			  struct error *err)
{
	char is[DIGEST_HEX_MAX];
	char should[DIGEST_HEX_MAX];

	if (!expected || digest_equal(&pieces->whole, expected))
		return 0;
	return error_set(err, FAULT_UNTRUSTED, "the archive has the SHA-256 %s instead of %s",
			 digest_to_hex(&pieces->whole, is), digest_to_hex(expected, should));
}

int pieces_new(int fd, const struct digest *expected, uint64_t max_bytes, pieces_progress progress,
	       void *data, struct pieces **ret_pieces, struct error *err)
{
	_cleanup_(pieces_freep) struct pieces *pieces = calloc(1, sizeof(*pieces));
	int r;

	if (!pieces)
		return error_errno(err, "reading the archive");
	pieces->fd = fd;
	pieces->held = NO_PIECE;
	r = open_archive(pieces, max_bytes, err);
	if (r == 0)
		r = digest_all(pieces, progress, data, err);
	if (r == 0)
		r = check_expected(pieces, expected, err);
	if (r == 0)
		*ret_pieces = TAKE_PTR(pieces);
	return r;
}

/* ---- arriving ---- */

int pieces_new_arriving(int fd, uint64_t bytes, struct pieces **ret_pieces, struct error *err)
{
	struct pieces *pieces = calloc(1, sizeof(*pieces));
	uint8_t *buffer = malloc(PIECES_SIZE);

	if (!pieces || !buffer) {
		free(pieces);
		free(buffer);
		return error_code(err, -ENOMEM, "reading the archive");
	}
	pieces->fd = fd;
	pieces->bytes = bytes;
	pieces->count = (bytes + PIECES_SIZE - 1) / PIECES_SIZE;
	pieces->held = NO_PIECE;
	pieces->buffer = buffer;
	pieces->is_arriving = true;
	(void)pthread_mutex_init(&pieces->mutex, NULL);
	(void)pthread_cond_init(&pieces->changed, NULL);
	*ret_pieces = pieces;
	return 0;
}

void pieces_arrived(struct pieces *pieces, uint64_t bytes)
{
	pthread_mutex_lock(&pieces->mutex);
	assert(bytes >= pieces->arrived && bytes <= pieces->bytes);
	pieces->arrived = bytes;
	pthread_cond_broadcast(&pieces->changed);
	pthread_mutex_unlock(&pieces->mutex);
}

void pieces_stop(struct pieces *pieces)
{
	pthread_mutex_lock(&pieces->mutex);
	pieces->stopped = true;
	pthread_cond_broadcast(&pieces->changed);
	pthread_mutex_unlock(&pieces->mutex);
}

static int wait_for(struct pieces *pieces, uint64_t i, struct error *err)
{
	uint64_t end = i * PIECES_SIZE + size_of(pieces, i);
	bool is_there;

	pthread_mutex_lock(&pieces->mutex);
	while (pieces->arrived < end && !pieces->stopped)
		pthread_cond_wait(&pieces->changed, &pieces->mutex);
	is_there = pieces->arrived >= end;
	pthread_mutex_unlock(&pieces->mutex);
	return is_there ? 0 : error_code(err, -ECANCELED, "reading the archive");
}

/* ---- reading ---- */

void pieces_free(struct pieces *pieces)
{
	if (!pieces)
		return;
	if (pieces->is_arriving) {
		(void)pthread_cond_destroy(&pieces->changed);
		(void)pthread_mutex_destroy(&pieces->mutex);
	}
	free(pieces->digests);
	free(pieces->buffer);
	free(pieces);
}

const struct digest *pieces_digest(const struct pieces *pieces)
{
	return &pieces->whole;
}

uint64_t pieces_bytes(const struct pieces *pieces)
{
	return pieces->bytes;
}

static int fill_verified(struct pieces *pieces, uint64_t i, struct error *err)
{
	struct digest digest;
	int r = pieces->is_arriving ? wait_for(pieces, i, err) : 0;

	if (r == 0)
		r = fill(pieces, i, err);
	if (r == 0 && pieces->is_arriving)
		pieces->held = i;
	if (r < 0 || pieces->is_arriving)
		return r;
	r = digest_of(pieces->buffer, size_of(pieces, i), &digest, err);
	if (r < 0)
		return r;
	if (!digest_equal(&digest, &pieces->digests[i]))
		return changed(err);
	pieces->held = i;
	return 0;
}

int pieces_read(struct pieces *pieces, uint64_t i, const void **ret_data, size_t *ret_size,
		struct error *err)
{
	int r;

	assert(i < pieces->count);
	r = i == pieces->held ? 0 : fill_verified(pieces, i, err);
	if (r < 0)
		return r;
	*ret_data = pieces->buffer;
	*ret_size = size_of(pieces, i);
	return 0;
}
