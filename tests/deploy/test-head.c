/* LDFLAGS: -Wl,--wrap=fd_pwrite_full,--wrap=allowance_range */
/* Heads of bundles, by the real program's fetch helper, out of a folder. */
#include "deploy/head.h"

#include "midnight.h"
#include "repo.h"
#include "transfer/fetcher.h"

#define BLOB_SIZE 5000
#define HEAD_SIZE 1000

static char blob[BLOB_SIZE];
static struct offer_bundle bundle;
static char url[256];
static struct head_options options;
static bool is_full;
static bool is_tight; /* there is room for all of it if no front of it has some */

int __real_fd_pwrite_full(int fd, const void *buf, size_t size, off_t offset);
int __wrap_fd_pwrite_full(int fd, const void *buf, size_t size, off_t offset);

static bool has_front(void)
{
	struct stat st;

	return fstatat(check_fd, "staging/block.0", &st, 0) == 0 && st.st_size > 0;
}

int __wrap_fd_pwrite_full(int fd, const void *buf, size_t size, off_t offset)
{
	if (!(is_full || (is_tight && has_front())) || size != HEAD_SIZE)
		return __real_fd_pwrite_full(fd, buf, size, offset);
	(void)__real_fd_pwrite_full(fd, buf, size / 2, offset);
	errno = ENOSPC;
	return -1;
}

static int setup(void **state)
{
	int r = repo_setup(state);

	for (size_t i = 0; i < sizeof(blob); i++)
		blob[i] = (char)check_random();
	check_write(check_fd, "repo/blob", blob, sizeof(blob));
	(void)snprintf(url, sizeof(url), "%s/blob", repo_url);
	bundle = (struct offer_bundle){ .length = BLOB_SIZE, .head = HEAD_SIZE };
	r |= digest_of(blob, HEAD_SIZE, &bundle.head_digest, NULL);
	options = (struct head_options){
		.watcher = &repo_watcher,
		.bundle = &bundle,
		.url = url,
		.room = HEAD_SIZE,
	};
	r |= fetcher_new(repo_program, &app_options.source.fetch, &options.fetcher, NULL);
	return r;
}

static int teardown(void **state)
{
	fetcher_free(options.fetcher);
	return repo_teardown(state);
}

static void check_head(const struct head *head)
{
	assert_int_equal(head->size, HEAD_SIZE);
	assert_memory_equal(head->bytes, blob, HEAD_SIZE);
}

static void it_is_a_range_and_is_kept(void **state)
{
	_cleanup_head_ struct head head = {};
	_cleanup_head_ struct head again = {};
	struct error err = {};

	options.keep = true;
	if (head_get(&options, &head, &err) != 0)
		fail_msg("%s", err.text);
	check_head(&head);
	assert_null(head.rest);
	assert_int_equal(repo_watcher.fetched, HEAD_SIZE);
	assert_int_equal(unlinkat(check_fd, "repo/blob", 0), 0);
	assert_int_equal(head_get(&options, &again, NULL), 0);
	check_head(&again);
	assert_int_equal(repo_watcher.requests, 1);
	assert_int_equal(head_drop(&repo_session, NULL), 0);
	shell(check_fd, "test ! -e staging/blocks.head");
}

static void what_does_not_fit_is_not_left_behind(void **state)
{
	_cleanup_head_ struct head head = {};
	struct error err = {};
	int r;

	options.keep = true;
	is_full = true;
	r = head_get(&options, &head, &err);
	is_full = false;
	check_error(r, &err, FAULT_NO_SPACE, "head");
	shell(check_fd, "test ! -e staging/blocks.head");
}

/* Its length is known before. */
static void what_there_is_no_room_for_is_not_asked_for(void **state)
{
	options.keep = true;
	options.room = HEAD_SIZE - 1;
	assert_int_equal(head_get(&options, &(struct head){}, NULL), HEAD_NO_ROOM);
	options.keep = false;
	assert_int_equal(head_get(&options, &(struct head){}, NULL), HEAD_NO_ROOM);
	assert_int_equal(repo_watcher.requests, 0);
}

