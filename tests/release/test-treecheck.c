#include "release/treecheck.h"

#include <time.h>

#include "../base/check.h"

/* A tree in short: "d a", "f a/b", "l link text", "h name file", each ended by a newline. */
static struct index *make(const char *lines)
{
	static const char kinds[] = "dflh";
	_cleanup_free_ char *copy = strdup(lines);
	struct index *index = NULL;
	char *rest = copy;
	char *line;

	assert_int_equal(index_new(&index, NULL), 0);
	while ((line = strsep(&rest, "\n")) && *line) {
		struct index_entry entry = {};
		const char *kind = strchr(kinds, *strsep(&line, " "));

		assert_non_null(kind);
		entry.type = (enum index_type[]){ INDEX_DIRECTORY, INDEX_FILE, INDEX_SYMLINK,
						  INDEX_HARDLINK }[kind - kinds];
		entry.path = strsep(&line, " ");
		entry.target = line;
		assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
	}
	return index;
}

static void accept(const char *lines)
{
	_cleanup_(index_freep) struct index *index = make(lines);
	struct error err = {};

	if (treecheck_run(index, &err) < 0)
		fail_msg("%s\n%s", lines, err.text);
}

static void refuse(const char *lines, const char *word)
{
	_cleanup_(index_freep) struct index *index = make(lines);
	struct error err = {};

	if (treecheck_run(index, &err) == 0)
		fail_msg("accepted:\n%s", lines);
	check_error(-1, &err, FAULT_CORRUPT, word);
}

static void test_adds_parents(void **state)
{
	_cleanup_(index_freep) struct index *index = make("f a/b/c/d\nf a/x\nl q/r s\n");

	assert_int_equal(treecheck_run(index, NULL), 0);
	assert_int_equal(index_count(index), 7);
	assert_int_equal(index_find(index, "a")->type, INDEX_DIRECTORY);
	assert_int_equal(index_find(index, "a/b/c")->mode, 0755);
	assert_int_equal(index_find(index, "q")->mode, 0755);
	assert_string_equal(index_at(index, 0)->path, "a");
}

static void test_nothing_lies_below_what_is_no_directory(void **state)
{
	refuse("f a\nf a/b\n", "a/b: lies below");
	refuse("l a .\nf a/b\n", "a/b: lies below");
	refuse("f a\nh b a\nd b/c\n", "b/c: lies below");
	refuse("f a\nf a/b/c/d\n", "lies below");
	accept("f a\nf a-b\nf a.b\n");
}

static void test_links_that_stay(void **state)
{
	accept("l a .\n");
	accept("l a b\n");
	accept("l a gone/away/../..\n");
	accept("d a\nl a/b ..\n");
	accept("d a\nl a/b ../a/../a\n");
	accept("d a\nl a/b ../c\n");
	accept("d c\nd c/d\nl b c/d\nl a b/../..\n");
	/* by the words alone it would leave: */
	accept("d c\nd c/d\nl b c/d\nl a b/../../k\n");
	accept("d m\nd m/.bin\nf m/x\nl m/.bin/x ../x\n");
}

static void test_links_that_leave(void **state)
{
	refuse("l a ..\n", "a: a link that leaves");
	refuse("l a ../x\n", "leaves");
	refuse("l a b/../../x\n", "leaves");
	refuse("d a\nl a/b ../..\n", "leaves");
	refuse("l a gone/../../gone\n", "leaves");
	refuse("f f\nl a f/../../x\n", "leaves");
	refuse("l a ./.././a\n", "leaves");
	/* by the words alone they would stay: */
	refuse("d x\nd x/y\nl x/y/b ../..\nl x/y/a b/../z\n", "leaves");
	refuse("d c\nd c/d\nl b c/d\nl a b/../../..\n", "leaves");
	refuse("l b .\nl a b/../x\n", "leaves");
	refuse("d x\nl x/up ..\nl a x/up/x/up/x/up/../x\n", "leaves");
}

static void test_loops_and_chains(void **state)
{
	refuse("l a a\n", "loop");
	refuse("l a b\nl b a\n", "loop");
	refuse("l a b/x\nl b a/x\n", "loop");
}

