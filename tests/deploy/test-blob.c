/* LDFLAGS: -Wl,--wrap=allowance_range */
/* Getting a blob by the real program's fetch helper, out of a folder. */
#include "deploy/blob.h"

#include <errno.h>

#include <signal.h>

#include "midnight.h"
#include "app.h"
#include "release/pieces.h"

#define FULL_SIZE (2 * PIECES_SIZE + 1000)

static struct session session;
static char full[FULL_SIZE];
static struct digest pieces[3];
static struct offer offer;
static char url[128];
static char program[512];
static uint64_t first_done; /* the first word of progress */
static uint64_t verified; /* the last word of what may be used */

static int on_progress(void *data, uint64_t done, uint64_t total, struct error *err)
{
	assert_int_equal(total, FULL_SIZE);
	assert_true(done <= total);
	if (first_done == UINT64_MAX)
		first_done = done;
	return 0;
}

/* What is said to be verified is in the file. */
static int on_verified(void *data, int fd, uint64_t bytes, struct error *err)
{
	static char got[FULL_SIZE];

	assert_true(bytes > verified && bytes <= FULL_SIZE);
	verified = bytes;
	assert_int_equal(fd_pread_full(fd, got, bytes, 0), bytes);
	assert_memory_equal(got, full, bytes);
	return 0;
}

static void write_blob(void)
{
	char hex[DIGEST_HEX_MAX];
	char name[128];

	(void)snprintf(name, sizeof(name), "repo/blobs/sha256/%s", digest_to_hex(&offer.full, hex));
	check_write(check_fd, name, full, sizeof(full));
}

static int setup(void **state)
{
	int r = app_setup(state);
	const struct state idle = {};

	fetch_settings_init(&app_options.source.fetch);
	(void)snprintf(url, sizeof(url), "file://%s/repo", check_path);
	app_options.source.url = url;
	app_options.source.fetch.file_root = url + strlen("file://");
	app_options.helper = program;
	for (size_t i = 0; i < sizeof(full); i++)
		full[i] = (char)check_random();
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		r |= digest_of(full + i * PIECES_SIZE, i < 2 ? PIECES_SIZE : 1000, &pieces[i],
			       NULL);
	offer = (struct offer){ .full_length = FULL_SIZE,
				.pieces = pieces,
				.n_pieces = ARRAY_SIZE(pieces),
				.bytes = 1000,
				.files = 1 };
	r |= digest_of(full, sizeof(full), &offer.full, NULL);
	r |= mkdirat(check_fd, "repo", 0755) | mkdirat(check_fd, "repo/blobs", 0755) |
	     mkdirat(check_fd, "repo/blobs/sha256", 0755) | fchmodat(check_fd, ".", 0755, 0);
	write_blob();
	first_done = UINT64_MAX;
	app_open(&session, &idle);
	return r;
}

static int teardown(void **state)
{
	session_close(&session);
	return check_teardown_closed(state);
}

static struct watcher watcher;

static int get(int *ret_fd, struct error *err)
{
	const struct blob_listener listener = { .progress = on_progress, .verified = on_verified };

	watcher = (struct watcher){ .session = &session };
	verified = 0;
	return blob_get(&watcher, &offer, SLOT_B, &listener, ret_fd, err);
}

