/* What a release of many entries takes of memory, however many they are (docs/BENCH.md). */
#include "base/bulk.h"
#include "install/contents.h"
#include "install/seal.h"

#include "../base/check.h"

#define MANY  60000
#define SLACK ((size_t)4 * 1024 * 1024) /* of zstd, of sorting, of malloc */

#if defined(__SANITIZE_ADDRESS__)
#define IS_COUNTED false /* what was freed is kept */
#else
#define IS_COUNTED true
#endif

/* In the order of an archive: what is below a directory comes right behind it. */
static struct index *make_index(unsigned int files)
{
	struct index *index = NULL;
	char top[64] = "";

	assert_int_equal(index_new(&index, NULL), 0);
	for (unsigned int i = 0; i < files; i++) {
		char path[128];
		struct index_entry entry = { .type = INDEX_DIRECTORY, .mode = 0755, .path = path };

		if (i % 20 == 0) {
			(void)snprintf(top, sizeof(top), "node_modules%s%05u",
				       i % 60 == 0 ? "-" : "", i);
			(void)snprintf(path, sizeof(path), "%s", top);
			assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
		}
		(void)snprintf(path, sizeof(path), "%s/the-file-of-a-module-%u.js", top, i);
		entry.type = INDEX_FILE;
		entry.mode = 0644;
		entry.size = i;
		assert_int_equal(digest_of(&i, sizeof(i), &entry.digest, NULL), 0);
		assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
	}
	return index;
}

/* As an update has it: two indexes, the contents of both, the seal. Returns the most of the process's own, above what it had. */
static size_t work(unsigned int files)
{
	const size_t before = check_own_bytes();
	_cleanup_(index_freep) struct index *index = make_index(files);
	_cleanup_(contents_freep) struct contents *contents = NULL;
	_cleanup_(contents_freep) struct contents *others = NULL;
	_cleanup_seal_ struct seal seal = {};
	_cleanup_text_ struct text text = {};
	struct descriptor descriptor = { .app = "gateway",
					 .version = "1",
					 .origin = ORIGIN_TRUST_ME };
	size_t first;

	assert_int_equal(index_sort(index, NULL), 0);
	assert_int_equal(contents_new(index, &contents, NULL), 0);
	assert_int_equal(seal_make(&descriptor, index, &text, NULL), 0);
	first = check_own_bytes() - before;
	assert_int_equal(seal_decode(text.data, text.size, &seal, NULL), 0);
	assert_int_equal(contents_new(seal.index, &others, NULL), 0);
	assert_int_equal(index_count(seal.index), index_count(index));
	for (size_t i = 0; i < index_count(index); i += 97)
		assert_string_equal(index_at(seal.index, i)->path, index_at(index, i)->path);
	return check_own_bytes() - before > first ? check_own_bytes() - before : first;
}

static void test_many_entries_in_little_memory(void **state)
{
	bulk_settle(check_dirfd(state));
	assert_true(work(MANY) < BULK_OWN + SLACK || !IS_COUNTED);
	bulk_settle(-1);
	assert_int_equal(check_count(check_dirfd(state)), 0);
}

/* Where there are no files to be had: what each entry takes. */
static void test_bytes_of_an_entry(void **state)
{
	bulk_settle(-1);
	assert_true(work(MANY) < (size_t)MANY * 512 + SLACK || !IS_COUNTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_of_an_entry), /* before malloc has anything to reuse */
		check_in_dir(test_many_entries_in_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
