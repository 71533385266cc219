/*
 *     offset 0        sequence 1, 3, 5 …   one block each (store/block.h)
 *     offset 8192     sequence 2, 4, 6 …
 *
 * A write of sequence n + 1 goes over n - 1, and n stays: whatever a crash leaves of the write, n or
 * n + 1 is there. The first write of all makes both 1 and 2, so that a file with one whole record has
 * lost another one, and a file whose only bytes are damaged never held any.
 */
#include "store/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/block.h"
#include "store/durable.h"
#include "store/revive.h"

#define MAGIC "flipslot-record"

_Static_assert(RECORD_PAYLOAD_MAX + BLOCK_HEADER_MAX <= RECORD_BLOCK, "a payload fits");

/* What the file holds. */
struct found {
	uint64_t sequence; /* of the newest whole record; 0: none */
	char *payload;
	unsigned int whole;
	bool fresh; /* no store ever came to its end: the second block is still all zeroes */
};

static void found_done(struct found *found)
{
	free(found->payload);
}

static int open_file(int dirfd, const char *name, int flags, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd =
		openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return revive_complain(dirfd, name, err);
	if (fd < 0)
		return error_errno(err, "opening %s", name);
	if (fstat(fd, &st) < 0)
		return error_errno(err, "looking at %s", name);
	if (!S_ISREG(st.st_mode) || st.st_size != RECORD_FILE_SIZE)
		return error_set(err, FAULT_CORRUPT, "%s is not a regular file of %d bytes", name,
				 RECORD_FILE_SIZE);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static off_t offset_of(uint64_t sequence)
{
	return (off_t)((sequence - 1) % 2) * RECORD_BLOCK;
}

/* A block that the disk cannot read is damaged: the other one is the spare. */
static int look_at(int fd, off_t offset, struct found *found, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	char block[RECORD_BLOCK];
	uint64_t sequence = 0;
	int r = BLOCK_DAMAGED;

	if (block_fetch(fd, offset, block, sizeof(block)))
		r = block_read(block, sizeof(block), MAGIC, &sequence, &payload, err);
	if (r < 0)
		return r;
	if (r == 0 && (sequence == 0 || offset_of(sequence) != offset))
		r = BLOCK_DAMAGED;
	found->fresh = r == BLOCK_EMPTY;
	found->whole += r == 0;
	if (r == 0 && sequence > found->sequence) {
		free(found->payload);
		found->payload = TAKE_PTR(payload);
		found->sequence = sequence;
	}
	return 0;
}

static int look(int fd, struct found *found, struct error *err)
{
	int r = look_at(fd, 0, found, err);

	return r < 0 ? r : look_at(fd, RECORD_BLOCK, found, err);
}

int record_load(int dirfd, const char *name, char **ret_payload, uint64_t *ret_sequence,
		struct error *err)
{
	_cleanup_(found_done) struct found found = {};
	_cleanup_close_ int fd = -1;
	int r = open_file(dirfd, name, O_RDONLY, &fd, err);

	if (r == 0)
		r = look(fd, &found, err);
	if (r < 0)
		return r;
	if (found.whole == 0 && found.fresh)
		return RECORD_EMPTY;
	if (found.whole == 0)
		return error_set(err, FAULT_CORRUPT, "both records in %s are damaged", name);
	*ret_payload = TAKE_PTR(found.payload);
	if (ret_sequence)
		*ret_sequence = found.sequence;
	return found.whole < 2 ? RECORD_TORN : 0;
}

static int put(int fd, uint64_t sequence, const char *payload, struct error *err)
{
	char block[RECORD_BLOCK];
	int r = block_make(block, sizeof(block), MAGIC, sequence, payload, err);

	return r < 0 ? r : durable_overwrite(fd, block, sizeof(block), offset_of(sequence), err);
}

int record_store(int dirfd, const char *name, const char *payload, struct error *err)
{
	_cleanup_(found_done) struct found found = {};
	_cleanup_close_ int fd = -1;
	int r;

	if (strlen(payload) > RECORD_PAYLOAD_MAX)
		return error_set(err, FAULT_NO_SPACE, "more than %d bytes for a record of %s",
				 RECORD_PAYLOAD_MAX, name);
	r = open_file(dirfd, name, O_RDWR, &fd, err);
	if (r == 0)
		r = look(fd, &found, err);
	if (r == 0 && found.whole == 0)
		r = put(fd, ++found.sequence, payload, err);
	if (r == 0)
		r = put(fd, found.sequence + 1, payload, err);
	return r < 0 ? error_prefix(err, r, "%s", name) : 0;
}