static void check_got(void)
{
	static char got[FULL_SIZE + 1];
	_cleanup_close_ int fd = -1;
	struct error err = {};

	if (get(&fd, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	assert_int_equal(verified, FULL_SIZE);
	assert_int_equal(fd_pread_full(fd, got, sizeof(got), 0), FULL_SIZE);
	assert_memory_equal(got, full, FULL_SIZE);
}

static void it_is_fetched_and_dropped(void **state)
{
	check_got();
	assert_int_equal(blob_drop(&session, NULL), 0);
	assert_int_equal(faccessat(check_fd, LAYOUT_STAGING "/full", F_OK, 0), -1);
	assert_int_equal(blob_drop(&session, NULL), 0);
}

static void good_pieces_are_kept(void **state)
{
	assert_int_equal(mkdirat(check_fd, LAYOUT_STAGING, 0700), 0);
	check_write(check_fd, LAYOUT_STAGING "/full", full, PIECES_SIZE + 77);
	check_got();
	assert_int_equal(first_done, PIECES_SIZE);
}

static off_t size_on_disk(void)
{
	struct stat st;

	assert_int_equal(fstatat(check_fd, LAYOUT_STAGING "/full", &st, 0), 0);
	return st.st_size;
}

/* Runs that an earlier one's bytes are left to. */
static void the_front_of_a_piece_is_kept(void **state)
{
	assert_int_equal(mkdirat(check_fd, LAYOUT_STAGING, 0700), 0);
	check_write(check_fd, LAYOUT_STAGING "/full", full, PIECES_SIZE + 77);
	check_got();
	assert_int_equal(watcher.fetched, FULL_SIZE - PIECES_SIZE - 77);
	assert_int_equal(watcher.requests, 1);
}

static void a_spoilt_front_costs_one_piece(void **state)
{
	assert_int_equal(mkdirat(check_fd, LAYOUT_STAGING, 0700), 0);
	full[PIECES_SIZE + 5] ^= 1;
	check_write(check_fd, LAYOUT_STAGING "/full", full, PIECES_SIZE + 77);
	full[PIECES_SIZE + 5] ^= 1;
	check_got();
	assert_true(watcher.fetched >= FULL_SIZE - PIECES_SIZE);
	assert_int_equal(watcher.requests, 2);
}

static void the_last_bytes_of_a_day_are_kept(void **state)
{
	int fd = -1;

	app_options.source.max_bytes_per_day = 5000;
	assert_int_equal(get(&fd, NULL), -EDQUOT);
	assert_int_equal(size_on_disk(), 5000);
}

/* A range that the day before clipped is over before the day's bytes are. */
static void another_day_begins_within_a_range(void **state)
{
	evening = 5000;
	check_got();
	assert_int_equal(watcher.fetched, FULL_SIZE);
	assert_int_equal(watcher.requests, 2);
}

static void what_is_whole_needs_no_source(void **state)
{
	assert_int_equal(mkdirat(check_fd, LAYOUT_STAGING, 0700), 0);
	check_write(check_fd, LAYOUT_STAGING "/full", full, sizeof(full));
	app_options.helper = "/nonexistent";
	check_got();
}

static void a_bad_piece_is_never_written(void **state)
{
	struct error err = {};
	int fd = -1;

	full[PIECES_SIZE + 5] ^= 1;
	write_blob();
	check_error(get(&fd, &err), &err, FAULT_UNTRUSTED, "not what the metadata promises");
	assert_int_equal(fd, -1);
	assert_int_equal(size_on_disk(), PIECES_SIZE);
}

static void what_lies_there_spoilt_is_fetched_again(void **state)
{
	assert_int_equal(mkdirat(check_fd, LAYOUT_STAGING, 0700), 0);
	full[5] ^= 1;
	check_write(check_fd, LAYOUT_STAGING "/full", full, sizeof(full));
	full[5] ^= 1;
	check_got();
	assert_int_equal(first_done, 0);
}

static void what_does_not_fit_is_not_begun(void **state)
{
	struct error err = {};
	int fd = -1;

	offer.bytes = 1ULL << 60;
	assert_true(get(&fd, &err) < 0);
	assert_string_equal(fault_name(err.fault), fault_name(FAULT_NO_SPACE));
	assert_int_equal(size_on_disk(), 0);
}

static void what_is_not_there_is_said(void **state)
{
	struct error err = {};
	int fd = -1;

	offer.full = app_digest("another");
	check_error(get(&fd, &err), &err, FAULT_NETWORK, "the server lacks it");
}

#define blob_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		blob_test(it_is_fetched_and_dropped),
		blob_test(good_pieces_are_kept),
		blob_test(the_front_of_a_piece_is_kept),
		blob_test(a_spoilt_front_costs_one_piece),
		blob_test(the_last_bytes_of_a_day_are_kept),
		blob_test(what_is_whole_needs_no_source),
		blob_test(a_bad_piece_is_never_written),
		blob_test(what_lies_there_spoilt_is_fetched_again),
		blob_test(what_does_not_fit_is_not_begun),
		blob_test(what_is_not_there_is_said),
		blob_test(another_day_begins_within_a_range),
	};
	const char *build = getenv("B");

	(void)signal(SIGPIPE, SIG_IGN); /* as main does */
	(void)snprintf(program, sizeof(program), "%s/flipslot", build ? build : "build");
	if (access(program, X_OK) < 0) {
		(void)printf("there is no %s to fetch by\n", program);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
