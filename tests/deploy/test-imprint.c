/* LDFLAGS: @tests/deploy/systemd.flags */
/* The unit's own files as they were before the switch: what differs is put back, and nothing else. */
#include "deploy/imprint.h"

#include "systemd.h"

static struct session session;
static char *drop_ins[3];
static char paths[3][PATH_MAX]; /* the unit file, a drop-in, a link */
static struct unit unit;

static void write_file(const char *path, const char *text)
{
	check_write(AT_FDCWD, path, text, strlen(text));
}

static const char *read_text(const char *path)
{
	static char text[256];
	_cleanup_free_ char *data = NULL;

	if (fd_read_file(AT_FDCWD, path, sizeof(text) - 1, &data, NULL, NULL) != 0)
		return NULL;
	return text_copy(data, text, sizeof(text));
}

/* A transaction under way, whose unit has a file with an end of its own, an empty drop-in, and a link. */
static void take(void)
{
	struct state state = app_under_way(PHASE_REVERTING);

	(void)text_copy("it died", state.transaction.reason, sizeof(state.transaction.reason));
	(void)snprintf(paths[0], PATH_MAX, "%s/gw.service", check_path);
	(void)snprintf(paths[1], PATH_MAX, "%s/gw.service.d/a b.conf", check_path);
	(void)snprintf(paths[2], PATH_MAX, "%s/gw.service.d/link.conf", check_path);
	assert_int_equal(mkdirat(check_fd, "gw.service.d", 0755), 0);
	write_file(paths[0], "[Service]\nExecStart=/a\n\nf 420 3 /x\nabc\n");
	assert_int_equal(chmod(paths[0], 0640), 0);
	write_file(paths[1], "");
	assert_int_equal(symlink("../else", paths[2]), 0);
	drop_ins[0] = paths[1];
	drop_ins[1] = paths[2];
	unit = (struct unit){ .drop_in_paths = drop_ins };
	(void)text_copy(paths[0], unit.fragment_path, sizeof(unit.fragment_path));
	app_open(&session, &state);
	imprint_take(&session, &unit);
}

static void what_has_changed_is_put_back(void **state)
{
	char target[32] = "", aside[PATH_MAX + 32];
	struct stat st;

	(void)state;
	take();
	write_file(paths[0], "theirs");
	assert_int_equal(unlink(paths[1]) | unlink(paths[2]), 0);
	assert_int_equal(unlinkat(check_fd, "gw.service.d", AT_REMOVEDIR), 0);
	assert_true(imprint_restore(&session));
	assert_string_equal(read_text(paths[0]), "[Service]\nExecStart=/a\n\nf 420 3 /x\nabc\n");
	assert_int_equal(stat(paths[0], &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_string_equal(read_text(paths[1]), "");
	assert_int_equal(readlink(paths[2], target, sizeof(target) - 1), strlen("../else"));
	assert_string_equal(target, "../else");
	(void)snprintf(aside, sizeof(aside), "%s.flipslot-aside", paths[0]);
	assert_string_equal(read_text(aside), "theirs");
	assert_string_equal(session.state.transaction.reason,
			    "it died; gw.service, a b.conf, link.conf had changed, and was put "
			    "back as before the switch");
	assert_string_equal(app_load().transaction.reason, session.state.transaction.reason);
	assert_int_equal(app_told(EVENT_WARNING, "was put back as it was"), 3);
	assert_false(imprint_restore(&session)); /* once */
	session_close(&session);
}

static void a_link_in_its_place_is_replaced(void **state)
{
	(void)state;
	take();
	assert_int_equal(unlink(paths[0]), 0);
	assert_int_equal(symlink("/dev/null", paths[0]), 0);
	assert_true(imprint_restore(&session));
	assert_non_null(read_text(paths[0]));
	session_close(&session);
}

static void what_is_as_it_was_is_left_alone(void **state)
{
	struct stat before, after;

	(void)state;
	take();
	assert_int_equal(stat(paths[0], &before), 0);
	assert_false(imprint_restore(&session));
	assert_int_equal(stat(paths[0], &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_string_equal(session.state.transaction.reason, "it died");
	session_close(&session);
}

/* Of another transaction; of another user; none. */
static void what_is_not_ours_to_put_back(void **state)
{
	(void)state;
	take();
	write_file(paths[0], "theirs");
	session.state.transaction.id[0] ^= 1;
	assert_false(imprint_restore(&session));
	session.state.transaction.id[0] ^= 1;
	app_options.user = "ada";
	assert_false(imprint_restore(&session));
	app_options.user = NULL;
	assert_int_equal(unlinkat(check_fd, LAYOUT_UNIT_BEFORE, 0), 0);
	assert_false(imprint_restore(&session));
	unit.is_owned = true;
	imprint_take(&session, &unit);
	assert_false(imprint_restore(&session));
	assert_string_equal(read_text(paths[0]), "theirs");
	session_close(&session);
}

/* Cut at each length: what is not there whole is not put back, and nothing else is written. */
static void what_was_kept_may_be_damaged(void **state)
{
	_cleanup_free_ char *kept = NULL;
	size_t size = 0;

	(void)state;
	take();
	assert_int_equal(fd_read_file(check_fd, LAYOUT_UNIT_BEFORE, 1 << 20, &kept, &size, NULL),
			 0);
	for (size_t i = 0; i < size; i++) {
		const char *text;

		check_write(check_fd, LAYOUT_UNIT_BEFORE, kept, i);
		write_file(paths[0], "theirs");
		app_n_heard = 0;
		(void)imprint_restore(&session);
		text = read_text(paths[0]);
		assert_true(strcmp(text, "theirs") == 0 || strstr(text, "\nabc\n"));
	}
	session_close(&session);
}

/* Something that writes it again at each start must not keep the way back from ending. */
static void what_is_changed_again_and_again_is_no_news(void **state)
{
	unsigned int news = 0;

	(void)state;
	take();
	for (unsigned int i = 0; i < 20; i++) {
		app_n_heard = 0;
		write_file(paths[0], "theirs");
		news += imprint_restore(&session);
		assert_string_not_equal(read_text(paths[0]), "theirs");
	}
	assert_int_equal(news, 3);
	assert_string_equal(
		session.state.transaction.reason,
		"it died; gw.service had changed, and was put back as before the switch");
	session_close(&session);
}

/* A disk without room, a folder that cannot be written: told, and the way back goes on. */
static void what_cannot_be_put_back_is_told(void **state)
{
	(void)state;
	take();
	assert_int_equal(unlink(paths[0]), 0);
	assert_int_equal(mkdir(paths[0], 0755), 0);
	assert_false(imprint_restore(&session));
	assert_int_equal(app_told(EVENT_WARNING, "could not be put back"), 1);
	session_close(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(what_has_changed_is_put_back),
		systemd_test(a_link_in_its_place_is_replaced),
		systemd_test(what_is_as_it_was_is_left_alone),
		systemd_test(what_is_not_ours_to_put_back),
		systemd_test(what_was_kept_may_be_damaged),
		systemd_test(what_is_changed_again_and_again_is_no_news),
		systemd_test(what_cannot_be_put_back_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
