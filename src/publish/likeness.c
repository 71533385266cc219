#include "publish/likeness.h"

#include <string.h>

#include "base/fd.h"

#define WINDOW	    32 /* bytes that are looked at together */
#define SAMPLES	    128 /* of a file, about */
#define COMMON_MAX  8 /* files that have a sample; one that more have says nothing */
#define PART_MIN    10 /* a tenth of the samples */
#define FACTOR	    0x9e3779b97f4a7c15ULL
#define SAMPLES_MAX 4096
#define READ_SIZE   65536

/* What a window of bytes is hashed to, and whose it is. */
struct sample {
	uint64_t hash;
	uint32_t entry;
};

struct samples {
	struct sample *list;
	size_t n, room;
};

struct likeness {
	const struct stock *old;
	struct samples samples; /* in the order of hashes, then of entries; each once */
};

void likeness_free(struct likeness *likeness)
{
	if (!likeness)
		return;
	free(likeness->samples.list);
	free(likeness);
}

/* ---- sampling ---- */

static int add(struct samples *samples, uint64_t hash, uint32_t entry, struct error *err)
{
	if (samples->n == samples->room) {
		size_t room = samples->room > 0 ? 2 * samples->room : 2 * SAMPLES;
		struct sample *list = reallocarray(samples->list, room, sizeof(*list));

		if (!list)
			return error_errno(err, "comparing trees");
		samples->list = list;
		samples->room = room;
	}
	samples->list[samples->n++] = (struct sample){ hash, entry };
	return 0;
}

/* The hash of all windows, of which the smallest ones are samples: the same in every file that has the window. */
struct rolling {
	uint8_t window[WINDOW];
	size_t at; /* bytes so far */
	uint64_t sum;
	uint64_t leaving; /* what a byte counts when it leaves the window */
	uint64_t limit;
};

static void roll_init(struct rolling *rolling, uint64_t size)
{
	*rolling = (struct rolling){ .leaving = 1, .limit = UINT64_MAX };
	for (int i = 0; i < WINDOW; i++)
		rolling->leaving *= FACTOR;
	if (size > SAMPLES)
		rolling->limit /= size / SAMPLES;
}

static bool roll(struct rolling *rolling, uint8_t byte, uint64_t *ret_hash)
{
	uint8_t *place = &rolling->window[rolling->at++ % WINDOW];
	uint64_t hash;

	rolling->sum = rolling->sum * FACTOR + byte + 1;
	if (rolling->at > WINDOW)
		rolling->sum -= rolling->leaving * (*place + 1ULL);
	*place = byte;
	hash = (rolling->sum ^ rolling->sum >> 29) * FACTOR;
	hash ^= hash >> 32;
	*ret_hash = hash;
	return rolling->at >= WINDOW && hash <= rolling->limit;
}

static int sample_bytes(struct rolling *rolling, const uint8_t *bytes, size_t size, uint32_t entry,
			struct samples *samples, size_t max, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < size; i++) {
		uint64_t hash;

		if (roll(rolling, bytes[i], &hash) && samples->n < max)
			r = add(samples, hash, entry, err);
	}
	return r;
}

static int sample_file(const struct stock *stock, uint32_t number, struct samples *samples,
		       struct error *err)
{
	const struct index_entry *entry = index_at(stock->index, number);
	size_t max = samples->n + SAMPLES_MAX;
	_cleanup_close_ int fd = -1;
	struct rolling rolling;
	uint8_t bytes[READ_SIZE];
	ssize_t n = 0;
	int r = stock_open(stock, entry, &fd, err);

	roll_init(&rolling, entry->size);
	while (r == 0 && (n = fd_read_full(fd, bytes, sizeof(bytes))) > 0)
		r = sample_bytes(&rolling, bytes, (size_t)n, number, samples, max, err);
	return r == 0 && n < 0 ? error_errno(err, "reading %s", entry->path) : r;
}

static int compare(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

static void sort(struct samples *samples)
{
	size_t n = 0;

	if (samples->n > 0)
		qsort(samples->list, samples->n, sizeof(*samples->list), compare);
	for (size_t i = 0; i < samples->n; i++)
		if (n == 0 || compare(&samples->list[n - 1], &samples->list[i]) != 0)
			samples->list[n++] = samples->list[i];
	samples->n = n;
}

int likeness_new(const struct stock *old, uint64_t max, struct likeness **ret_likeness,
		 struct error *err)
{
	_cleanup_(likeness_freep) struct likeness *likeness = calloc(1, sizeof(*likeness));
	int r = 0;

	if (!likeness)
		return error_errno(err, "comparing trees");
	likeness->old = old;
	for (uint32_t i = 0; r == 0 && i < index_count(old->index); i++) {
		const struct index_entry *entry = index_at(old->index, i);

		if (entry->type == INDEX_FILE && entry->size > 0 && entry->size <= max)
			r = sample_file(old, i, &likeness->samples, err);
	}
	if (r < 0)
		return r;
	sort(&likeness->samples);
	*ret_likeness = TAKE_PTR(likeness);
	return 0;
}

/* ---- finding ---- */

static size_t first_of(const struct samples *samples, uint64_t hash)
{
	size_t low = 0, high = samples->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (samples->list[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void vote(const struct samples *samples, uint64_t hash, uint32_t *votes)
{
	size_t first = first_of(samples, hash);
	size_t end = first;

	while (end < samples->n && samples->list[end].hash == hash)
		end++;
	for (size_t i = first; i < end && end - first <= COMMON_MAX; i++)
		votes[samples->list[i].entry]++;
}

int likeness_find(const struct likeness *likeness, const struct stock *fresh,
		  const struct index_entry *entry, const struct index_entry **ret_entry,
		  struct error *err)
{
	const struct index *old = likeness->old->index;
	_cleanup_free_ uint32_t *votes = calloc(index_count(old) + 1, sizeof(*votes));
	struct samples samples = {};
	size_t best = 0;
	int r;

	if (!votes)
		return error_errno(err, "comparing trees");
	r = sample_file(fresh, index_number(fresh->index, entry->path), &samples, err);
	sort(&samples);
	for (size_t i = 0; i < samples.n; i++)
		vote(&likeness->samples, samples.list[i].hash, votes);
	for (size_t i = 0; i < index_count(old); i++)
		if (votes[i] > votes[best])
			best = i;
	free(samples.list);
	if (r < 0)
		return r;
	*ret_entry = votes[best] > 0 && votes[best] >= samples.n / PART_MIN ? index_at(old, best) :
									      NULL;
	return 0;
}
