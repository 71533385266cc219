#include "store/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "store/block.h"
#include "store/durable.h"
#include "store/fields.h"
#include "store/layout.h"
#include "store/revive.h"

#define MAGIC	    "flipslot-history"
#define PAYLOAD_MAX (HISTORY_BLOCK - BLOCK_HEADER_MAX)

#define H(kind, member)		  FIELD(struct history_entry, kind, #member, member)
#define CUT(member, order, bytes) FIELD_CUT(struct history_entry, #member, member, order, bytes)

static const struct field fields[] = {
	H(FIELD_TEXT, id),	H(FIELD_VERB, verb),	  H(FIELD_OUTCOME, outcome),
	H(FIELD_FAULT, fault),	CUT(from_version, 2, 39), CUT(to_version, 2, 39),
	H(FIELD_SLOT, slot),	H(FIELD_U64, began),	  H(FIELD_U64, ended),
	H(FIELD_U64, downtime), H(FIELD_U64, fetched),	  H(FIELD_U64, requests),
	H(FIELD_U64, files),	H(FIELD_U64, reused),	  H(FIELD_BOOL, trusted_by_word),
	H(FIELD_TEXT, signer),	CUT(group, 2, 15),	  CUT(who, 2, 15),
	CUT(why, 1, 63),	CUT(reason, 1, 99),
};

struct history_entry history_entry_of(const struct state_transaction *transaction)
{
	struct history_entry entry = {
		.verb = transaction->verb,
		.outcome = transaction->outcome,
		.fault = transaction->fault,
		.slot = transaction->target,
		.began = transaction->began,
		.ended = transaction->ended,
		.downtime = transaction->downtime,
		.fetched = transaction->fetched,
		.requests = transaction->requests,
		.files = transaction->files,
		.reused = transaction->reused,
		.trusted_by_word = transaction->trust_me,
	};

	(void)text_copy(transaction->id, entry.id, sizeof(entry.id));
	(void)text_copy(transaction->from_version, entry.from_version, sizeof(entry.from_version));
	(void)text_copy(transaction->release.version, entry.to_version, sizeof(entry.to_version));
	(void)text_copy(transaction->group, entry.group, sizeof(entry.group));
	(void)text_copy(transaction->who, entry.who, sizeof(entry.who));
	(void)text_copy(transaction->signer, entry.signer, sizeof(entry.signer));
	(void)text_copy(transaction->why, entry.why, sizeof(entry.why));
	(void)text_copy(transaction->reason, entry.reason, sizeof(entry.reason));
	return entry;
}

static int open_file(int dirfd, int flags, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd = openat(dirfd, LAYOUT_HISTORY,
					flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return revive_complain(dirfd, LAYOUT_HISTORY, err);
	if (fd < 0)
		return error_errno(err, "opening the history");
	if (fstat(fd, &st) < 0)
		return error_errno(err, "looking at the history");
	if (!S_ISREG(st.st_mode) || st.st_size != HISTORY_FILE_SIZE)
		return error_set(err, FAULT_CORRUPT, "history is not a regular file of %d bytes",
				 HISTORY_FILE_SIZE);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static size_t place_of(uint64_t sequence)
{
	return (size_t)((sequence - 1) % HISTORY_ENTRIES);
}

/* > 0: nothing (whole) stands there. */
static int read_entry(int fd, size_t place, struct history_entry *ret_entry, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	char block[HISTORY_BLOCK];
	uint64_t sequence = 0;
	int r;

	if (!block_fetch(fd, (off_t)(place * HISTORY_BLOCK), block, sizeof(block)))
		return BLOCK_DAMAGED;
	r = block_read(block, sizeof(block), MAGIC, &sequence, &payload, err);
	if (r != 0)
		return r;
	if (sequence == 0 || place_of(sequence) != place ||
	    fields_read(fields, ARRAY_SIZE(fields), payload, ret_entry, NULL) < 0)
		return BLOCK_DAMAGED;
	ret_entry->sequence = sequence;
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct history_entry *x = a;
	const struct history_entry *y = b;

	return (x->sequence < y->sequence) - (x->sequence > y->sequence);
}

/* All that are whole, newest first. */
static int read_all(int fd, struct history_entry **ret_entries, size_t *ret_n, struct error *err)
{
	_cleanup_free_ struct history_entry *entries = calloc(HISTORY_ENTRIES, sizeof(*entries));
	size_t n = 0;

	if (!entries)
		return error_errno(err, "reading the history");
	for (size_t place = 0; place < HISTORY_ENTRIES; place++) {
		int r = read_entry(fd, place, &entries[n], err);

		if (r < 0)
			return r;
		n += r == 0;
	}
	qsort(entries, n, sizeof(*entries), newest_first);
	*ret_entries = TAKE_PTR(entries);
	*ret_n = n;
	return 0;
}

int history_load(int dirfd, size_t max, struct history_entry **ret_entries, size_t *ret_n,
		 struct error *err)
{
	_cleanup_close_ int fd = -1;
	int r = open_file(dirfd, O_RDONLY, &fd, err);

	if (r == 0)
		r = read_all(fd, ret_entries, ret_n, err);
	if (r == 0 && *ret_n > max)
		*ret_n = max;
	return r;
}

static int put(int fd, uint64_t sequence, const struct history_entry *entry, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	char block[HISTORY_BLOCK];
	int r = fields_write(fields, ARRAY_SIZE(fields), entry, PAYLOAD_MAX, &payload, err);

	if (r == 0)
		r = block_make(block, sizeof(block), MAGIC, sequence, payload, err);
	if (r == 0)
		r = durable_overwrite(fd, block, sizeof(block),
				      (off_t)(place_of(sequence) * HISTORY_BLOCK), err);
	return r < 0 ? error_prefix(err, r, "the history") : 0;
}

int history_append(int dirfd, const struct history_entry *entry, struct error *err)
{
	_cleanup_free_ struct history_entry *entries = NULL;
	_cleanup_close_ int fd = -1;
	size_t n = 0;
	int r = open_file(dirfd, O_RDWR, &fd, err);

	if (r == 0)
		r = read_all(fd, &entries, &n, err);
	if (r < 0)
		return r;
	if (n > 0 && strcmp(entries[0].id, entry->id) == 0)
		return 0;
	return put(fd, n > 0 ? entries[0].sequence + 1 : 1, entry, err);
}
