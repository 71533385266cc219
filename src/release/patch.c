/*
 * A patch makes new bytes of an old file ("base") and of five sections, each read from its beginning to its end, which
 * must be reached by all of them when the last new byte is made. Numbers are unsigned LEB128 (7 bits a byte, lowest
 * first, bit 7: more follow); ± marks those that are folded (patch_fold).
 *
 *     control   <position>  { <copy> <extra> ±<seek> } …
 *     gaps      { <gap> } …
 *     choices   { one byte: 0, 1, 2 } …
 *     values    { ±<difference> or <byte> } …
 *     extra     bytes
 *
 * <position> is where the new bytes stand in the new file. Then, from base position 0 on, until all is made: the base
 * position moves by <seek>, <copy> bytes are copied from there (it moves behind them), <extra> bytes follow from the section extra.
 *
 * Copied bytes stay as they are but for *fields*, which are not always addresses, but should be: <gap> copied bytes after
 * the beginning, or after the last field, is one; when the section gaps is at its end there is no further one. If at least four
 * bytes of the copy remain, it is a number of four bytes, lowest first, to which is added, modulo 2^32, what the choice says:
 * 0 the near and 1 the far guess of release/guess.h, 2 a <difference> from values. The guesser is told what it was. If
 * less remain it is one byte, to which <byte> (0 to 255) of values is added modulo 256; it has no choice.
 *
 * Why: bsdiff stores every copied byte's difference, mostly zeroes, and leaves it to bzip2 that they cost little; an address that
 * moves by 0x1234 is 34 12 00 00, or 34 13 00 00 after a carry. One number each, and most of them guessed, is less by a third.
 */
#include "release/patch.h"

#include <endian.h>
#include <string.h>

#define WORD 4

struct patching {
	struct patch_bytes left[PATCH_SECTION_MAX];
	const uint8_t *base;
	size_t base_size;
	uint8_t *out;
	size_t out_size, made;
	uint64_t position; /* of out in the new file */
	uint64_t from; /* in base */
	uint64_t gap; /* copied bytes before the next field; UINT64_MAX: there is none */
	struct guess *guess;
	struct error *err;
};

static int refuse(const struct patching *patching, const char *what)
{
	return error_set(patching->err, FAULT_CORRUPT, "a patch %s", what);
}

bool patch_read_number(struct patch_bytes *bytes, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (unsigned int shift = 0; shift < 64 && bytes->size > 0; shift += 7) {
		uint8_t byte = *bytes->data++;

		bytes->size--;
		if (shift == 63 && byte > 1)
			return false;
		number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret_number = number;
			return true;
		}
	}
	return false;
}

static int read_number(struct patching *patching, enum patch_section section, uint64_t *ret_number)
{
	if (patch_read_number(&patching->left[section], ret_number))
		return 0;
	return refuse(patching, "is cut short or has a number that is too large");
}

static int read_gap(struct patching *patching)
{
	patching->gap = UINT64_MAX;
	if (patching->left[PATCH_GAPS].size == 0)
		return 0;
	return read_number(patching, PATCH_GAPS, &patching->gap);
}

/* ---- fields ---- */

static uint32_t load(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, WORD);
	return le32toh(word);
}

static void store(uint8_t *at, uint32_t value)
{
	uint32_t word = htole32(value);

	memcpy(at, &word, WORD);
}

static int read_difference(struct patching *patching, const struct guess_answer *answer,
			   uint32_t *ret_difference)
{
	struct patch_bytes *choices = &patching->left[PATCH_CHOICES];
	uint64_t number;
	int r;

	if (choices->size == 0 || *choices->data > PATCH_VALUE)
		return refuse(patching, "has a choice that is none");
	choices->size--;
	*ret_difference = answer->near;
	switch (*choices->data++) {
	case PATCH_NEAR:
		return 0;
	case PATCH_FAR:
		*ret_difference = answer->far;
		return 0;
	default:
		r = read_number(patching, PATCH_VALUES, &number);
		if (r == 0)
			*ret_difference = (uint32_t)patch_unfold(number);
		return r;
	}
}

