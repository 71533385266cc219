#include "release/index.h"

#include <time.h>

#include "../base/check.h"

#define HEX_1	   "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
#define FIRST	   "flipslot-index 1\n"
#define TEXT(text) ((char *)(text)) /* index_add copies it */

static struct index *new_index(void)
{
	struct index *index = NULL;

	assert_int_equal(index_new(&index, NULL), 0);
	return index;
}

static void add(struct index *index, struct index_entry entry)
{
	if (entry.type == INDEX_FILE && digest_is_null(&entry.digest))
		assert_int_equal(digest_of("1", 1, &entry.digest, NULL), 0);
	assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
}

static char *encode(struct index *index)
{
	char *text = NULL;

	assert_int_equal(index_encode(index, &text, NULL, NULL, NULL), 0);
	return text;
}

static void test_finds_what_was_added(void **state)
{
	_cleanup_(index_freep) struct index *index = new_index();
	struct index_entry *entry;

	add(index, (struct index_entry){ .type = INDEX_FILE, .path = TEXT("b"), .size = 1 });
	add(index,
	    (struct index_entry){ .type = INDEX_SYMLINK, .path = TEXT("a"), .target = TEXT("b") });
	assert_int_equal(index_count(index), 2);
	assert_int_equal(index_find(index, "b")->size, 1);
	assert_string_equal(index_find(index, "a")->target, "b");
	assert_null(index_find(index, "c"));
	entry = index_find(index, "b");
	add(index, (struct index_entry){ .type = INDEX_FILE, .path = TEXT("b"), .size = 2 });
	assert_int_equal(index_count(index), 2);
	assert_ptr_equal(index_find(index, "b"), entry);
	assert_int_equal(entry->size, 2);
}

/* The first `sorted` of them in order, the others from the last to the first. */
static void check_order(unsigned int count, unsigned int sorted)
{
	_cleanup_(index_freep) struct index *index = new_index();
	char path[16];

	for (unsigned int i = 0; i < count; i++) {
		unsigned int number = i < sorted ? i : count - 1 - (i - sorted);

		(void)snprintf(path, sizeof(path), "%04u", number);
		assert_null(index_find(index, path));
		add(index,
		    (struct index_entry){ .type = INDEX_FILE, .path = path, .size = number });
		assert_int_equal(index_find(index, path)->size, number);
		assert_int_equal(index_sort(index, NULL), 0);
	}
	assert_int_equal(index_count(index), count);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(index_at(index, i)->size, i);
		assert_ptr_equal(index_find(index, index_at(index, i)->path), index_at(index, i));
	}
	for (unsigned int i = 0; i < count; i++)
		for (unsigned int guess = 0; guess <= count; guess += 1 + count / 7)
			assert_int_equal(index_number_near(index, index_at(index, i)->path, guess),
					 i);
	assert_int_equal(index_number_near(index, "00000", 0), INDEX_NONE);
	assert_int_equal(index_number_near(index, "x", count), INDEX_NONE);
	assert_null(index_find(index, "00000"));
	assert_null(index_find(index, "x"));
}

static void test_finds_in_whatever_order_they_came(void **state)
{
	for (unsigned int sorted = 0; sorted <= 200; sorted += 20)
		check_order(200, sorted);
	check_order(0, 0);
	check_order(1, 0);
}

static void test_text_is_what_is_drawn(void **state)
{
	_cleanup_(index_freep) struct index *index = new_index();
	_cleanup_free_ char *text = NULL;
	struct digest digest;
	struct digest wanted;

	add(index, (struct index_entry){
			   .type = INDEX_SYMLINK, .path = TEXT("l"), .target = TEXT("a b\\") });
	add(index, (struct index_entry){ .type = INDEX_FILE,
					 .path = TEXT("a/f\\ x"),
					 .mode = 04755,
					 .mtime = 17,
					 .size = 1,
					 .capability_size = 2,
					 .capability = { 0, 0xfe } });
	add(index,
	    (struct index_entry){ .type = INDEX_DIRECTORY, .path = TEXT("a"), .mode = 0755 });
	add(index, (struct index_entry){
			   .type = INDEX_HARDLINK, .path = TEXT("h"), .target = TEXT("a/f\\ x") });
	text = encode(index);
	assert_string_equal(text, FIRST "d 0755 a\n"
					"f 4755 17 1 " HEX_1 " a/f\\x5c\\x20x cap=00fe\n"
					"h h a/f\\x5c\\x20x\n"
					"l l a\\x20b\\x5c\n");
	assert_int_equal(index_encode(index, NULL, NULL, &digest, NULL), 0);
	assert_int_equal(digest_of(text, strlen(text), &wanted, NULL), 0);
	assert_true(digest_equal(&digest, &wanted));
}

