/* LDFLAGS: -Wl,--wrap=allowance_range */
/* Getting a plain target by the real program's fetch helper, out of a folder. */
#include "deploy/plain.h"

#include <errno.h>
#include <openssl/evp.h>
#include <signal.h>

#include "midnight.h"
#include "app.h"

#define SIZE 700000

static struct session session;
static struct watcher watcher;
static char file[SIZE];
static struct found found;
static struct plain plain;
static char url[128];
static char program[512];
static uint64_t first_done; /* the first word of progress */
static bool cancel;

static int on_progress(struct watcher *of, uint64_t done, uint64_t total, struct error *err)
{
	assert_int_equal(total, found.length);
	assert_true(done <= total);
	if (first_done == UINT64_MAX)
		first_done = done;
	return cancel ? error_code(err, -ECANCELED, "staging") : 0;
}

static void write_target(size_t size)
{
	check_write(check_fd, "repo/targets/t", file, size);
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
	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = (char)check_random();
	found = (struct found){ .path = (char *)"t", .file = (char *)"t", .length = SIZE };
	found.hashes.has_sha256 = true;
	r |= digest_of(file, sizeof(file), &found.hashes.sha256, NULL);
	plain = (struct plain){ .found = &found, .promised = found.hashes.sha256 };
	r |= mkdirat(check_fd, "repo", 0755) | mkdirat(check_fd, "repo/targets", 0755) |
	     fchmodat(check_fd, ".", 0755, 0);
	write_target(SIZE);
	first_done = UINT64_MAX;
	cancel = false;
	app_open(&session, &idle);
	watcher = (struct watcher){ .session = &session };
	return r;
}

static int teardown(void **state)
{
	session_close(&session);
	return check_teardown_closed(state);
}

static int get(int *ret_fd, struct digest *ret_digest, struct error *err)
{
	return plain_get(&watcher, &plain, on_progress, ret_fd, ret_digest, err);
}

