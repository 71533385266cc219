#include "publish/near-head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "publish/number.h"
#include "release/bundle-long.h"
#include "release/bundle-near.h"
#include "release/bundle-table-write.h"
#include "release/chunks.h"
#include "release/frame-write.h"
#include "release/line.h"

#define PACKED_MAX (4U * 1024 * 1024) /* bytes that the head may have of new ones, about */

struct drafting {
	const struct near_head *what;
	struct chunks_cutter cutter;
	struct text numbers, keys, fresh; /* of all recipes */
	struct text stretches; /* numbers of the recipe under way */
	uint64_t n_stretches, new_bytes, known; /* likewise; of the last stretch */
	struct text new_keys, new_fresh; /* likewise */
	size_t room; /* for contents */
	uint64_t packed;
	uint64_t next; /* entry */
	bool *behind;
};

static void drafting_done(struct drafting *drafting)
{
	text_done(&drafting->numbers);
	text_done(&drafting->keys);
	text_done(&drafting->fresh);
	text_done(&drafting->stretches);
	text_done(&drafting->new_keys);
	text_done(&drafting->new_fresh);
}

bool near_head_is_known(const struct near_head *what, size_t content)
{
	bool known = true;

	for (size_t i = 0; i < what->n_bases; i++)
		known = known && what->bases[i].has[content];
	return known;
}

/* ---- a recipe ---- */

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Those of the releases that lack the content: the others need no piece of it. */
static bool all_have(const struct near_head *what, size_t content, uint64_t key)
{
	for (size_t i = 0; i < what->n_bases; i++) {
		const struct near_base *base = &what->bases[i];

		if (base->has[content])
			continue;
		if (!base->keys ||
		    !bsearch(&key, base->keys, base->n_keys, sizeof(uint64_t), by_key))
			return false;
	}
	return true;
}

static void end_stretch(struct drafting *drafting)
{
	if (drafting->new_bytes == 0 && drafting->known == 0)
		return;
	number_put(&drafting->stretches, drafting->new_bytes);
	number_put(&drafting->stretches, drafting->known);
	drafting->n_stretches++;
	drafting->new_bytes = drafting->known = 0;
}

static void add_new(struct drafting *drafting, const uint8_t *bytes, size_t size)
{
	if (drafting->known > 0)
		end_stretch(drafting);
	text_add_bytes(&drafting->new_fresh, bytes, size);
	drafting->new_bytes += size;
}

static void add_known(struct drafting *drafting, uint64_t key)
{
	uint8_t bytes[CHUNKS_KEY_SIZE];

	for (size_t i = CHUNKS_KEY_SIZE; i-- > 0; key >>= 8)
		bytes[i] = (uint8_t)key;
	text_add_bytes(&drafting->new_keys, bytes, sizeof(bytes));
	drafting->known++;
}

static int cut(struct drafting *drafting, size_t content, const uint8_t *bytes, size_t size,
	       struct error *err)
{
	int r = 0;

	drafting->stretches.size = drafting->new_keys.size = drafting->new_fresh.size = 0;
	drafting->n_stretches = drafting->new_bytes = drafting->known = 0;
	for (size_t at = 0; r == 0 && at < size;) {
		size_t n = chunks_cut(&drafting->cutter, bytes + at, size - at);
		uint64_t key;

		r = chunks_key(bytes + at, n, &key, err);
		if (r == 0 && all_have(drafting->what, content, key))
			add_known(drafting, key);
		else if (r == 0)
			add_new(drafting, bytes + at, n);
		at += n;
	}
	end_stretch(drafting);
	return r;
}

static void add_text(struct text *text, const struct text *more)
{
	if (more->size > 0)
		text_add_bytes(text, more->data, more->size);
}

static void take_recipe(struct drafting *drafting, uint32_t entry)
{
	number_put(&drafting->numbers, entry - drafting->next);
	number_put(&drafting->numbers, drafting->n_stretches);
	drafting->next = (uint64_t)entry + 1;
	add_text(&drafting->numbers, &drafting->stretches);
	add_text(&drafting->keys, &drafting->new_keys);
	add_text(&drafting->fresh, &drafting->new_fresh);
}

/* What its new bytes pack to, about. */
static uint64_t estimate(const struct drafting *drafting, size_t content, uint64_t size)
{
	return drafting->what->spooled[content]->length * drafting->new_fresh.size / size;
}

/* As a recipe, or behind the head. */
static int draft(struct drafting *drafting, size_t content, struct error *err)
{
	const struct near_head *what = drafting->what;
	uint32_t number = what->all->items[content].entry;
	const struct index_entry *entry = index_at(what->fresh->index, number);
	uint64_t aligned = bundle_long_align(entry->size);
	_cleanup_free_ uint8_t *bytes = NULL;
	uint64_t packed;
	int r;

	drafting->behind[content] = true;
	if (entry->size > BLOCK_SIZE || aligned > drafting->room)
		return 0;
	r = stock_read(what->fresh, entry, &bytes, err);
	if (r == 0)
		r = cut(drafting, content, bytes, (size_t)entry->size, err);
	if (r < 0)
		return r;
	packed = drafting->packed + estimate(drafting, content, entry->size);
	if (packed > PACKED_MAX)
		return 0;
	drafting->packed = packed;
	drafting->room -= (size_t)aligned;
	drafting->behind[content] = false;
	take_recipe(drafting, number);
	return text_check(&drafting->numbers, err);
}

