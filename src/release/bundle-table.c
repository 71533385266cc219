#include "release/bundle-table.h"

#include <string.h>

#include "base/bulk.h"
#include "base/crew.h"
#include "base/parse.h"

#define SHORT_HEX   (2 * BUNDLE_SHORT_SIZE)
#define INLINED_MIN 3 /* fields of a block that came with the head */
#define FIELDS_MIN  5
#define FIELDS_MAX  6
#define FIELD_MAX   64
#define BLOCKS_STEP 256

/* ---- a line ---- */

struct reading {
	struct bundle *bundle;
	const struct index *base; /* NULL: none */
	uint64_t offset;
};

/* Digits without a leading zero, at most max. */
static bool read_number(const char *field, uint64_t max, uint64_t *ret_value)
{
	return (field[0] != '0' || field[1] == '\0') &&
	       parse_u64(field, 0, max, ret_value, NULL) == 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_short(const char *field, struct bundle_short *ret_short)
{
	if (strlen(field) != SHORT_HEX)
		return false;
	for (size_t i = 0; i < BUNDLE_SHORT_SIZE; i++) {
		int high = nibble(field[2 * i]);
		int low = nibble(field[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_short->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* In upper case: at the end of the head. */
static bool read_kind(const char *field, struct bundle_block *block)
{
	block->is_inlined = field[0] >= 'A' && field[0] <= 'Z';
	return field[0] != '\0' && field[1] == '\0' &&
	       bundle_kind_of((char)(field[0] | (block->is_inlined ? 0x20 : 0)), &block->kind);
}

static const struct index_entry *file_at(const struct index *index, uint64_t i)
{
	const struct index_entry *entry = i < index_count(index) ? index_at(index, i) : NULL;

	return entry && entry->type == INDEX_FILE ? entry : NULL;
}

/* *ret_n fields of the line, each NUL-terminated; false: too many, too long, or an empty one. */
static bool split(const char *line, size_t size, char fields[FIELDS_MAX][FIELD_MAX], size_t *ret_n)
{
	for (*ret_n = 0; *ret_n < FIELDS_MAX; (*ret_n)++) {
		const char *blank = memchr(line, ' ', size);
		size_t n = blank ? (size_t)(blank - line) : size;

		if (n == 0 || n >= FIELD_MAX)
			return false;
		memcpy(fields[*ret_n], line, n);
		fields[*ret_n][n] = '\0';
		if (!blank) {
			(*ret_n)++;
			return true;
		}
		line += n + 1;
		size -= n + 1;
	}
	return false;
}

static bool read_base(const struct reading *reading, const char *field, struct bundle_block *block)
{
	const struct index_entry *file;
	uint64_t number = block->entry;

	if (!block_needs_base(block->kind)) {
		block->base = BUNDLE_NO_BASE;
		return !field;
	}
	if (!reading->base || (!field && !block->is_inlined) ||
	    (field && !read_number(field, BUNDLE_NO_BASE - 1, &number)))
		return false;
	file = file_at(reading->base, number);
	block->base = (uint32_t)number;
	return file && file->size > 0 && file->size <= BLOCK_BASE_MAX;
}

static bool read_digests(const struct index_entry *file, char fields[FIELDS_MAX][FIELD_MAX],
			 struct bundle_block *block)
{
	if (!read_short(fields[3], &block->packed))
		return false;
	return bundle_count_blocks(file->size) == 1 ? strcmp(fields[4], "-") == 0 :
						      read_short(fields[4], &block->raw);
}

static bool read_fields(const struct reading *reading, char fields[FIELDS_MAX][FIELD_MAX], size_t n,
			struct bundle_block *block)
{
	const struct index_entry *file;
	uint64_t entry, length;
	size_t min;

	if (n < INLINED_MIN || !read_kind(fields[0], block) ||
	    !read_number(fields[1], UINT32_MAX, &entry) ||
	    !read_number(fields[2], BLOCK_PACKED_MAX, &length))
		return false;
	min = block->is_inlined ? INLINED_MIN : FIELDS_MIN;
	file = file_at(reading->bundle->index, entry);
	if (n < min || n > min + 1 || !file || file->size == 0 || length == 0)
		return false;
	if (!block->is_inlined && !read_digests(file, fields, block))
		return false;
	block->entry = (uint32_t)entry;
	block->length = (uint32_t)length;
	return read_base(reading, n > min ? fields[min] : NULL, block) &&
	       (reading->base || !block->is_inlined);
}

static uint64_t blocks_of(const struct bundle *bundle, const struct bundle_block *block)
{
	return bundle_count_blocks(index_at(bundle->index, block->entry)->size);
}

/* Is it the next of the file under way, or the first of the next one when that is complete? */
static bool place(const struct bundle *bundle, struct bundle_block *block)
{
	const struct bundle_block *last =
		bundle->n_blocks > 0 ? &bundle->blocks[bundle->n_blocks - 1] : NULL;

	if (!last || last->number + 1 == blocks_of(bundle, last))
		block->number = 0;
	else
		block->number = last->number + 1;
	return block->number == 0 ||
	       (block->entry == last->entry && block->is_inlined == last->is_inlined);
}

static int add_block(struct bundle *bundle, const struct bundle_block *block, struct error *err)
{
	size_t n = bundle->n_blocks;

	if (n == bundle->room) {
		size_t room = n + n / 2 + BLOCKS_STEP;
		struct bundle_block *blocks = bulk_resize(bundle->blocks, room, sizeof(*blocks));

		if (!blocks)
			return error_errno(err, "reading a bundle");
		bundle->blocks = blocks;
		bundle->room = room;
	}
	bundle->blocks[bundle->n_blocks++] = *block;
	return 0;
}

int bundle_table_add_bytes(struct bundle *bundle, uint32_t entry, const uint8_t *bytes,
			   struct error *err)
{
	uint64_t size = index_at(bundle->index, entry)->size;
	struct bundle_block block = {
		.kind = BLOCK_STORED, .entry = entry, .base = BUNDLE_NO_BASE, .is_inlined = true
	};
	int r = 0;

	for (uint64_t done = 0; r == 0 && done < size; done += BLOCK_SIZE) {
		block.bytes = bytes + done;
		block.length = (uint32_t)(size - done < BLOCK_SIZE ? size - done : BLOCK_SIZE);
		r = add_block(bundle, &block, err);
		block.number++;
	}
	return r;
}

struct digesting {
	struct bundle *bundle;
	size_t first;
};

/* The bytes of a file's blocks lie behind each other. */
static int digest_file(void *data, unsigned int hand, size_t i, struct error *err)
{
	const struct digesting *digesting = data;
	const struct bundle_block *block = &digesting->bundle->blocks[digesting->first + i];
	struct index_entry *entry = index_at(digesting->bundle->index, block->entry);

	(void)hand;
	if (block->number > 0)
		return 0;
	return digest_of(block->bytes, (size_t)entry->size, &entry->digest, err);
}

int bundle_table_digest(struct bundle *bundle, size_t first, struct error *err)
{
	struct digesting digesting = { .bundle = bundle, .first = first };
	const struct crew_job job = {
		.count = bundle->n_blocks - first,
		.work = digest_file,
		.data = &digesting,
	};

	return crew_run(&job, err);
}

static int read_line(struct reading *reading, const char *line, size_t size, struct error *err)
{
	char fields[FIELDS_MAX][FIELD_MAX];
	struct bundle_block block = { .offset = reading->offset };
	size_t n;

	if (!split(line, size, fields, &n) || !read_fields(reading, fields, n, &block) ||
	    !place(reading->bundle, &block))
		return error_set(err, FAULT_CORRUPT, "block %zu of the bundle's table",
				 reading->bundle->n_blocks);
	reading->offset += block.is_inlined ? 0 : block.length;
	return add_block(reading->bundle, &block, err);
}

static int by_content(const void *a, const void *b)
{
	const struct index_entry *const *x = a;
	const struct index_entry *const *y = b;

	return memcmp((*x)->digest.bytes, (*y)->digest.bytes, DIGEST_SIZE);
}

/* ---- all of them ---- */

static int corrupt(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "the bundle's head: %s", what);
}

static int read_lines(struct reading *reading, const char *at, const char *end, struct error *err)
{
	int r = 0;

	while (r == 0 && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			return corrupt(err, "no newline at the end of the table");
		r = read_line(reading, at, (size_t)(newline - at), err);
		at = newline + 1;
	}
	return r;
}

int bundle_table_read(struct bundle *bundle, const struct index *base, const char *text,
		      size_t size, struct error *err)
{
	struct reading reading = { .bundle = bundle, .base = base, .offset = bundle->head_length };
	const struct bundle_block *last;
	int r = read_lines(&reading, text, text + size, err);

	if (r < 0)
		return r;
	last = bundle->n_blocks > 0 ? &bundle->blocks[bundle->n_blocks - 1] : NULL;
	if (last && last->number + 1 != blocks_of(bundle, last))
		return corrupt(err, "a file lacks blocks");
	if (reading.offset != bundle->length)
		return corrupt(err, "the blocks do not add up to the length of the bundle");
	return 0;
}

static bool begins_file(const struct bundle_block *block)
{
	return block->number == 0 && !(block->is_inlined && block->kind == BLOCK_STORED);
}

/* Then every file knows where its bytes are. What is packed together may have a content twice. */
int bundle_table_check(const struct bundle *bundle, struct error *err)
{
	_cleanup_bulk_ const struct index_entry **files =
		bulk_alloc(bundle->n_blocks + 1, sizeof(struct index_entry *));
	size_t n = 0;

	if (!files)
		return error_errno(err, "reading a bundle");
	for (size_t i = 0; i < bundle->n_blocks; i++)
		if (begins_file(&bundle->blocks[i]))
			files[n++] = index_at(bundle->index, bundle->blocks[i].entry);
	qsort(files, n, sizeof(void *), by_content);
	for (size_t i = 1; i < n; i++)
		if (digest_equal(&files[i - 1]->digest, &files[i]->digest))
			return corrupt(err, "the same content twice");
	return 0;
}
