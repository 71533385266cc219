/* Files that init makes and somebody has removed are made anew; what is there is left alone. */
#include "store/revive.h"

#include "../base/check.h"
#include "store/history.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/outbox.h"
#include "store/record.h"

static off_t size_of(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1 : st.st_size;
}

static void it_is_said_whether_it_was_there_once(void **state)
{
	int dirfd = check_dirfd(state);
	struct error err = {};

	check_error(revive_complain(dirfd, "x", &err), &err, FAULT_CONFIG, "flipslot init");
	assert_int_equal(layout_create(dirfd, NULL), 0);
	check_error(revive_complain(dirfd, "x", &err), &err, FAULT_CORRUPT, "the file x is gone");
}

static void where_init_was_never_run_nothing_is_made(void **state)
{
	int dirfd = check_dirfd(state);

	assert_int_equal(revive_lock(dirfd, NULL), 0);
	assert_int_equal(revive_files(dirfd, NULL), 0);
	assert_int_equal(check_count(dirfd), 0);
}

static void what_is_gone_is_made_anew(void **state)
{
	static const struct {
		const char *name;
		off_t size;
	} files[] = {
		{ LAYOUT_STATE, RECORD_FILE_SIZE },
		{ LAYOUT_REQUEST, RECORD_FILE_SIZE },
		{ LAYOUT_CHECKED, RECORD_FILE_SIZE },
		{ LAYOUT_SCRUB, RECORD_FILE_SIZE },
		{ LAYOUT_HISTORY, HISTORY_FILE_SIZE },
		{ LAYOUT_OUTBOX, OUTBOX_FILE_SIZE },
		{ LAYOUT_SCRUB_LOCK, 0 },
		{ LAYOUT_OUTBOX_LOCK, 0 },
		{ LAYOUT_LOCK, 0 },
	};
	int dirfd = check_dirfd(state);
	_cleanup_close_ int lock_fd = -1;

	assert_int_equal(layout_create(dirfd, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(unlinkat(dirfd, files[i].name, 0), 0);
		assert_int_equal(revive_lock(dirfd, NULL), 0);
		assert_int_equal(revive_files(dirfd, NULL), 0);
		assert_int_equal(size_of(dirfd, files[i].name), files[i].size);
	}
	assert_int_equal(lock_take(dirfd, LAYOUT_LOCK, &lock_fd, NULL), 0);
}

static void a_record_of_another_size_is_too(void **state)
{
	int dirfd = check_dirfd(state);
	char *payload = NULL;

	assert_int_equal(layout_create(dirfd, NULL), 0);
	assert_int_equal(record_store(dirfd, LAYOUT_CHECKED, "kept", NULL), 0);
	check_write(dirfd, LAYOUT_STATE, "x", 1);
	assert_int_equal(unlinkat(dirfd, LAYOUT_REQUEST, 0), 0);
	assert_int_equal(symlinkat("/dev/null", dirfd, LAYOUT_REQUEST), 0);
	check_write(dirfd, LAYOUT_HISTORY, "for a person", 12);
	assert_int_equal(revive_files(dirfd, NULL), 0);
	assert_int_equal(size_of(dirfd, LAYOUT_STATE), RECORD_FILE_SIZE);
	assert_int_equal(size_of(dirfd, LAYOUT_REQUEST), RECORD_FILE_SIZE);
	assert_int_equal(size_of(dirfd, LAYOUT_HISTORY), 12);
	assert_int_equal(record_load(dirfd, LAYOUT_CHECKED, &payload, NULL, NULL), 0);
	assert_string_equal(payload, "kept");
	free(payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(it_is_said_whether_it_was_there_once),
		check_in_dir(where_init_was_never_run_nothing_is_made),
		check_in_dir(what_is_gone_is_made_anew),
		check_in_dir(a_record_of_another_size_is_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