/* What an earlier run left of it is part of it. */
static void its_front_gives_its_room_to_the_whole(void **state)
{
	_cleanup_head_ struct head head = {};
	struct error err = {};

	options.keep = true;
	app_options.source.max_bytes_per_day = 400;
	assert_int_equal(head_get(&options, &(struct head){}, NULL), -EDQUOT);
	app_options.source.max_bytes_per_day = 0;
	assert_true(has_front());
	options.room = HEAD_SIZE - 401;
	assert_int_equal(head_get(&options, &(struct head){}, NULL), HEAD_NO_ROOM);
	options.room = HEAD_SIZE - 400;
	is_tight = true;
	if (head_get(&options, &head, &err) != 0)
		fail_msg("%s", err.text);
	is_tight = false;
	check_head(&head);
	assert_int_equal(repo_watcher.fetched, HEAD_SIZE);
	shell(check_fd, "test $(stat -c %s staging/blocks.head) = 1000");
}

static void without_a_wish_nothing_is_kept(void **state)
{
	_cleanup_head_ struct head head = {};

	assert_int_equal(head_get(&options, &head, NULL), 0);
	assert_int_equal(faccessat(check_fd, LAYOUT_STAGING, F_OK, 0), -1);
}

/* How much follows behind the head. */
static size_t read_rest(struct download *download, char *rest)
{
	size_t size = 0;
	size_t n;
	int r;

	while ((r = download_read(download, rest + size, BLOB_SIZE - size, &n, NULL)) !=
	       DOWNLOAD_END) {
		if (r == DOWNLOAD_PENDING)
			fetcher_wait(options.fetcher, USEC_INFINITY);
		else
			size += n;
	}
	return size;
}

static void the_rest_may_follow(void **state)
{
	_cleanup_head_ struct head head = {};
	char rest[BLOB_SIZE];

	options.whole = true;
	assert_int_equal(head_get(&options, &head, NULL), 0);
	check_head(&head);
	assert_int_equal(read_rest(head.rest, rest), BLOB_SIZE - HEAD_SIZE);
	assert_memory_equal(rest, blob + HEAD_SIZE, BLOB_SIZE - HEAD_SIZE);
	assert_int_equal(repo_watcher.requests, 1);
}

static void no_more_is_asked_for_than_the_day_allows(void **state)
{
	_cleanup_head_ struct head head = {};
	char rest[BLOB_SIZE];

	options.whole = true;
	app_options.source.max_bytes_per_day = HEAD_SIZE + 500;
	assert_int_equal(head_get(&options, &head, NULL), 0);
	check_head(&head);
	assert_int_equal(read_rest(head.rest, rest), 500);
}

/* A range that the day before clipped is over before the day's bytes are. */
static void another_day_begins_within_the_head(void **state)
{
	_cleanup_head_ struct head head = {};
	char rest[BLOB_SIZE];

	options.whole = true;
	evening = 400;
	assert_int_equal(head_get(&options, &head, NULL), 0);
	check_head(&head);
	assert_int_equal(read_rest(head.rest, rest), BLOB_SIZE - HEAD_SIZE);
	assert_int_equal(repo_watcher.fetched, HEAD_SIZE);
	assert_int_equal(repo_watcher.requests, 2);
}

static void other_bytes_are_refused(void **state)
{
	_cleanup_head_ struct head head = {};
	struct error err = {};

	blob[HEAD_SIZE - 1] ^= 1;
	check_write(check_fd, "repo/blob", blob, sizeof(blob));
	options.keep = true;
	check_error(head_get(&options, &head, &err), &err, FAULT_UNTRUSTED,
		    "the first 1000 bytes are not what");
	assert_non_null(strstr(err.text, url));
	shell(check_fd, "test ! -e staging/blocks.head");
}