/* Whatever order the entries came in: one tree, one text; and it comes back. */
static void test_random_trees_come_back(void **state)
{
	for (int round = 0; round < 200; round++) {
		_cleanup_(index_freep) struct index *index = new_index();
		_cleanup_(index_freep) struct index *back = NULL;
		_cleanup_free_ char *text = NULL;
		_cleanup_free_ char *again = NULL;
		struct error err = {};
		size_t size;

		for (int i = 0; i < 30; i++) {
			char name[8];

			check_text(name, sizeof(name), "ab\\ x\xc3\xa9#=-");
			if (!name[0] || memchr(name, '\xc3', 8) || memchr(name, '\xa9', 8))
				continue;
			add(index, (struct index_entry){ .type = INDEX_FILE,
							 .path = name,
							 .mode = (mode_t)check_below(010000),
							 .mtime = (int64_t)check_below(1U << 30),
							 .size = check_random() >> 1,
							 .capability_size = check_below(25) });
		}
		assert_int_equal(index_encode(index, &text, &size, NULL, NULL), 0);
		if (index_decode(text, size, &back, &err) < 0)
			fail_msg("%s\n%s", err.text, text);
		again = encode(back);
		assert_string_equal(text, again);
	}
}

static void refuse(const char *lines, const char *word)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_(index_freep) struct index *index = NULL;
	struct error err = {};

	assert_true(asprintf(&text, FIRST "%s", lines) >= 0);
	check_error(index_decode(text, strlen(text), &index, &err), &err, FAULT_CORRUPT, word);
	assert_null(index);
}

static void test_refuses_what_is_not_canonical(void **state)
{
	refuse("d 755 a\n", "canonical");
	refuse("d 00755 a\n", "canonical");
	refuse("d 10000 a\n", "range");
	refuse("d 0755 a", "does not end");
	refuse("d 0755 a \n", "three fields");
	refuse("d  0755 a\n", "three fields");
	refuse("f 0644 01 1 " HEX_1 " a\n", "canonical");
	refuse("f 0644 -1 1 " HEX_1 " a\n", "range");
	refuse("f 0644 8589934593 1 " HEX_1 " a\n", "range");
	refuse("f 0644 1 +1 " HEX_1 " a\n", "canonical");
	refuse("f 0644 1 9223372036854775808 " HEX_1 " a\n", "range");
	refuse("f 0644 1 99999999999999999999 " HEX_1 " a\n", "range");
	refuse("f 0644 1 1 6B86B273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b a\n",
	       "canonical");
	refuse("f 0644 1 1 " HEX_1 "0 a\n", "digest");
	refuse("f 0644 1 1 " HEX_1 " a more\n", "field");
	refuse("f 0644 1 1 " HEX_1 " a cap=\n", "capability");
	refuse("f 0644 1 1 " HEX_1 " a cap=0\n", "capability");
	refuse("f 0644 1 1 " HEX_1 " a cap=AA\n", "capability");
	refuse("f 0644 1 1 " HEX_1 " a cap=00 cap=00\n", "too many");
	refuse("f 0644 1 1 " HEX_1 " a"
	       " cap=00000000000000000000000000000000000000000000000000\n",
	       "capability");
	refuse("x 0755 a\n", "unknown kind");
	refuse("\n", "unknown kind");
	refuse("l a\n", "three fields");
	refuse("l a b c\n", "three fields");
}

static void test_refuses_names(void **state)
{
	refuse("d 0755 ../a\n", "\"..\"");
	refuse("d 0755 /a\n", "absolute");
	refuse("d 0755 ./a\n", "\".\" part");
	refuse("d 0755 a\\x61\n", "canonical");
	refuse("d 0755 a\\x2\n", "escape");
	refuse("d 0755 a\\\n", "escape");
	refuse("d 0755 a\\x00\n", "escape");
	refuse("d 0755 a\\x0a\n", "control");
	refuse("d 0755 a\\x5C\n", "escape");
	refuse("d 0755 a\tb\n", "control");
	refuse("d 0755 \xff\n", "UTF-8");
	refuse("l a /etc\n", "absolute");
	refuse("l a\\x20b \n", "empty");
	refuse("h a ../x\n", "\"..\"");
}

