#include "publish/match.h"

#include <stdbool.h>

#define BETTER	    8 /* bytes by which a new place must agree more than the one that goes on */
#define STEPS_ROOM  64
#define HURRY_AFTER 4096 /* bytes without a match for each byte that the search skips */
#define HURRY_MAX   64

struct matching {
	const struct suffix *suffix;
	const uint8_t *old;
	size_t old_size;
	const uint8_t *bytes;
	size_t size;
	size_t scan, length, position; /* the exact match at hand: new, its length, old */
	size_t last_scan, last_position; /* where the stretch under way begins */
	size_t offset; /* of it: old less new, modulo */
	struct match_steps steps;
};

static bool agrees(const struct matching *m, size_t scan)
{
	size_t at = scan + m->offset;

	return at < m->old_size && m->old[at] == m->bytes[scan];
}

/* In data that has no matches, every byte need not be looked at: a match is followed backwards anyway. */
static size_t stride(const struct matching *m, size_t began)
{
	size_t n = 1 + (m->scan - began) / HURRY_AFTER;

	return n < HURRY_MAX ? n : HURRY_MAX;
}

/* To the next exact match that is better than going on; true: or only the end. */
static bool find_next(struct matching *m)
{
	size_t scored, began, score = 0;

	m->scan += m->length;
	scored = began = m->scan;
	while (m->scan < m->size) {
		size_t next;

		m->length =
			suffix_find(m->suffix, m->bytes + m->scan, m->size - m->scan, &m->position);
		for (; scored < m->scan + m->length; scored++)
			score += agrees(m, scored);
		if ((m->length == score && m->length > 0) || m->length > score + BETTER)
			break;
		for (next = m->scan + stride(m, began); m->scan < next && m->scan < m->size;
		     m->scan++)
			if (scored > m->scan)
				score -= agrees(m, m->scan);
			else
				scored = m->scan + 1;
	}
	return m->length != score || m->scan >= m->size;
}

/* How far the stretch under way goes on, before the new match. */
static size_t go_on(const struct matching *m)
{
	size_t best = 0, same = 0;
	int64_t best_score = 0;

	for (size_t i = 0; m->last_scan + i < m->scan && m->last_position + i < m->old_size;) {
		same += m->old[m->last_position + i] == m->bytes[m->last_scan + i];
		i++;
		if ((int64_t)(2 * same) - (int64_t)i > best_score) {
			best_score = (int64_t)(2 * same) - (int64_t)i;
			best = i;
		}
	}
	return best;
}

/* How far the new match reaches back. */
static size_t go_back(const struct matching *m)
{
	size_t best = 0, same = 0;
	int64_t best_score = 0;

	if (m->scan >= m->size)
		return 0;
	for (size_t i = 1; m->scan >= m->last_scan + i && m->position >= i; i++) {
		same += m->old[m->position - i] == m->bytes[m->scan - i];
		if ((int64_t)(2 * same) - (int64_t)i > best_score) {
			best_score = (int64_t)(2 * same) - (int64_t)i;
			best = i;
		}
	}
	return best;
}

/* Where both claim the same bytes: how many of these the stretch under way should have. */
static size_t divide(const struct matching *m, size_t forward, size_t back, size_t both)
{
	const uint8_t *before = m->old + m->last_position + forward - both;
	const uint8_t *after = m->old + m->position - back;
	const uint8_t *bytes = m->bytes + m->last_scan + forward - both;
	int64_t score = 0, best_score = 0;
	size_t best = 0;

	for (size_t i = 0; i < both; i++) {
		score += (bytes[i] == before[i]) - (bytes[i] == after[i]);
		if (score > best_score) {
			best_score = score;
			best = i + 1;
		}
	}
	return best;
}

int match_steps_add(struct match_steps *steps, struct match_step step, struct error *err)
{
	if (steps->n == steps->room) {
		size_t room = steps->room > 0 ? 2 * steps->room : STEPS_ROOM;
		struct match_step *more = reallocarray(steps->list, room, sizeof(*more));

		if (!more)
			return error_errno(err, "looking for differences");
		steps->list = more;
		steps->room = room;
	}
	steps->list[steps->n++] = step;
	return 0;
}

static int add_step(struct matching *m, size_t copy, size_t extra, struct error *err)
{
	return match_steps_add(&m->steps, (struct match_step){ m->last_position, copy, extra },
			       err);
}

static int end_stretch(struct matching *m, struct error *err)
{
	size_t forward = go_on(m), back = go_back(m);
	int r;

	if (m->last_scan + forward > m->scan - back) {
		size_t both = m->last_scan + forward - (m->scan - back);
		size_t kept = divide(m, forward, back, both);

		forward = forward + kept - both;
		back -= kept;
	}
	r = add_step(m, forward, m->scan - back - (m->last_scan + forward), err);
	m->last_scan = m->scan - back;
	m->last_position = m->position - back;
	m->offset = m->position - m->scan;
	return r;
}

int match_run(const struct suffix *suffix, const uint8_t *old, size_t old_size,
	      const uint8_t *bytes, size_t size, uint64_t position, struct match_step **ret_steps,
	      size_t *ret_n, struct error *err)
{
	struct matching m = {
		.suffix = suffix,
		.old = old,
		.old_size = old_size,
		.bytes = bytes,
		.size = size,
		.last_position = position < old_size ? (size_t)position : 0,
	};
	int r = 0;

	m.offset = m.last_position;
	while (r == 0 && m.scan < size)
		if (find_next(&m))
			r = end_stretch(&m, err);
	if (r < 0) {
		free(m.steps.list);
		return r;
	}
	*ret_steps = m.steps.list;
	*ret_n = m.steps.n;
	return 0;
}