/* l0 -> l1 -> … -> ln, which is a file: n hops. */
static char *chain(unsigned int hops)
{
	char *lines = calloc(1, 64 * (hops + 2));
	char *at = lines;

	assert_non_null(lines);
	for (unsigned int i = 0; i < hops; i++)
		at += snprintf(at, 64, "l l%u l%u\n", i, i + 1);
	(void)snprintf(at, 64, "f l%u\n", hops);
	return lines;
}

/* As many as the kernel follows. */
static void test_forty_hops(void **state)
{
	_cleanup_free_ char *forty = chain(40);
	_cleanup_free_ char *more = chain(41);

	accept(forty);
	refuse(more, "too many links");
}

static void test_hard_links(void **state)
{
	accept("f a\nh b a\n");
	refuse("h b a\n", "hard link");
	refuse("d a\nh b a\n", "hard link");
	refuse("l a x\nh b a\n", "hard link");
}

/* The least name is the file, whichever the archive had first. */
static void test_hard_links_are_put_in_order(void **state)
{
	_cleanup_(index_freep) struct index *index = make("f m\nh z m\nh b m\nh c m\n");

	index_find(index, "m")->size = 17;
	assert_int_equal(treecheck_run(index, NULL), 0);
	assert_int_equal(index_find(index, "b")->type, INDEX_FILE);
	assert_int_equal(index_find(index, "b")->size, 17);
	assert_null(index_find(index, "b")->target);
	assert_true(index_find(index, "b")->linked);
	assert_string_equal(index_find(index, "c")->target, "b");
	assert_string_equal(index_find(index, "m")->target, "b");
	assert_int_equal(index_find(index, "m")->size, 0);
	assert_string_equal(index_find(index, "z")->target, "b");
}

/* Thousands of links, each with hops through long texts: a budget, not hours. */
static void test_an_expensive_tree_is_refused_soon(void **state)
{
	_cleanup_(index_freep) struct index *index = make("d d\n");
	char target[4000] = "";
	struct timespec began;
	struct timespec ended;
	struct error err = {};

	for (size_t i = 0; i + 6 < sizeof(target); i += 5)
		memcpy(target + i, "d/../", 6);
	for (unsigned int i = 0; i < 3000; i++) {
		char name[16];
		struct index_entry entry = { .type = INDEX_SYMLINK, .path = name };
		char text[4096];

		(void)snprintf(name, sizeof(name), "l%u", i);
		(void)snprintf(text, sizeof(text), "%sl%u", target, i % 39 == 38 ? 1 : i + 1);
		entry.target = i % 39 == 38 ? target : text;
		assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &began);
	check_error(treecheck_run(index, &err), &err, FAULT_CORRUPT, "too long to follow");
	clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_true(ended.tv_sec - began.tv_sec < 30);
}

/* Ordinary trees are far from the budget: each package a link up and down again. */
static void test_many_honest_links(void **state)
{
	_cleanup_(index_freep) struct index *index = make("d s\n");

	for (unsigned int i = 0; i < 20000; i++) {
		char name[64];
		char target[64];
		struct index_entry link = { .type = INDEX_SYMLINK, .path = name, .target = target };

		(void)snprintf(name, sizeof(name), "s/l%u", i);
		(void)snprintf(target, sizeof(target), "../s/p%u/node_modules/p/q/r/s/t/u", i);
		assert_int_equal(index_add(index, &link, NULL, NULL), 0);
	}
	assert_int_equal(treecheck_run(index, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds_parents),
		cmocka_unit_test(test_nothing_lies_below_what_is_no_directory),
		cmocka_unit_test(test_links_that_stay),
		cmocka_unit_test(test_links_that_leave),
		cmocka_unit_test(test_loops_and_chains),
		cmocka_unit_test(test_forty_hops),
		cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_hard_links_are_put_in_order),
		cmocka_unit_test(test_an_expensive_tree_is_refused_soon),
		cmocka_unit_test(test_many_honest_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