static void check_got(void)
{
	static char got[SIZE + 1];
	_cleanup_close_ int fd = -1;
	struct digest digest, wanted;
	struct error err = {};

	if (get(&fd, &digest, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(fd_pread_full(fd, got, sizeof(got), 0), SIZE);
	assert_memory_equal(got, file, SIZE);
	assert_int_equal(digest_of(file, SIZE, &wanted, NULL), 0);
	assert_true(digest_equal(&digest, &wanted));
}

static void check_fails(enum fault fault, const char *word)
{
	struct digest digest;
	struct error err = {};
	int fd = -1;

	check_error(get(&fd, &digest, &err), &err, fault, word);
	assert_int_equal(fd, -1);
}

static off_t size_on_disk(void)
{
	struct stat st;

	assert_int_equal(fstatat(check_fd, LAYOUT_STAGING "/target", &st, 0), 0);
	return st.st_size;
}

/* What an earlier try left of some target. */
static void leave(const struct digest *promised, const char *bytes, size_t size)
{
	char hex[DIGEST_HEX_MAX];

	assert_int_equal(mkdirat(check_fd, LAYOUT_STAGING, 0700), 0);
	check_write(check_fd, LAYOUT_STAGING "/target", bytes, size);
	check_write(check_fd, LAYOUT_STAGING "/target.name", digest_to_hex(promised, hex), 64);
}

static void it_is_fetched_and_dropped(void **state)
{
	check_got();
	assert_int_equal(plain_drop(&session, NULL), 0);
	assert_int_equal(faccessat(check_fd, LAYOUT_STAGING "/target", F_OK, 0), -1);
	assert_int_equal(faccessat(check_fd, LAYOUT_STAGING "/target.name", F_OK, 0), -1);
	assert_int_equal(plain_drop(&session, NULL), 0);
}

static void sha512_alone_is_enough(void **state)
{
	struct hashes sha512 = { .has_sha512 = true };

	assert_int_equal(EVP_Digest(file, SIZE, sha512.sha512.bytes, NULL, EVP_sha512(), NULL), 1);
	found.hashes = sha512;
	check_got();
	found.hashes.sha512.bytes[9] ^= 1;
	check_fails(FAULT_UNTRUSTED, "SHA-512");
}

static void every_listed_hash_must_fit(void **state)
{
	found.hashes.has_sha512 = true;
	check_fails(FAULT_UNTRUSTED, "targets/t: its SHA-512");
	assert_int_equal(size_on_disk(), 0);
}

static void it_goes_on_where_it_was(void **state)
{
	leave(&plain.promised, file, 300000);
	check_got();
	assert_true(first_done >= 300000);
}

static void what_is_whole_needs_no_source(void **state)
{
	leave(&plain.promised, file, SIZE);
	app_options.helper = "/nonexistent";
	check_got();
}

static void a_part_of_another_is_of_no_use(void **state)
{
	struct digest other = app_digest("another");

	leave(&other, file, 300000);
	check_got();
	assert_true(first_done < 300000);
}

static void a_spoilt_part_is_fetched_again(void **state)
{
	file[5] ^= 1;
	leave(&plain.promised, file, 300000);
	file[5] ^= 1;
	check_got();
}

static void more_than_promised_is_cut_off(void **state)
{
	found.length = SIZE - 1;
	first_done = 0;
	check_fails(FAULT_NETWORK, "targets/t");
	assert_true(size_on_disk() <= SIZE - 1);
}

static void less_than_promised(void **state)
{
	write_target(1000);
	check_fails(FAULT_NETWORK, "shorter than the metadata says");
}

static void other_bytes(void **state)
{
	file[SIZE - 1] ^= 1;
	write_target(SIZE);
	check_fails(FAULT_UNTRUSTED, "targets/t: its SHA-256");
	assert_int_equal(size_on_disk(), 0);
}

static void what_is_not_there(void **state)
{
	found.file = (char *)"u";
	check_fails(FAULT_NETWORK, "the server lacks it");
}

static void what_is_too_long_is_not_begun(void **state)
{
	app_options.stage.max_archive_bytes = SIZE - 1;
	check_fails(FAULT_NO_SPACE, "MaxArchive=");
	app_options.stage.max_archive_bytes = SIZE;
	app_options.stage.reserve_bytes = 1ULL << 60;
	check_fails(FAULT_NO_SPACE, "");
	assert_int_equal(size_on_disk(), 0);
}

/* What came of it is counted and kept; a worker that is killed again and again has got on. */
static void a_day_s_bytes_are_counted(void **state)
{
	struct error err = {};
	struct digest digest;
	int fd = -1;

	app_options.source.max_bytes_per_day = 300000;
	session.state.transaction.attempts = 200;
	assert_int_equal(get(&fd, &digest, &err), -EDQUOT);
	assert_true(watcher.exhausted);
	assert_int_equal(size_on_disk(), 300000);
	assert_int_equal(session.checked.day_bytes, 300000);
	assert_int_equal(session.state.transaction.fetched, 300000);
	assert_int_equal(session.state.transaction.requests, 1);
	assert_int_equal(session.state.transaction.attempts, 0);
	assert_int_equal(get(&fd, &digest, &err), -EDQUOT);
	assert_int_equal(size_on_disk(), 300000);
	session.checked.day--;
	app_options.source.max_bytes_per_day = SIZE;
	check_got();
	assert_int_equal(session.checked.day_bytes, SIZE - 300000);
}

/* A range that the day before clipped is over before the day's bytes are. */
static void another_day_begins_within_a_range(void **state)
{
	evening = 5000;
	check_got();
	assert_int_equal(watcher.fetched, SIZE);
	assert_int_equal(watcher.requests, 2);
}

static void it_can_be_cancelled(void **state)
{
	cancel = true;
	check_fails(FAULT_INTERNAL, "staging");
}

#define plain_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		plain_test(it_is_fetched_and_dropped),
		plain_test(sha512_alone_is_enough),
		plain_test(every_listed_hash_must_fit),
		plain_test(it_goes_on_where_it_was),
		plain_test(what_is_whole_needs_no_source),
		plain_test(a_part_of_another_is_of_no_use),
		plain_test(a_spoilt_part_is_fetched_again),
		plain_test(more_than_promised_is_cut_off),
		plain_test(less_than_promised),
		plain_test(other_bytes),
		plain_test(what_is_not_there),
		plain_test(what_is_too_long_is_not_begun),
		plain_test(a_day_s_bytes_are_counted),
		plain_test(it_can_be_cancelled),
		plain_test(another_day_begins_within_a_range),
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
