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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_leaves_nothing),
		check_in_dir(test_the_next_one_clears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
