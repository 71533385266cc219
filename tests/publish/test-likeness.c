#include "publish/likeness.h"

#include "trees.h"

/* Three files that have nothing in common but their beginnings, and one that nobody else has anything of. */
static int make_old(void)
{
	int fd = trees_make("old");

	trees_write(fd, "lib/a", 20000, 1, 0);
	trees_write(fd, "lib/b", 20000, 2, 0);
	trees_write(fd, "lib/c", 900000, 3, 0);
	check_write(fd, "empty", "", 0);
	check_write(fd, "short", "a few bytes", 11);
	return fd;
}

static const char *find(const struct likeness *likeness, const struct stock *fresh,
			const char *path)
{
	const struct index_entry *found = NULL;

	kit_good(likeness_find(likeness, fresh, index_find(fresh->index, path), &found, err));
	return found ? found->path : "none";
}

static void test_by_content(void **state)
{
	_cleanup_stock_ struct stock old = trees_stock(make_old());
	_cleanup_(likeness_freep) struct likeness *likeness = NULL;
	int newer = trees_make("new");

	trees_write(newer, "lib/x", 20500, 2, 700);
	trees_write(newer, "lib/y", 300000, 3, 4000); /* a third of it */
	trees_write(newer, "lib/a", 20000, 9, 0);
	check_write(newer, "short", "a few bytes", 11);
	{
		_cleanup_stock_ struct stock fresh = trees_stock(newer);

		kit_good(likeness_new(&old, 1 << 20, &likeness, err));
		assert_string_equal(find(likeness, &fresh, "lib/x"), "lib/b");
		assert_string_equal(find(likeness, &fresh, "lib/y"), "lib/c");
		assert_string_equal(find(likeness, &fresh, "lib/a"), "none");
		assert_string_equal(find(likeness, &fresh, "short"), "none");
	}
}

static void test_too_large(void **state)
{
	_cleanup_stock_ struct stock old = trees_stock(make_old());
	_cleanup_(likeness_freep) struct likeness *likeness = NULL;

	kit_good(likeness_new(&old, 100000, &likeness, err));
	assert_string_equal(find(likeness, &old, "lib/a"), "lib/a");
	assert_string_equal(find(likeness, &old, "lib/c"), "none");
}

/* What many files have in common tells nothing of any of them. */
static void test_what_many_have(void **state)
{
	_cleanup_(likeness_freep) struct likeness *likeness = NULL;
	int older = trees_make("older"), newer = trees_make("newer");

	for (int i = 0; i < 12; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "lib/%d", i);
		trees_write(older, name, 5000, 7, i == 5 ? 0 : 3000);
	}
	trees_write(older, "own", 300, 8, 0);
	trees_write(newer, "lib/x", 5000, 7, 3000);
	{
		_cleanup_stock_ struct stock old = trees_stock(older);
		_cleanup_stock_ struct stock fresh = trees_stock(newer);

		kit_good(likeness_new(&old, 100000, &likeness, err));
		assert_string_equal(find(likeness, &fresh, "lib/x"), "none");
		assert_string_equal(find(likeness, &old, "own"), "own");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_by_content),
		check_in_dir(test_too_large),
		check_in_dir(test_what_many_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
