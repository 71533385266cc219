/*
 *     place:   0                 1                 2              … 63
 *              [block] [block]   [block] [block]   [block] [block]
 *
 *     append   the place that is worth the least: its older block is written, with the higher sequence
 *     update   the place of that number: likewise
 *     torn     the other block of the place counts: what was there is there
 */
#include "store/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/block.h"
#include "store/durable.h"
#include "store/fields.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/revive.h"

#define MAGIC	      "flipslot-outbox"
#define PAYLOAD_MAX   (OUTBOX_BLOCK - BLOCK_HEADER_MAX)
#define PATIENCE_USEC (10 * USEC_PER_SEC) /* for the lock, which is held for one write */
#define NO_FILE	      1

#define O(kind, member)		  FIELD(struct outbox_entry, kind, #member, member)
#define CUT(member, order, bytes) FIELD_CUT(struct outbox_entry, #member, member, order, bytes)

static const struct field fields[] = {
	O(FIELD_U64, number),	   O(FIELD_TEXT, id),	       O(FIELD_TEXT, receiver),
	O(FIELD_U64, created),	   O(FIELD_UINT, attempts),    O(FIELD_U64, next),
	O(FIELD_U64, delivered),   O(FIELD_UINT, dropped),     O(FIELD_BOOL, late),
	O(FIELD_BOOL, damaged),	   O(FIELD_TEXT, transaction), O(FIELD_VERB, verb),
	O(FIELD_OUTCOME, outcome), O(FIELD_FAULT, fault),      CUT(from_version, 2, 39),
	CUT(to_version, 2, 39),	   CUT(reason, 1, 199),	       CUT(error, 1, 99),
};

struct place {
	struct outbox_entry entry; /* number 0: nothing (whole) stands there */
	uint64_t sequence;
	unsigned int spare; /* the block that is written next */
};

