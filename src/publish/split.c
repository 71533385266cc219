#include "publish/split.h"

#include <stdbool.h>
#include <stdlib.h>

#define AGREE_MAX 3 /* bytes in a row that agree by chance */
#define JOIN_MAX  24 /* bytes of a copy that is not worth a step */
#define SIZE_MIN  6 /* of a stretch; a shorter one is not worth a step */

/* From a byte that differs on: how far, and how many of them differ. */
static size_t measure(const uint8_t *old, const uint8_t *bytes, size_t size, size_t *ret_differ)
{
	size_t end = 1;
	size_t differ = 1;

	for (size_t i = 1; i < size && i - end <= AGREE_MAX; i++) {
		if (old[i] == bytes[i])
			continue;
		differ++;
		end = i + 1;
	}
	*ret_differ = differ;
	return end;
}

static bool is_new(size_t size, size_t differ)
{
	return size >= SIZE_MIN && differ > size - size / 8;
}

/* One copy, and what is new behind it. */
static int split_copy(struct match_steps *split, struct match_step step, const uint8_t *old,
		      const uint8_t *bytes, struct error *err)
{
	size_t begin = 0;
	size_t i = 0;

	while (i < step.copy) {
		struct match_step part = { .old_at = step.old_at + begin, .copy = i - begin };
		size_t differ;
		int r;

		if (old[step.old_at + i] == bytes[i]) {
			i++;
			continue;
		}
		part.extra = measure(old + step.old_at + i, bytes + i, step.copy - i, &differ);
		i += part.extra;
		if (!is_new(part.extra, differ))
			continue;
		r = match_steps_add(split, part, err);
		if (r < 0)
			return r;
		begin = i;
	}
	return match_steps_add(
		split, (struct match_step){ step.old_at + begin, step.copy - begin, step.extra },
		err);
}

int split_run(const struct match_step *steps, size_t n, const uint8_t *old, const uint8_t *bytes,
	      struct match_step **ret_steps, size_t *ret_n, struct error *err)
{
	struct match_steps split = {};
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = split_copy(&split, steps[i], old, bytes, err);
		bytes += steps[i].copy + steps[i].extra;
	}
	if (r < 0 || split.n == n) {
		free(split.list);
		return r < 0 ? r : SPLIT_NOTHING;
	}
	*ret_steps = split.list;
	*ret_n = split.n;
	return 0;
}

int split_join(const struct match_step *steps, size_t n, struct match_step **ret_steps,
	       size_t *ret_n, struct error *err)
{
	struct match_steps joined = {};
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (joined.n > 0 && steps[i].copy < JOIN_MAX)
			joined.list[joined.n - 1].extra += steps[i].copy + steps[i].extra;
		else
			r = match_steps_add(&joined, steps[i], err);
	}
	if (r < 0 || joined.n == n) {
		free(joined.list);
		return r < 0 ? r : SPLIT_NOTHING;
	}
	*ret_steps = joined.list;
	*ret_n = joined.n;
	return 0;
}