static void only_what_lacks_is_fetched_after_an_interruption(void **state)
{
	_cleanup_head_ struct head head = {};
	char rest[BLOB_SIZE];

	options.keep = true;
	app_options.source.max_bytes_per_day = 400;
	assert_int_equal(head_get(&options, &(struct head){}, NULL), -EDQUOT);
	assert_int_equal(repo_watcher.fetched, 400);
	app_options.source.max_bytes_per_day = 0;
	options.whole = true;
	assert_int_equal(head_get(&options, &head, NULL), 0);
	check_head(&head);
	assert_int_equal(repo_watcher.fetched, HEAD_SIZE);
	assert_int_equal(read_rest(head.rest, rest), BLOB_SIZE - HEAD_SIZE);
	assert_memory_equal(rest, blob + HEAD_SIZE, BLOB_SIZE - HEAD_SIZE);
	shell(check_fd, "test -s staging/blocks.head && test ! -s staging/block.0");
}

static void what_took_the_last_byte_of_the_day_is_kept(void **state)
{
	_cleanup_head_ struct head head = {};

	options.keep = true;
	app_options.source.max_bytes_per_day = HEAD_SIZE;
	assert_int_equal(head_get(&options, &(struct head){}, NULL), -EDQUOT);
	app_options.source.max_bytes_per_day = 0;
	assert_int_equal(head_get(&options, &head, NULL), 0);
	check_head(&head);
	assert_int_equal(repo_watcher.fetched, HEAD_SIZE);
}

/* A worker that is killed while a head comes was not in vain. */
static void a_front_that_is_kept_is_progress(void **state)
{
	options.keep = true;
	app_options.source.max_bytes_per_day = 400;
	repo_session.state.transaction.attempts = 7;
	assert_int_equal(head_get(&options, &(struct head){}, NULL), -EDQUOT);
	assert_true(repo_watcher.got_on);
	assert_int_equal(repo_session.state.transaction.attempts, 0);
}

static void a_front_that_was_spoilt_is_fetched_again(void **state)
{
	_cleanup_head_ struct head head = {};

	options.keep = true;
	app_options.source.max_bytes_per_day = 400;
	assert_int_equal(head_get(&options, &(struct head){}, NULL), -EDQUOT);
	app_options.source.max_bytes_per_day = 0;
	shell(check_fd,
	      "printf spoilt | dd of=staging/block.0 bs=1 seek=100 conv=notrunc 2>/dev/null");
	assert_int_equal(head_get(&options, &head, NULL), 0);
	check_head(&head);
	assert_int_equal(repo_watcher.fetched, 2 * HEAD_SIZE);
}

static void what_is_kept_spoilt_is_fetched_again(void **state)
{
	_cleanup_head_ struct head head = {};

	shell(check_fd, "mkdir staging; head -c 1000 /dev/zero >staging/blocks.head");
	assert_int_equal(head_get(&options, &head, NULL), 0);
	check_head(&head);
}

static void what_is_missing_is_an_outcome(void **state)
{
	_cleanup_head_ struct head head = {};

	assert_int_equal(unlinkat(check_fd, "repo/blob", 0), 0);
	assert_int_equal(head_get(&options, &head, NULL), HEAD_ABSENT);
}

#define head_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		head_test(it_is_a_range_and_is_kept),
		head_test(what_does_not_fit_is_not_left_behind),
		head_test(what_there_is_no_room_for_is_not_asked_for),
		head_test(its_front_gives_its_room_to_the_whole),
		head_test(without_a_wish_nothing_is_kept),
		head_test(the_rest_may_follow),
		head_test(no_more_is_asked_for_than_the_day_allows),
		head_test(other_bytes_are_refused),
		head_test(only_what_lacks_is_fetched_after_an_interruption),
		head_test(what_took_the_last_byte_of_the_day_is_kept),
		head_test(a_front_that_is_kept_is_progress),
		head_test(a_front_that_was_spoilt_is_fetched_again),
		head_test(what_is_kept_spoilt_is_fetched_again),
		head_test(what_is_missing_is_an_outcome),
		head_test(another_day_begins_within_the_head),
	};

	return repo_find_program() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