static int open_file(int dirfd, int flags, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd = openat(dirfd, LAYOUT_OUTBOX,
					flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return NO_FILE;
	if (fd < 0)
		return error_errno(err, "opening the outbox");
	if (fstat(fd, &st) < 0)
		return error_errno(err, "looking at the outbox");
	if (!S_ISREG(st.st_mode) || st.st_size != OUTBOX_FILE_SIZE)
		return error_set(err, FAULT_CORRUPT, "outbox is not a regular file of %d bytes",
				 OUTBOX_FILE_SIZE);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static off_t offset_of(size_t place, unsigned int block)
{
	return (off_t)((2 * place + block) * OUTBOX_BLOCK);
}

/* > 0: nothing (whole) stands there. */
static int read_block(int fd, off_t offset, uint64_t *ret_sequence, struct outbox_entry *ret_entry,
		      struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	char block[OUTBOX_BLOCK];
	int r;

	if (!block_fetch(fd, offset, block, sizeof(block)))
		return BLOCK_DAMAGED;
	r = block_read(block, sizeof(block), MAGIC, ret_sequence, &payload, err);
	if (r == 0 && (fields_read(fields, ARRAY_SIZE(fields), payload, ret_entry, NULL) < 0 ||
		       ret_entry->number == 0))
		r = BLOCK_DAMAGED;
	return r;
}

static int read_place(int fd, size_t at, struct place *ret_place, struct error *err)
{
	*ret_place = (struct place){};
	for (unsigned int block = 0; block < 2; block++) {
		struct outbox_entry entry = {};
		uint64_t sequence = 0;
		int r = read_block(fd, offset_of(at, block), &sequence, &entry, err);

		if (r < 0)
			return r;
		if (r > 0 || sequence <= ret_place->sequence)
			continue;
		*ret_place = (struct place){ entry, sequence, !block };
	}
	return 0;
}

/* All places, malloc'ed. > 0: NO_FILE. */
static int read_all(int dirfd, int flags, int *ret_fd, struct place **ret_places, struct error *err)
{
	_cleanup_free_ struct place *places = NULL;
	_cleanup_close_ int fd = -1;
	int r = open_file(dirfd, flags, &fd, err);

	if (r != 0)
		return r;
	places = calloc(OUTBOX_PLACES, sizeof(*places));
	if (!places)
		return error_code(err, -ENOMEM, "reading the outbox");
	for (size_t i = 0; r == 0 && i < OUTBOX_PLACES; i++)
		r = read_place(fd, i, &places[i], err);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	*ret_places = TAKE_PTR(places);
	return 0;
}

static bool is_pending(const struct place *place)
{
	return place->entry.number > 0 && place->entry.delivered == 0;
}

static int write_place(int fd, size_t at, const struct place *place,
		       const struct outbox_entry *entry, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	char block[OUTBOX_BLOCK];
	int r = fields_write(fields, ARRAY_SIZE(fields), entry, PAYLOAD_MAX, &payload, err);

	if (r == 0)
		r = block_make(block, sizeof(block), MAGIC, place->sequence + 1, payload, err);
	if (r == 0)
		r = durable_overwrite(fd, block, sizeof(block), offset_of(at, place->spare), err);
	return r < 0 ? error_prefix(err, r, "the outbox") : 0;
}

/* The oldest that is pending (of the receiver, NULL: of all), or OUTBOX_PLACES. */
static size_t find_oldest(const struct place *places, const char *receiver)
{
	size_t found = OUTBOX_PLACES;

	for (size_t i = 0; i < OUTBOX_PLACES; i++) {
		const struct outbox_entry *entry = &places[i].entry;

		if (!is_pending(&places[i]) || (receiver && strcmp(entry->receiver, receiver) != 0))
			continue;
		if (found == OUTBOX_PLACES || entry->number < places[found].entry.number)
			found = i;
	}
	return found;
}

/* The one that is delivered or empty for the longest time, or OUTBOX_PLACES. */
static size_t find_free(const struct place *places)
{
	size_t found = OUTBOX_PLACES;

	for (size_t i = 0; i < OUTBOX_PLACES; i++)
		if (!is_pending(&places[i]) &&
		    (found == OUTBOX_PLACES || places[i].entry.number < places[found].entry.number))
			found = i;
	return found;
}

/* What the newest pending alert of the receiver says was dropped before it. */
static unsigned int dropped_before(const struct place *places, const char *receiver)
{
	const struct outbox_entry *newest = NULL;

	for (size_t i = 0; i < OUTBOX_PLACES; i++) {
		const struct outbox_entry *entry = &places[i].entry;

		if (is_pending(&places[i]) && strcmp(entry->receiver, receiver) == 0 &&
		    (!newest || entry->number > newest->number))
			newest = entry;
	}
	return newest ? newest->dropped : 0;
}

/* Where it goes; sets what follows from what is there. OUTBOX_PLACES: it is there already. */
static size_t choose(const struct place *places, struct outbox_entry *entry, bool *ret_dropped)
{
	size_t at = find_free(places);
	size_t oldest;

	entry->number = 1;
	*ret_dropped = false;
	for (size_t i = 0; i < OUTBOX_PLACES; i++) {
		const struct outbox_entry *old = &places[i].entry;

		if (old->number > 0 && strcmp(old->id, entry->id) == 0 &&
		    strcmp(old->receiver, entry->receiver) == 0)
			return OUTBOX_PLACES;
		if (old->number >= entry->number)
			entry->number = old->number + 1;
	}
	entry->dropped = dropped_before(places, entry->receiver);
	if (at < OUTBOX_PLACES)
		return at;
	oldest = find_oldest(places, entry->receiver);
	if (oldest == OUTBOX_PLACES) {
		oldest = find_oldest(places, NULL);
		entry->dropped = places[oldest].entry.dropped;
	}
	entry->dropped++;
	*ret_dropped = true;
	return oldest;
}

static int take_lock(int dirfd, int *ret_fd, struct error *err)
{
	int r = lock_wait(dirfd, LAYOUT_OUTBOX_LOCK, PATIENCE_USEC, ret_fd, err);

	if (r == LOCK_TAKEN)
		return error_set(err, FAULT_BUSY, "somebody holds the outbox");
	return r;
}

int outbox_append(int dirfd, const struct outbox_entry *entry, struct error *err)
{
	_cleanup_free_ struct place *places = NULL;
	_cleanup_close_ int lock_fd = -1;
	_cleanup_close_ int fd = -1;
	struct outbox_entry made = *entry;
	bool dropped;
	size_t at;
	int r = take_lock(dirfd, &lock_fd, err);

	if (r == 0)
		r = read_all(dirfd, O_RDWR, &fd, &places, err);
	if (r == NO_FILE)
		return revive_complain(dirfd, LAYOUT_OUTBOX, err);
	if (r != 0)
		return r;
	at = choose(places, &made, &dropped);
	r = at < OUTBOX_PLACES ? write_place(fd, at, &places[at], &made, err) : 0;
	return r == 0 && dropped ? OUTBOX_DROPPED : r;
}

int outbox_update(int dirfd, const struct outbox_entry *entry, struct error *err)
{
	_cleanup_free_ struct place *places = NULL;
	_cleanup_close_ int lock_fd = -1;
	_cleanup_close_ int fd = -1;
	int r = take_lock(dirfd, &lock_fd, err);

	if (r == 0)
		r = read_all(dirfd, O_RDWR, &fd, &places, err);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < OUTBOX_PLACES; i++)
		if (places[i].entry.number == entry->number)
			return write_place(fd, i, &places[i], entry, err);
	return OUTBOX_GONE;
}

static int oldest_first(const void *a, const void *b)
{
	const struct outbox_entry *x = a;
	const struct outbox_entry *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

int outbox_load(int dirfd, struct outbox_entry **ret_entries, size_t *ret_n, struct error *err)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;
	_cleanup_free_ struct place *places = NULL;
	_cleanup_close_ int fd = -1;
	size_t n = 0;
	int r = read_all(dirfd, O_RDONLY, &fd, &places, err);

	if (r < 0)
		return r;
	entries = calloc(OUTBOX_PLACES, sizeof(*entries));
	if (!entries)
		return error_errno(err, "reading the outbox");
	for (size_t i = 0; places && i < OUTBOX_PLACES; i++)
		if (is_pending(&places[i]))
			entries[n++] = places[i].entry;
	qsort(entries, n, sizeof(*entries), oldest_first);
	*ret_entries = TAKE_PTR(entries);
	*ret_n = n;
	return 0;
}
