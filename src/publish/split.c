#include "publish/split.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define AGREE_MAX 3 /* bytes in a row that agree by chance */
#define SIZE_MIN  6 /* of a stretch; a shorter one is not worth a step */

struct split {
	struct match_step *steps;
	size_t n;
	size_t room;
};

static int add(struct split *split, struct match_step step)
{
	if (split->n == split->room) {
		size_t room = 2 * split->room + 64;
		struct match_step *more = reallocarray(split->steps, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		split->steps = more;
		split->room = room;
	}
	split->steps[split->n++] = step;
	return 0;
}

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
static int split_copy(struct split *split, struct match_step step, const uint8_t *old,
		      const uint8_t *bytes)
{
	size_t begin = 0;
	size_t i = 0;

	while (i < step.copy) {
		size_t differ;
		size_t size;

		if (old[step.old_at + i] == bytes[i]) {
			i++;
			continue;
		}
		size = measure(old + step.old_at + i, bytes + i, step.copy - i, &differ);
		i += size;
		if (!is_new(size, differ))
			continue;
		if (add(split, (struct match_step){ step.old_at + begin, i - size - begin, size }) <
		    0)
			return -ENOMEM;
		begin = i;
	}
	return add(split,
		   (struct match_step){ step.old_at + begin, step.copy - begin, step.extra });
}

int split_run(const struct match_step *steps, size_t n, const uint8_t *old, const uint8_t *bytes,
	      struct match_step **ret_steps, size_t *ret_n, struct error *err)
{
	struct split split = {};
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = split_copy(&split, steps[i], old, bytes);
		bytes += steps[i].copy + steps[i].extra;
	}
	if (r < 0 || split.n == n) {
		free(split.steps);
		return r < 0 ? error_code(err, r, "looking for differences") : SPLIT_NOTHING;
	}
	*ret_steps = split.steps;
	*ret_n = split.n;
	return 0;
}
