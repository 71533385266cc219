#include "publish/workroom.h"

#include "../base/check.h"

static void test_leaves_nothing(void **state)
{
	_cleanup_workroom_ struct workroom room = WORKROOM_NONE;
	int folder, file;

	assert_int_equal(workroom_open(check_fd, &room, NULL), 0);
	assert_int_equal(workroom_folder(&room, "a", &folder, NULL), 0);
	check_write(folder, "x", "x", 1);
	assert_int_equal(workroom_file(&room, &file, NULL), 0);
	assert_int_equal(check_count(room.dirfd), 1);
	(void)close(file);
	(void)close(folder);
	assert_int_equal(workroom_folder(&room, "a", &folder, NULL), 0); /* anew */
	assert_int_equal(check_count(folder), 0);
	(void)close(folder);
	workroom_remove(&room, "a");
	assert_int_equal(check_count(room.dirfd), 0);
	workroom_close(&room);
	assert_int_equal(check_count(check_fd), 0);
}

/* What a killed one left. */
static void test_the_next_one_clears(void **state)
{
	struct workroom room = WORKROOM_NONE;
	int folder;

	assert_int_equal(workroom_clear(check_fd, NULL), 0);
	assert_int_equal(workroom_open(check_fd, &room, NULL), 0);
	assert_int_equal(workroom_folder(&room, "a", &folder, NULL), 0);
	check_write(folder, "x", "x", 1);
	check_write(room.dirfd, "y", "y", 1);
	(void)close(folder);
	(void)close(room.dirfd);
	assert_int_equal(workroom_open(check_fd, &room, NULL), 0);
	assert_int_equal(check_count(room.dirfd), 0);
	workroom_close(&room);
	workroom_close(&room);
	assert_int_equal(workroom_clear(check_fd, NULL), 0);
}

/* It may be made where a person keeps other things. */
static void test_is_ours_alone(void **state)
{
	_cleanup_workroom_ struct workroom room = WORKROOM_NONE;

	assert_int_equal(mkdirat(check_fd, "work", 0755), 0);
	check_write(check_fd, "work/thesis", "x", 1);
	assert_int_equal(workroom_open(check_fd, &room, NULL), 0);
	assert_int_equal(faccessat(check_fd, ".flipslot-work", F_OK, 0), 0);
	workroom_close(&room);
	assert_int_equal(faccessat(check_fd, "work/thesis", F_OK, 0), 0);
	assert_int_equal(unlinkat(check_fd, "work/thesis", 0), 0);
	assert_int_equal(unlinkat(check_fd, "work", AT_REMOVEDIR), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_leaves_nothing),
		check_in_dir(test_is_ours_alone),
		check_in_dir(test_the_next_one_clears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
