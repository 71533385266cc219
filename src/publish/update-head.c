#include "publish/update-head.h"

#include <errno.h>
#include <string.h>

#include "publish/encoder.h"
#include "publish/number.h"
#include "publish/pool.h"
#include "publish/update-long.h"
#include "release/bundle-long.h"
#include "release/bundle-table-write.h"
#include "release/bundle-update.h"
#include "release/frame-write.h"
#include "release/patch.h"

#define PATCH_BASE_MAX (16U * 1024 * 1024) /* bytes that a patch of the text is tried against */

struct writing {
	const struct update_head *what;
	struct outline_mark *marks;
	bool *listed;
	struct text old; /* what is packed against */
	struct text text, contents, tail;
	struct text region; /* is_long: the listed files, and behind them the contents */
	size_t region_listed;
	struct text list; /* what stands in front of the text */
	struct suffix *suffix; /* of old; NULL: it is too large */
	struct text best; /* head */
};

static void writing_done(struct writing *writing)
{
	free(writing->marks);
	free(writing->listed);
	text_done(&writing->old);
	text_done(&writing->text);
	text_done(&writing->contents);
	text_done(&writing->region);
	text_done(&writing->tail);
	text_done(&writing->list);
	text_done(&writing->best);
	suffix_free(writing->suffix);
}

static int add_file(struct text *text, const struct stock *stock, uint32_t number, bool is_long,
		    struct error *err)
{
	static const uint8_t zeroes[BUNDLE_LONG_ALIGN];
	const struct index_entry *entry = index_at(stock->index, number);
	_cleanup_free_ uint8_t *bytes = NULL;
	int r = stock_read(stock, entry, &bytes, err);

	if (r < 0)
		return r;
	text_add_bytes(text, bytes, entry->size);
	if (is_long)
		text_add_bytes(text, zeroes, bundle_long_align(entry->size) - entry->size);
	return text_check(text, err);
}

/* ---- what the parts are ---- */

static int make_old(struct writing *writing, struct error *err)
{
	const struct stock *old = writing->what->old;
	size_t count = index_count(old->index);
	struct text *listed = writing->what->is_long ? &writing->region : &writing->old;
	uint32_t behind = 0; /* the one listed last */
	uint64_t n = 0;
	int r = outline_write(old->index, NULL, &writing->old, err);

	text_add_bytes(&writing->old, "\n", 1);
	for (uint32_t i = 0; i < count; i++)
		n += writing->listed[i];
	number_put(&writing->list, n);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		if (!writing->listed[i])
			continue;
		number_put(&writing->list, i - behind);
		behind = i + 1;
		r = add_file(listed, old, i, writing->what->is_long, err);
	}
	writing->region_listed = writing->region.size;
	if (r == 0 && !writing->what->is_long && writing->old.size <= PATCH_BASE_MAX)
		r = suffix_new((const uint8_t *)writing->old.data, writing->old.size,
			       &writing->suffix, err);
	return r;
}

static int make_text(struct writing *writing, struct error *err)
{
	const struct update_head *what = writing->what;
	struct text *contents = what->is_long ? &writing->region : &writing->contents;
	int r;

	for (size_t i = 0; i < what->n_blocks; i++) {
		const struct bundle_block *block = &what->blocks[i];

		bundle_table_write_line(&writing->text, what->fresh->index, block);
		if (block->is_inlined)
			text_add_bytes(&writing->tail, block->bytes, block->length);
	}
	r = outline_write(what->fresh->index, writing->marks, &writing->text, err);
	text_add_bytes(&writing->text, "\n", 1);
	for (size_t i = 0; r == 0 && i < what->n_solids; i++)
		r = add_file(contents, what->fresh, what->solids[i].entry, what->is_long, err);
	if (r == 0)
		r = text_check(&writing->tail, err);
	return r < 0 ? r : text_check(&writing->text, err);
}

static int make_parts(struct writing *writing, struct error *err)
{
	const struct update_head *what = writing->what;
	const struct marks_request request = {
		.fresh = what->fresh->index,
		.old = what->old->index,
		.solids = what->solids,
		.n_solids = what->n_solids,
		.blocks = what->blocks,
		.n_blocks = what->n_blocks,
		.room = !what->is_wide ? 0 :
			what->is_long  ? BUNDLE_LONG_MAX :
					 BUNDLE_SOLID_MAX,
		.align = what->is_long ? BUNDLE_LONG_ALIGN : 1,
	};
	int r = marks_make(&request, &writing->marks, &writing->listed, err);

	if (r == 0)
		r = make_old(writing, err);
	return r < 0 ? r : make_text(writing, err);
}

/* ---- forms ---- */

static void begin(const struct writing *writing, unsigned int form, struct text *head)
{
	uint8_t first = (uint8_t)(UPDATE_VERSION | form);

	if (writing->tail.size > 0)
		first |= UPDATE_TAIL;
	text_add_bytes(head, &first, 1);
	if (writing->tail.size > 0)
		number_put(head, writing->tail.size);
	if (form != UPDATE_LONG)
		text_add_bytes(head, writing->list.data, writing->list.size);
}

static int end(struct writing *writing, struct text *head, struct error *err)
{
	int r;

	text_add_bytes(head, writing->tail.data, writing->tail.size);
	r = text_check(head, err);
	if (r < 0 || (writing->best.data && writing->best.size <= head->size))
		return r;
	text_done(&writing->best);
	writing->best = *head;
	*head = (struct text){};
	return 0;
}

