#include "publish/difference.h"

#include <endian.h>
#include <string.h>

#include "publish/number.h"

#define WORD 4

struct writing {
	struct text *sections;
	struct guess *guess;
	const uint8_t *old, *bytes; /* where the writing is */
	struct guess_field field; /* the same, as numbers */
	uint64_t gap;
};

void difference_done(struct difference *difference)
{
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		text_done(&difference->sections[i]);
}

static void put_byte(struct text *text, uint8_t byte)
{
	text_add_bytes(text, &byte, 1);
}

static uint32_t load(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, WORD);
	return le32toh(word);
}

static void move_on(struct writing *w, size_t n)
{
	w->old += n;
	w->bytes += n;
	w->field.old_at += (uint32_t)n;
	w->field.new_at += (uint32_t)n;
}

static void put_word(struct writing *w)
{
	struct guess_answer answer;
	uint32_t difference;

	w->field.old_value = load(w->old);
	difference = load(w->bytes) - w->field.old_value;
	guess_ask(w->guess, &w->field, &answer);
	if (answer.near == difference) {
		put_byte(&w->sections[PATCH_CHOICES], PATCH_NEAR);
	} else if (answer.far == difference) {
		put_byte(&w->sections[PATCH_CHOICES], PATCH_FAR);
	} else {
		put_byte(&w->sections[PATCH_CHOICES], PATCH_VALUE);
		number_put(&w->sections[PATCH_VALUES], patch_fold((int32_t)difference));
	}
	guess_learn(w->guess, &w->field, difference);
}

/* A field begins at the first byte that differs. */
static size_t put_field(struct writing *w, size_t left)
{
	size_t size = left >= WORD ? WORD : 1;

	number_put(&w->sections[PATCH_GAPS], w->gap);
	w->gap = 0;
	if (size == WORD)
		put_word(w);
	else
		number_put(&w->sections[PATCH_VALUES], (uint8_t)(*w->bytes - *w->old));
	move_on(w, size);
	return size;
}

static void put_copy(struct writing *w, size_t left)
{
	while (left > 0) {
		if (*w->old != *w->bytes) {
			left -= put_field(w, left);
			continue;
		}
		move_on(w, 1);
		w->gap++;
		left--;
	}
}

int difference_make(struct difference *difference, const struct match_step *steps, size_t n,
		    const uint8_t *old, size_t old_size, const uint8_t *bytes, uint64_t position,
		    struct error *err)
{
	_cleanup_free_ struct guess *guess = malloc(sizeof(*guess));
	struct writing w = { .sections = difference->sections, .guess = guess, .bytes = bytes };
	struct text *control = &difference->sections[PATCH_CONTROL];
	size_t before = 0;
	int r = 0;

	if (!guess)
		return error_errno(err, "looking for differences");
	guess_init(guess);
	number_put(control, position);
	w.field = (struct guess_field){ .new_at = (uint32_t)position,
					.base_size = (uint32_t)old_size };
	for (size_t i = 0; i < n; i++) {
		if (steps[i].copy + steps[i].extra == 0)
			continue; /* the reader is through before the last one */
		number_put(control, steps[i].copy);
		number_put(control, steps[i].extra);
		number_put(control, patch_fold((int64_t)steps[i].old_at - (int64_t)before));
		before = steps[i].old_at + steps[i].copy;
		w.old = old + steps[i].old_at;
		w.field.old_at = (uint32_t)steps[i].old_at;
		put_copy(&w, steps[i].copy);
		text_add_bytes(&difference->sections[PATCH_EXTRA], w.bytes, steps[i].extra);
		w.bytes += steps[i].extra;
		w.field.new_at += (uint32_t)steps[i].extra;
	}
	for (size_t i = 0; r == 0 && i < PATCH_SECTION_MAX; i++)
		r = text_check(&difference->sections[i], err);
	return r;
}