static int draft_all(struct drafting *drafting, struct error *err)
{
	const struct near_head *what = drafting->what;
	int r = chunks_cutter_init(&drafting->cutter, NEAR_BITS, err);

	for (size_t i = 0; r == 0 && i < what->all->n; i++) {
		drafting->behind[i] = false;
		if (!near_head_is_known(what, i))
			r = draft(drafting, i, err);
	}
	if (r == 0)
		r = text_check(&drafting->keys, err);
	return r < 0 ? r : text_check(&drafting->fresh, err);
}

/* ---- frames ---- */

static int add_frame(const struct near_head *what, const struct text *plain, struct text *head,
		     struct error *err)
{
	const struct text none = {};
	int r = text_check(plain, err);

	return r < 0 ? r : frame_write_pack(plain, &none, what->level, head, err);
}

struct known_digests {
	const struct digest **list; /* in their order */
	size_t n;
};

static int by_digest(const void *a, const void *b)
{
	const struct digest *const *x = a;
	const struct digest *const *y = b;

	return memcmp((*x)->bytes, (*y)->bytes, DIGEST_SIZE);
}

static int list_known(const struct near_head *what, struct known_digests *known, struct error *err)
{
	known->list = calloc(what->all->n + 1, sizeof(struct digest *));
	if (!known->list)
		return error_errno(err, "making a bundle");
	for (size_t i = 0; i < what->all->n; i++)
		if (near_head_is_known(what, i))
			known->list[known->n++] = &what->all->items[i].digest;
	qsort(known->list, known->n, sizeof(struct digest *), by_digest);
	return 0;
}

static bool is_known(const struct known_digests *known, const char *field)
{
	char hex[DIGEST_HEX_MAX];
	struct digest digest;
	const struct digest *key = &digest;

	memcpy(hex, field, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	return digest_from_hex(hex, &digest, NULL) == 0 &&
	       bsearch(&key, known->list, known->n, sizeof(struct digest *), by_digest);
}

static void cut_line(const struct known_digests *known, const char *line, const char *end,
		     struct text *text)
{
	const char *field = line_find_digest(line, (size_t)(end - line));

	if (!field || !is_known(known, field)) {
		text_add_bytes(text, line, (size_t)(end - line));
		return;
	}
	text_add_bytes(text, line, (size_t)(field - line) + 2 * BUNDLE_NEAR_DIGEST);
	field += DIGEST_HEX_MAX - 1;
	text_add_bytes(text, field, (size_t)(end - field));
}

static int add_index(const struct near_head *what, struct text *head, struct error *err)
{
	struct known_digests known = {};
	_cleanup_free_ char *whole = NULL;
	_cleanup_text_ struct text text = {};
	size_t size = 0;
	int r = list_known(what, &known, err);

	if (r == 0)
		r = index_encode(what->fresh->index, &whole, &size, NULL, err);
	for (const char *at = whole; r == 0 && at < whole + size;) {
		const char *end = strchr(at, '\n') + 1;

		cut_line(&known, at, end, &text);
		at = end;
	}
	free(known.list);
	return r < 0 ? r : add_frame(what, &text, head, err);
}

static int add_table(const struct drafting *drafting, struct text *head, struct error *err)
{
	const struct near_head *what = drafting->what;
	_cleanup_text_ struct text table = {};

	for (size_t i = 0; i < what->all->n; i++)
		for (size_t j = 0; drafting->behind[i] && j < what->spooled[i]->n_blocks; j++) {
			const struct spool_block *from = &what->spooled[i]->blocks[j];
			const struct bundle_block block = {
				.kind = from->kind,
				.entry = what->all->items[i].entry,
				.base = BUNDLE_NO_BASE,
				.length = from->length,
				.packed = from->packed,
				.raw = from->raw,
			};

			bundle_table_write_line(&table, what->fresh->index, &block);
		}
	return add_frame(what, &table, head, err);
}

static int add_recipes(const struct drafting *drafting, struct text *head, struct error *err)
{
	_cleanup_text_ struct text recipes = {};

	text_add(&recipes, "%c", NEAR_BITS);
	number_put(&recipes, drafting->numbers.size);
	add_text(&recipes, &drafting->numbers);
	add_text(&recipes, &drafting->keys);
	return add_frame(drafting->what, &recipes, head, err);
}

static int add_fresh(const struct drafting *drafting, struct text *head, struct error *err)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at < drafting->fresh.size; at += BLOCK_SIZE) {
		size_t left = drafting->fresh.size - at;
		const struct text part = { .data = drafting->fresh.data + at,
					   .size = left < BLOCK_SIZE ? left : BLOCK_SIZE };

		r = add_frame(drafting->what, &part, head, err);
	}
	return r;
}

int near_head_write(const struct near_head *what, struct text *head, bool *ret_behind,
		    struct error *err)
{
	_cleanup_(drafting_done) struct drafting drafting = {
		.what = what,
		.room = BUNDLE_LONG_MAX,
		.behind = ret_behind,
	};
	int r = draft_all(&drafting, err);

	text_add(head, "%c", BUNDLE_NEAR_FORM);
	if (r == 0)
		r = add_index(what, head, err);
	if (r == 0)
		r = add_table(&drafting, head, err);
	if (r == 0)
		r = add_recipes(&drafting, head, err);
	return r < 0 ? r : add_fresh(&drafting, head, err);
}