static int make_word(struct patching *patching)
{
	const struct guess_field field = {
		.old_at = (uint32_t)patching->from,
		.new_at = (uint32_t)(patching->position + patching->made),
		.old_value = load(patching->base + patching->from),
		.base_size = (uint32_t)patching->base_size,
	};
	struct guess_answer answer;
	uint32_t difference = 0;
	int r;

	guess_ask(patching->guess, &field, &answer);
	r = read_difference(patching, &answer, &difference);
	if (r < 0)
		return r;
	guess_learn(patching->guess, &field, difference);
	store(patching->out + patching->made, field.old_value + difference);
	return 0;
}

static int make_byte(struct patching *patching)
{
	uint64_t number;
	int r = read_number(patching, PATCH_VALUES, &number);

	if (r < 0)
		return r;
	if (number > UINT8_MAX)
		return refuse(patching, "has a byte that is too large");
	patching->out[patching->made] = (uint8_t)(patching->base[patching->from] + number);
	return 0;
}

/* *left: bytes of the copy, above 0. */
static int make_field(struct patching *patching, uint64_t *left)
{
	size_t size = *left >= WORD ? WORD : 1;
	int r = size == WORD ? make_word(patching) : make_byte(patching);

	patching->made += size;
	patching->from += size;
	*left -= size;
	return r < 0 ? r : read_gap(patching);
}

/* ---- control ---- */

/* Both ranges were checked. */
static int copy(struct patching *patching, uint64_t left)
{
	int r = 0;

	while (r == 0 && left > 0) {
		size_t same = (size_t)(patching->gap < left ? patching->gap : left);

		memcpy(patching->out + patching->made, patching->base + patching->from, same);
		patching->made += same;
		patching->from += same;
		left -= same;
		if (patching->gap != UINT64_MAX)
			patching->gap -= same;
		if (left > 0)
			r = make_field(patching, &left);
	}
	return r;
}

static int add_extra(struct patching *patching, uint64_t size)
{
	struct patch_bytes *extra = &patching->left[PATCH_EXTRA];

	if (size > extra->size || size > patching->out_size - patching->made)
		return refuse(patching, "has more new bytes than fit");
	memcpy(patching->out + patching->made, extra->data, (size_t)size);
	patching->made += (size_t)size;
	extra->data += size;
	extra->size -= (size_t)size;
	return 0;
}

static int step(struct patching *patching)
{
	uint64_t length = 0, extra = 0, seek = 0;
	int r = read_number(patching, PATCH_CONTROL, &length);

	if (r == 0)
		r = read_number(patching, PATCH_CONTROL, &extra);
	if (r == 0)
		r = read_number(patching, PATCH_CONTROL, &seek);
	if (r < 0)
		return r;
	patching->from += (uint64_t)patch_unfold(seek);
	if (patching->from > patching->base_size || length > patching->base_size - patching->from ||
	    length > patching->out_size - patching->made)
		return refuse(patching, "copies what is not there");
	r = copy(patching, length);
	return r < 0 ? r : add_extra(patching, extra);
}

static int check_ends(const struct patching *patching)
{
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		if (patching->left[i].size > 0)
			return refuse(patching, "has more than is needed");
	return patching->gap == UINT64_MAX ? 0 : refuse(patching, "has a field behind its end");
}

int patch_apply(const struct patch_bytes sections[static PATCH_SECTION_MAX], const void *base,
		size_t base_size, struct guess *guess, void *out, size_t out_size,
		struct error *err)
{
	struct patching patching = {
		.base = base,
		.base_size = base_size,
		.out = out,
		.out_size = out_size,
		.guess = guess,
		.err = err,
	};
	int r;

	memcpy(patching.left, sections, sizeof(patching.left));
	guess_init(guess);
	r = read_number(&patching, PATCH_CONTROL, &patching.position);
	if (r == 0)
		r = read_gap(&patching);
	while (r == 0 && patching.made < out_size)
		r = step(&patching);
	return r < 0 ? r : check_ends(&patching);
}