static void test_refuses_what_is_no_tree(void **state)
{
	refuse("d 0755 b\nd 0755 a\n", "out of order");
	refuse("d 0755 a\nd 0755 a\n", "out of order");
	refuse("d 0755 a/b\n", "parent");
	refuse("l a b\nl a/b c\n", "no directory");
	refuse("l a ..\n", "leaves the tree");
	refuse("h a b\nf 0644 1 1 " HEX_1 " b\n", "hard link");
	refuse("d 0755 a\nh b a\n", "hard link");
	refuse("f 0644 1 1 " HEX_1 " a\nh b a\nh c b\n", "hard link");
	refuse("d 0755 a\nextra", "line 3");
}

static void test_refuses_other_first_lines(void **state)
{
	static const char *const texts[] = { "", "flipslot-index 1", "flipslot-index 2\n",
					     "d 0755 a\n", " flipslot-index 1\n" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct index *index = NULL;
		struct error err = {};

		check_error(index_decode(texts[i], strlen(texts[i]), &index, &err), &err,
			    FAULT_CORRUPT, "version 1");
	}
}

/* A text with a NUL in it is not what it seems to be. */
static void test_refuses_nul(void **state)
{
	static const char text[] = FIRST "d 0755 a\0b\n";
	struct index *index = NULL;
	struct error err = {};

	check_error(index_decode(text, sizeof(text) - 1, &index, &err), &err, FAULT_CORRUPT,
		    "canonical");
}

/* Every text that is cut, or has one byte changed, is refused or is its own canonical form. */
static void test_mutations_are_canonical_or_refused(void **state)
{
	static const char good[] = FIRST "d 0755 a\nf 0644 1 1 " HEX_1 " a/b\nh a/c a/b\nl d a/b\n";

	for (int round = 0; round < 20000; round++) {
		_cleanup_(index_freep) struct index *index = NULL;
		_cleanup_free_ char *again = NULL;
		char text[sizeof(good)];
		size_t size = sizeof(good) - 1;

		memcpy(text, good, sizeof(good));
		text[check_below(size)] = (char)check_random();
		size -= check_below(4) == 0 ? check_below(size) : 0;
		if (index_decode(text, size, &index, NULL) < 0)
			continue;
		again = encode(index);
		assert_int_equal(strlen(again), size);
		assert_memory_equal(again, text, size);
	}
}

/* Names that an enemy chose, and many of them: no worse than n log n. */
static void test_a_large_index(void **state)
{
	_cleanup_(index_freep) struct index *index = new_index();
	_cleanup_(index_freep) struct index *back = NULL;
	_cleanup_free_ char *text = NULL;
	struct timespec began;
	struct timespec ended;
	size_t size;

	clock_gettime(CLOCK_MONOTONIC, &began);
	for (unsigned int i = 0; i < 100000; i++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "%08u", i * 7919 % 100000);
		add(index, (struct index_entry){ .type = INDEX_FILE, .path = name, .mode = 0644 });
	}
	assert_int_equal(index_encode(index, &text, &size, NULL, NULL), 0);
	assert_int_equal(index_decode(text, size, &back, NULL), 0);
	assert_int_equal(index_count(back), 100000);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	print_message("100000 entries: %ld ms\n",
		      (ended.tv_sec - began.tv_sec) * 1000 +
			      (ended.tv_nsec - began.tv_nsec) / 1000000);
	assert_true(ended.tv_sec - began.tv_sec < 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_was_added),
		cmocka_unit_test(test_finds_in_whatever_order_they_came),
		cmocka_unit_test(test_text_is_what_is_drawn),
		cmocka_unit_test(test_random_trees_come_back),
		cmocka_unit_test(test_refuses_what_is_not_canonical),
		cmocka_unit_test(test_refuses_names),
		cmocka_unit_test(test_refuses_what_is_no_tree),
		cmocka_unit_test(test_refuses_other_first_lines),
		cmocka_unit_test(test_refuses_nul),
		cmocka_unit_test(test_mutations_are_canonical_or_refused),
		cmocka_unit_test(test_a_large_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
