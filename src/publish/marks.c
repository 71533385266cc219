#include "publish/marks.h"

#include <stdlib.h>

#include "publish/contents.h"

#define ORPHAN_MAX (8U * 1024 * 1024) /* bytes of a file that is listed for what it may have */

enum role {
	ROLE_NONE, /* the old index has its content, or another entry brings it */
	ROLE_BLOCKS,
	ROLE_INLINED,
	ROLE_SOLID,
};

struct marking {
	const struct marks_request *request;
	struct contents fresh, old;
	unsigned char *roles; /* enum role, by entry */
	bool *listed;
	struct outline_mark *marks;
	uint32_t cursor;
	size_t next_solid;
};

static void marking_done(const struct marking *marking)
{
	struct contents fresh = marking->fresh;
	struct contents old = marking->old;

	contents_done(&fresh);
	contents_done(&old);
	free(marking->roles);
	free(marking->listed);
	free(marking->marks);
}

static uint64_t aligned(const struct marks_request *request, uint64_t size)
{
	return (size + request->align - 1) / request->align * request->align;
}

static bool is_orphan(const struct marking *marking, const struct index_entry *entry)
{
	return entry->type == INDEX_FILE && entry->size > 0 && entry->size <= ORPHAN_MAX &&
	       !contents_look_up(&marking->fresh, &entry->digest);
}

/* What is in them may be in other files now. */
static void list_orphans(struct marking *marking)
{
	const struct marks_request *request = marking->request;
	const struct index *old = request->old;
	uint64_t room = request->room;

	for (size_t i = 0; i < index_count(old); i++)
		if (marking->listed[i])
			room -= aligned(request, index_at(old, i)->size);
	for (size_t i = 0; i < index_count(old); i++) {
		uint64_t size = aligned(request, index_at(old, i)->size);

		if (marking->listed[i] || size > room || !is_orphan(marking, index_at(old, i)))
			continue;
		marking->listed[i] = true;
		room -= size;
	}
}

static int prepare(struct marking *marking, struct error *err)
{
	const struct marks_request *request = marking->request;
	int r = contents_list(request->fresh, &marking->fresh, err);

	if (r == 0)
		r = contents_list(request->old, &marking->old, err);
	marking->roles = calloc(index_count(request->fresh) + 1, 1);
	marking->marks = calloc(index_count(request->fresh) + 1, sizeof(*marking->marks));
	marking->listed = calloc(index_count(request->old) + 1, sizeof(*marking->listed));
	if (r == 0 && (!marking->roles || !marking->marks || !marking->listed))
		return error_errno(err, "making a bundle");
	for (size_t i = 0; r == 0 && i < request->n_blocks; i++)
		marking->roles[request->blocks[i].entry] =
			request->blocks[i].is_inlined ? ROLE_INLINED : ROLE_BLOCKS;
	for (size_t i = 0; r == 0 && i < request->n_solids; i++) {
		marking->roles[request->solids[i].entry] = ROLE_SOLID;
		if (request->solids[i].base != BUNDLE_NO_BASE)
			marking->listed[request->solids[i].base] = true;
	}
	if (r == 0 && request->room > 0)
		list_orphans(marking);
	return r;
}

/* Of that file of the base, by the shorter mark that says so. */
static void refer(struct marking *marking, uint32_t number, uint32_t base)
{
	const struct marks_request *request = marking->request;
	uint32_t cursor = marking->cursor;
	uint32_t same = outline_base(request->old, index_at(request->fresh, number)->path, &cursor);

	marking->marks[number] = same == base ? (struct outline_mark){ OUTLINE_SAME, 0 } :
						(struct outline_mark){ OUTLINE_BASE, base };
	marking->cursor = base + 1;
}

static void mark_solid(struct marking *marking, uint32_t number)
{
	uint32_t base = marking->request->solids[marking->next_solid++].base;

	if (base == BUNDLE_NO_BASE)
		marking->marks[number].kind = OUTLINE_OWN;
	else
		refer(marking, number, base);
}

/* Does "=" lead to a file of the same content, which is not listed? */
static bool is_same(const struct marking *marking, uint32_t number)
{
	const struct marks_request *request = marking->request;
	const struct index_entry *entry = index_at(request->fresh, number);
	uint32_t cursor = marking->cursor;
	uint32_t base = outline_base(request->old, entry->path, &cursor);

	return base != INDEX_NONE && !marking->listed[base] &&
	       digest_equal(&index_at(request->old, base)->digest, &entry->digest);
}

/* The content is none of this entry's own. */
static void mark_known(struct marking *marking, uint32_t number)
{
	const struct marks_request *request = marking->request;
	const struct index_entry *entry = index_at(request->fresh, number);
	const struct content *first = contents_look_up(&marking->fresh, &entry->digest);
	const struct content *old = contents_look_up(&marking->old, &entry->digest);
	struct outline_mark *mark = &marking->marks[number];

	if (first && first->entry < number && marking->roles[first->entry] != ROLE_NONE) {
		*mark = (struct outline_mark){ OUTLINE_TWIN, first->entry };
	} else if (is_same(marking, number)) {
		mark->kind = OUTLINE_SAME;
		(void)outline_base(request->old, entry->path, &marking->cursor);
	} else if (entry->size == 0) {
		mark->kind = OUTLINE_OWN;
	} else if (old && !marking->listed[old->entry]) {
		refer(marking, number, old->entry);
	}
}

static void mark(struct marking *marking, uint32_t number)
{
	if (index_at(marking->request->fresh, number)->type != INDEX_FILE)
		return;
	switch ((enum role)marking->roles[number]) {
	case ROLE_NONE:
		mark_known(marking, number);
		break;
	case ROLE_BLOCKS:
		break;
	case ROLE_INLINED:
		marking->marks[number].kind = OUTLINE_SAME;
		break;
	case ROLE_SOLID:
		mark_solid(marking, number);
		break;
	}
}

int marks_make(const struct marks_request *request, struct outline_mark **ret_marks,
	       bool **ret_listed, struct error *err)
{
	_cleanup_(marking_done) struct marking marking = { .request = request };
	int r = prepare(&marking, err);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < index_count(request->fresh); i++)
		mark(&marking, i);
	*ret_marks = TAKE_PTR(marking.marks);
	*ret_listed = TAKE_PTR(marking.listed);
	return 0;
}
