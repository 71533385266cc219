#include "install/plan.h"

#include "../release/shell.h"
#include "release/directory.h"

#define MIB (1ULL << 20)

static const struct archive_options lax = {
	.max_bytes = 1ULL << 40,
	.max_files = 100000,
	.max_depth = 100,
};

static struct plan plan_of_one(struct index_entry entry)
{
	_cleanup_(index_freep) struct index *index = NULL;

	entry.path = (char *)"a";
	assert_int_equal(index_new(&index, NULL), 0);
	assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
	assert_int_equal(index_sort(index, NULL), 0);
	return plan_of(index, 4096);
}

static uint64_t bytes_of(struct index_entry entry)
{
	struct plan none = plan_of_one((struct index_entry){ .type = INDEX_FILE });

	return plan_of_one(entry).bytes_needed - none.bytes_needed;
}

static void test_sums_up(void **state)
{
	static char target[100];

	memset(target, 'x', sizeof(target) - 1);
	assert_int_equal(bytes_of((struct index_entry){ .type = INDEX_FILE, .size = 1 }), 4096);
	assert_int_equal(bytes_of((struct index_entry){ .type = INDEX_FILE, .size = 4096 }), 4096);
	assert_int_equal(bytes_of((struct index_entry){ .type = INDEX_FILE, .size = 4097 }), 8192);
	assert_int_equal(bytes_of((struct index_entry){ .type = INDEX_DIRECTORY }), 4096);
	assert_int_equal(
		bytes_of((struct index_entry){ .type = INDEX_SYMLINK, .target = (char *)"b" }), 0);
	assert_true(bytes_of((struct index_entry){ .type = INDEX_SYMLINK, .target = target }) >=
		    4096);
	assert_int_equal(plan_of_one((struct index_entry){ .type = INDEX_FILE }).inodes_needed, 2);
	assert_int_equal(
		plan_of_one((struct index_entry){ .type = INDEX_HARDLINK, .target = (char *)"b" })
			.inodes_needed,
		1);
}

static void test_does_not_overflow(void **state)
{
	struct plan plan =
		plan_of_one((struct index_entry){ .type = INDEX_FILE, .size = UINT64_MAX - 5 });
	struct plan_space space = { .bytes_free = UINT64_MAX - 1, .inodes_free = UINT64_MAX };
	struct error err = {};

	assert_int_equal(plan.bytes_needed, UINT64_MAX);
	check_error(plan_check(&plan, &space, UINT64_MAX, &err), &err, FAULT_NO_SPACE, "needs");
}

static void test_check(void **state)
{
	struct plan plan = { .bytes_needed = 100 * MIB, .inodes_needed = 50 };
	struct plan_space space = {
		.where = "/var/lib/flipslot/x",
		.bytes_free = 60 * MIB,
		.bytes_freed = 50 * MIB,
		.inodes_free = 30,
		.inodes_freed = 20,
	};
	struct error err = {};

	assert_int_equal(plan_check(&plan, &space, 10 * MIB, &err), 0);
	check_error(plan_check(&plan, &space, 10 * MIB + 1, &err), &err, FAULT_NO_SPACE,
		    "free 1 bytes or lower Reserve=");
	check_error(
		plan_check(&plan, &space, 64 * MIB, &err), &err, FAULT_NO_SPACE,
		"needs 100.0 MiB and 50 inodes; /var/lib/flipslot/x has 60.0 MiB free (and 50.0 MiB "
		"freed by the slot to be overwritten), 64.0 MiB are kept in reserve: free 54.0 MiB "
		"or lower Reserve=");
	space.bytes_free = 10 * MIB;
	check_error(plan_check(&plan, &space, MIB, &err), &err, FAULT_NO_SPACE, ": free 41.0 MiB");
	assert_null(strstr(err.text, "lower"));
	space.bytes_free = 100 * MIB;
	space.inodes_free = 29;
	check_error(plan_check(&plan, &space, 0, &err), &err, FAULT_NO_SPACE, "remove 1 files");
	space.inodes_free = UINT64_MAX;
	assert_int_equal(plan_check(&plan, &space, 0, &err), 0);
}

static void test_measures_what_is_freed(void **state)
{
	_cleanup_close_ int slot = -1;
	struct plan_space space;
	struct stat st;

	shell(check_dirfd(state),
	      "mkdir -p s/d; head -c 100000 /dev/zero >s/a; ln s/a s/d/b;"
	      "head -c 50000 /dev/zero >s/outside; ln s/outside keep; ln -s x s/l");
	slot = shell_open(check_dirfd(state), "s");
	assert_int_equal(plan_measure(check_dirfd(state), slot, &space, NULL), 0);
	/* the directory, the file with both its names, the link; not what has a name outside */
	assert_int_equal(space.inodes_freed, 3);
	assert_int_equal(fstatat(slot, "a", &st, 0), 0);
	assert_in_range(space.bytes_freed, st.st_blocks * 512, st.st_blocks * 512 + 8192);
	assert_string_equal(space.where, check_path);
	assert_true(space.bytes_free > 0 && space.block_size >= 512);
	assert_int_equal(plan_measure(check_dirfd(state), -1, &space, NULL), 0);
	assert_int_equal(space.bytes_freed, 0);
}

/* What a tree takes on disk is never more than what was planned for it. */
static void test_is_on_the_safe_side(void **state)
{
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_close_ int fd = -1;
	struct plan_space space;
	struct plan plan;

	shell(check_dirfd(state),
	      "mkdir -p s/d/e; for i in $(seq 300); do echo $i >s/d/file-$i; done;"
	      "head -c 9000000 /dev/urandom >s/large; ln -s d s/l;"
	      "truncate -s 1M s/hole; mkdir s/empty");
	fd = shell_open(check_dirfd(state), "s");
	assert_int_equal(directory_scan(fd, &lax, &index, NULL), 0);
	assert_int_equal(plan_measure(check_dirfd(state), fd, &space, NULL), 0);
	plan = plan_of(index, space.block_size);
	assert_in_range(plan.bytes_needed, space.bytes_freed, 2 * space.bytes_freed);
	assert_in_range(plan.inodes_needed, space.inodes_freed, space.inodes_freed + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_up),		cmocka_unit_test(test_does_not_overflow),
		cmocka_unit_test(test_check),		check_in_dir(test_measures_what_is_freed),
		check_in_dir(test_is_on_the_safe_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
