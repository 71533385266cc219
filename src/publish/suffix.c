#include "publish/suffix.h"

#include <divsufsort.h>
#include <errno.h>
#include <string.h>

#define LARGE	  (16U * 1024 * 1024) /* from here on the table is of three bytes */
#define MATCH_MIN 3

struct suffix {
	const uint8_t *data;
	size_t size;
	unsigned int width; /* bytes of a beginning */
	uint32_t *starts; /* of each beginning, and the end */
	saidx_t *order;
};

/* ---- the table ---- */

/* The beginning of a suffix; what is missing behind the end is zeroes, and sorts first. */
static uint32_t beginning(const struct suffix *suffix, size_t position)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < suffix->width; i++, position++)
		value = value << 8 | (position < suffix->size ? suffix->data[position] : 0);
	return value;
}

static unsigned int width_for(size_t size)
{
	return size >= LARGE ? 3 : 2;
}

size_t suffix_memory(size_t size)
{
	size_t places = (size_t)1 << (8 * width_for(size));

	return size * (1 + sizeof(saidx_t)) + places * sizeof(uint32_t);
}

static int make_table(struct suffix *suffix, struct error *err)
{
	size_t n = (size_t)1 << (8 * suffix->width);

	suffix->starts = calloc(n + 1, sizeof(*suffix->starts));
	if (!suffix->starts)
		return error_errno(err, "looking for differences");
	for (size_t i = 0; i < suffix->size; i++)
		suffix->starts[beginning(suffix, i) + 1]++;
	for (size_t i = 0; i < n; i++)
		suffix->starts[i + 1] += suffix->starts[i];
	return 0;
}

int suffix_new(const uint8_t *data, size_t size, struct suffix **ret_suffix, struct error *err)
{
	_cleanup_(suffix_freep) struct suffix *suffix = calloc(1, sizeof(*suffix));
	int r;

	if (!suffix)
		return error_errno(err, "looking for differences");
	if (size < 1 || size > SUFFIX_MAX)
		return error_set(err, FAULT_INTERNAL, "a file of %zu bytes is not sorted", size);
	suffix->data = data;
	suffix->size = size;
	suffix->width = width_for(size);
	suffix->order = malloc(size * sizeof(*suffix->order));
	if (!suffix->order)
		return error_errno(err, "looking for differences");
	r = make_table(suffix, err);
	if (r < 0)
		return r;
	if (divsufsort(data, suffix->order, (saidx_t)size) != 0)
		return error_code(err, -ENOMEM, "looking for differences");
	*ret_suffix = TAKE_PTR(suffix);
	return 0;
}

void suffix_free(struct suffix *suffix)
{
	if (!suffix)
		return;
	free(suffix->starts);
	free(suffix->order);
	free(suffix);
}

/* ---- searching ---- */

/* How far a and b agree, which they do for `known` bytes. */
static size_t agree(const uint8_t *a, const uint8_t *b, size_t known, size_t max)
{
	size_t i = known;

	for (; i + sizeof(uint64_t) <= max; i += sizeof(uint64_t))
		if (memcmp(a + i, b + i, sizeof(uint64_t)) != 0)
			break;
	while (i < max && a[i] == b[i])
		i++;
	return i;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * All that begin like the bytes lie between low and high. Those at and beyond a bound that was looked at agree with the bytes
 * in at least as many bytes as it does, between two bounds in the fewer of both: these are not compared again.
 */
static size_t search(const struct suffix *suffix, const uint8_t *bytes, size_t size, size_t low,
		     size_t high, size_t *ret_position)
{
	size_t best = 0, at_low = suffix->width, at_high = at_low;

	while (low < high && best < size) {
		size_t middle = low + (high - low) / 2;
		size_t position = (size_t)suffix->order[middle];
		size_t max = smaller(size, suffix->size - position);
		size_t known = max < suffix->width ? 0 : smaller(at_low, at_high);
		size_t n = agree(suffix->data + position, bytes, known, max);

		if (n > best) {
			best = n;
			*ret_position = position;
		}
		if (n == max || suffix->data[position + n] < bytes[n]) {
			low = middle + 1;
			at_low = n;
		} else {
			high = middle;
			at_high = n;
		}
	}
	return best;
}

size_t suffix_find(const struct suffix *suffix, const uint8_t *bytes, size_t size,
		   size_t *ret_position)
{
	uint32_t key = 0;
	size_t n;

	*ret_position = 0;
	if (size < MATCH_MIN)
		return 0;
	for (unsigned int i = 0; i < suffix->width; i++)
		key = key << 8 | bytes[i];
	n = search(suffix, bytes, smaller(size, SUFFIX_MATCH_MAX), suffix->starts[key],
		   suffix->starts[key + 1], ret_position);
	return n < MATCH_MIN ? 0 : n;
}