static int add_frame(const struct writing *writing, const struct text *plain, struct text *head,
		     struct error *err)
{
	_cleanup_text_ struct text frame = {};
	int r = frame_write_pack(plain, &writing->old, writing->what->level, &frame, err);

	if (r == 0)
		text_add_bytes(head, frame.data + UPDATE_MAGIC_SIZE,
			       frame.size - UPDATE_MAGIC_SIZE);
	return r;
}

static int encode(const struct writing *writing, const struct text *plain,
		  struct encoder_block *ret_block, struct error *err)
{
	const struct encoder_base base = { (const uint8_t *)writing->old.data, writing->old.size,
					   writing->suffix, ENCODER_PREFIX_MAX };

	return encoder_run((const uint8_t *)plain->data, plain->size, 0,
			   writing->suffix ? &base : NULL, writing->what->level, ret_block, err);
}

/* A head of one form; nothing: it is of no use. */
struct form {
	int (*make)(struct form *form, struct error *err);
	const struct writing *writing;
	const struct text *all; /* text and contents */
	struct text head;
};

/* Text and contents in one frame. */
static int make_frame(struct form *form, struct error *err)
{
	begin(form->writing, 0, &form->head);
	return add_frame(form->writing, form->all, &form->head, err);
}

/* Text and contents in one patch. */
static int make_patch(struct form *form, struct error *err)
{
	const struct writing *writing = form->writing;
	struct encoder_block block = {};
	int r;

	if (!writing->suffix || form->all->size > BLOCK_SIZE)
		return 0;
	r = encode(writing, form->all, &block, err);
	if (r == 0 && block.kind == BLOCK_PATCH) {
		begin(writing, UPDATE_PATCH, &form->head);
		number_put(&form->head, form->all->size);
		text_add_bytes(&form->head, block.data, block.size);
	}
	free(block.data);
	return r;
}

/* The text in a frame, the contents in whatever is smallest. */
static int make_apart(struct form *form, struct error *err)
{
	const struct writing *writing = form->writing;
	struct encoder_block block = {};
	char letter;
	int r;

	if (writing->contents.size == 0)
		return 0;
	begin(writing, UPDATE_APART, &form->head);
	r = add_frame(writing, &writing->text, &form->head, err);
	if (r == 0)
		r = encode(writing, &writing->contents, &block, err);
	letter = bundle_kind_letter(block.kind);
	text_add_bytes(&form->head, &letter, 1);
	number_put(&form->head, writing->contents.size);
	text_add_bytes(&form->head, block.data, block.size);
	free(block.data);
	return r;
}

static int run_form(void *data, struct error *err)
{
	struct form *form = data;

	return form->make(form, err);
}

static int add_run(const struct writing *writing, const struct text *bytes, size_t base,
		   struct text *head, struct error *err)
{
	const struct update_long run = {
		.bytes = (const uint8_t *)bytes->data,
		.base = base,
		.size = bytes->size - base,
		.level = writing->what->level,
		.threads = writing->what->threads,
	};

	return update_long_write(&run, head, err);
}

static int make_long(struct writing *writing, struct error *err)
{
	_cleanup_text_ struct text head = {};
	size_t base = writing->old.size;
	int r;

	text_add_bytes(&writing->old, writing->list.data, writing->list.size);
	text_add_bytes(&writing->old, writing->text.data, writing->text.size);
	r = text_check(&writing->old, err);
	begin(writing, UPDATE_LONG, &head);
	if (r == 0)
		r = add_run(writing, &writing->old, base, &head, err);
	if (r == 0)
		r = add_run(writing, &writing->region, writing->region_listed, &head, err);
	return r < 0 ? r : end(writing, &head, err);
}

static int run_forms(const struct writing *writing, struct form *forms, size_t n, struct error *err)
{
	_cleanup_(pool_freep) struct pool *pool = NULL;
	int r = pool_new(writing->what->threads, &pool, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = pool_add(pool, run_form, &forms[i], err);
	return r < 0 ? r : pool_work(pool, NULL, NULL, err);
}

/* Side by side. */
static int try_forms(struct writing *writing, struct error *err)
{
	_cleanup_text_ struct text all = {};
	struct form forms[] = {
		{ .make = make_frame, .writing = writing, .all = &all },
		{ .make = make_patch, .writing = writing, .all = &all },
		{ .make = make_apart, .writing = writing, .all = &all },
	};
	int r;

	text_add_bytes(&all, writing->text.data, writing->text.size);
	text_add_bytes(&all, writing->contents.data, writing->contents.size);
	r = text_check(&all, err);
	if (r == 0)
		r = run_forms(writing, forms, ARRAY_SIZE(forms), err);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (r == 0 && forms[i].head.size > 0)
			r = end(writing, &forms[i].head, err);
		text_done(&forms[i].head);
	}
	return r;
}

int update_head_write(const struct update_head *what, void **ret_head, size_t *ret_size,
		      struct error *err)
{
	_cleanup_(writing_done) struct writing writing = { .what = what };
	int r = make_parts(&writing, err);

	if (r == 0)
		r = what->is_long ? make_long(&writing, err) : try_forms(&writing, err);
	if (r == 0 && writing.best.size > BUNDLE_HEAD_MAX)
		r = error_set(err, FAULT_INTERNAL, "the head of the bundle is too long");
	if (r < 0)
		return r;
	*ret_size = writing.best.size;
	*ret_head = text_take(&writing.best);
	return 0;
}
