/* LDFLAGS: @tests/store/calls.flags */
#include "store/outbox.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/durable.h"
#include "store/layout.h"
#include "calls.h"
#include "members.h"

static char file_before[OUTBOX_FILE_SIZE];

static int setup(void **state)
{
	int r = check_setup(state);

	if (r == 0)
		r = durable_preallocate(check_dirfd(state), LAYOUT_OUTBOX, OUTBOX_FILE_SIZE, 0644,
					NULL);
	return r < 0 ? r :
		       durable_preallocate(check_dirfd(state), LAYOUT_OUTBOX_LOCK, 0, 0600, NULL);
}

#define check_with_file(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

static struct outbox_entry entry(int n, const char *receiver)
{
	struct outbox_entry entry = { .created = (uint64_t)n, .outcome = OUTCOME_ROLLED_BACK };

	(void)snprintf(entry.id, sizeof(entry.id), "id-%d", n);
	(void)snprintf(entry.receiver, sizeof(entry.receiver), "%s", receiver);
	return entry;
}

static int append(int dirfd, int n, const char *receiver)
{
	struct outbox_entry e = entry(n, receiver);
	struct error err = {};
	int r = outbox_append(dirfd, &e, &err);

	if (r < 0)
		fail_msg("%s", err.text);
	return r;
}

static size_t load(int dirfd, struct outbox_entry **ret_entries)
{
	struct error err = {};
	size_t n = 0;

	if (outbox_load(dirfd, ret_entries, &n, &err) != 0)
		fail_msg("%s", err.text);
	return n;
}

/* What waits are the alerts first, first + 1, …, last. */
static void check_load(int dirfd, int first, int last)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;
	size_t n = load(dirfd, &entries);

	assert_int_equal(n, last - first + 1);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(entries[i].created, first + (int)i);
}

/* The oldest has been delivered. */
static void deliver(int dirfd)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;

	assert_true(load(dirfd, &entries) > 0);
	entries[0].delivered = 1;
	assert_int_equal(outbox_update(dirfd, &entries[0], NULL), 0);
}

static void the_oldest_comes_first_until_it_is_delivered(void **state)
{
	int dirfd = check_dirfd(state);

	check_load(dirfd, 1, 0);
	for (int n = 1; n <= 5; n++) {
		append(dirfd, n, "ops");
		check_load(dirfd, 1, n);
	}
	for (int n = 2; n <= 6; n++) {
		deliver(dirfd);
		check_load(dirfd, n, 5);
	}
}

static void nothing_is_told_twice(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ struct outbox_entry *entries = NULL;

	append(dirfd, 1, "ops");
	append(dirfd, 1, "ops");
	check_load(dirfd, 1, 1);
	deliver(dirfd);
	append(dirfd, 1, "ops"); /* delivered: known all the same */
	check_load(dirfd, 1, 0);
	append(dirfd, 1, "chat"); /* another receiver's */
	assert_int_equal(load(dirfd, &entries), 1);
}

static void an_attempt_is_kept_with_its_alert(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ struct outbox_entry *entries = NULL;
	_cleanup_free_ struct outbox_entry *again = NULL;

	append(dirfd, 1, "ops");
	append(dirfd, 2, "ops");
	for (unsigned int n = 1; n <= 3; n++) {
		free(TAKE_PTR(entries));
		assert_int_equal(load(dirfd, &entries), 2);
		entries[0].attempts = n;
		entries[0].next = 77;
		(void)snprintf(entries[0].error, OUTBOX_ERROR_MAX, "refused");
		assert_int_equal(outbox_update(dirfd, &entries[0], NULL), 0);
	}
	assert_int_equal(load(dirfd, &again), 2);
	assert_memory_equal(again, entries, 2 * sizeof(*again));
}

static void a_full_one_drops_the_oldest_and_says_so(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ struct outbox_entry *entries = NULL;

	calls_begin(0, 0, 0);
	calls.unsynced = true;
	for (int n = 1; n <= OUTBOX_PLACES + 10; n++)
		assert_int_equal(append(dirfd, n, "ops"), n > OUTBOX_PLACES ? OUTBOX_DROPPED : 0);
	calls.unsynced = false;
	(void)calls_end();
	check_load(dirfd, 11, OUTBOX_PLACES + 10);
	assert_int_equal(load(dirfd, &entries), OUTBOX_PLACES);
	assert_int_equal(entries[OUTBOX_PLACES - 11].dropped, 0);
	assert_int_equal(entries[OUTBOX_PLACES - 1].dropped, 10);
	entries[0].number = 1; /* was dropped while somebody was delivering it */
	assert_int_equal(outbox_update(dirfd, &entries[0], NULL), OUTBOX_GONE);
}

/* A receiver that is dead for long costs another one nothing as long as it can be helped. */
static void each_receiver_drops_its_own(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ struct outbox_entry *entries = NULL;

	for (int n = 1; n <= OUTBOX_PLACES; n++)
		append(dirfd, n, n == 1 ? "chat" : "ops");
	append(dirfd, 100, "ops");
	append(dirfd, 101, "new"); /* has none: the oldest of all */
	assert_int_equal(load(dirfd, &entries), OUTBOX_PLACES);
	assert_int_equal(entries[0].created, 3);
	assert_int_equal(entries[OUTBOX_PLACES - 2].dropped, 1);
	assert_int_equal(entries[OUTBOX_PLACES - 1].dropped, 1);
}

static void what_is_delivered_makes_room_and_ends_the_count(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ struct outbox_entry *entries = NULL;

	for (int n = 1; n <= OUTBOX_PLACES + 1; n++)
		append(dirfd, n, "ops");
	for (int n = 1; n <= OUTBOX_PLACES; n++)
		deliver(dirfd);
	append(dirfd, 100, "ops");
	assert_int_equal(load(dirfd, &entries), 1);
	assert_int_equal(entries[0].dropped, 0);
}

static int store_any(int dirfd, const void *object)
{
	static const char zeroes[OUTBOX_FILE_SIZE];
	struct outbox_entry first = { .id = "id" };

	check_write(dirfd, LAYOUT_OUTBOX, zeroes, sizeof(zeroes));
	return outbox_append(dirfd, &first, NULL) < 0 ? -1 : outbox_update(dirfd, object, NULL);
}

static int load_any(int dirfd, void *ret_object)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;

	if (load(dirfd, &entries) != 1)
		return -1;
	memcpy(ret_object, entries, sizeof(*entries));
	return 0;
}

static void every_member_is_kept(void **state)
{
	static struct outbox_entry base, changed, back, holes;

	memset(base.id, 'x', sizeof(base.id) - 1);
	memset(base.receiver, 'x', sizeof(base.receiver) - 1);
	memset(base.transaction, 'x', sizeof(base.transaction) - 1);
	memset(base.from_version, 'x', sizeof(base.from_version) - 1);
	memset(base.to_version, 'x', sizeof(base.to_version) - 1);
	memset(base.reason, 'x', sizeof(base.reason) - 1);
	memset(base.error, 'x', sizeof(base.error) - 1);
	base.number = 1;
	memset(&holes, 0xff, sizeof(holes));
	MEMBERS_CLEAR_PADDING(&holes);
	memset(&holes.number, 0, sizeof(holes.number)); /* by which it is found */
	members_check(check_dirfd(state), &base, &changed, &back, &holes, sizeof(base), store_any,
		      load_any);
}

static void the_largest_one_is_cut(void **state)
{
	int dirfd = check_dirfd(state);
	struct outbox_entry e = entry(1, "ops");
	_cleanup_free_ struct outbox_entry *entries = NULL;

	memset(e.reason, '\\', sizeof(e.reason) - 1);
	memset(e.error, '\\', sizeof(e.error) - 1);
	memset(e.from_version, '\\', sizeof(e.from_version) - 1);
	memset(e.to_version, '\\', sizeof(e.to_version) - 1);
	memset(e.receiver, '\\', sizeof(e.receiver) - 1);
	assert_int_equal(outbox_append(dirfd, &e, NULL), 0);
	assert_int_equal(load(dirfd, &entries), 1);
	assert_string_equal(entries[0].receiver, e.receiver);
}

static void what_is_no_outbox_is_refused(void **state)
{
	int dirfd = check_dirfd(state);
	struct outbox_entry e = entry(1, "ops");
	struct outbox_entry *entries = NULL;
	struct error err = {};
	size_t n = 0;

	check_write(dirfd, LAYOUT_OUTBOX, "x", 1);
	check_error(outbox_append(dirfd, &e, &err), &err, FAULT_CORRUPT, "not a regular file");
	check_error(outbox_load(dirfd, &entries, &n, &err), &err, FAULT_CORRUPT,
		    "not a regular file");
	assert_int_equal(unlinkat(dirfd, LAYOUT_OUTBOX, 0), 0);
	check_error(outbox_append(dirfd, &e, &err), &err, FAULT_CONFIG, "flipslot init");
	assert_int_equal(load(dirfd, &entries), 0); /* of an older flipslot: nothing waits */
	free(entries);
	assert_int_equal(unlinkat(dirfd, LAYOUT_OUTBOX_LOCK, 0), 0);
	check_error(outbox_append(dirfd, &e, &err), &err, FAULT_CONFIG, "flipslot init");
}

/* ---- the loops ---- */

static const int fillings[] = { 0, 1, OUTBOX_PLACES };

static void take_before(int dirfd, int entries)
{
	static const char zeroes[OUTBOX_FILE_SIZE];
	_cleanup_close_ int fd = -1;

	check_write(dirfd, LAYOUT_OUTBOX, zeroes, sizeof(zeroes));
	for (int n = 1; n <= entries; n++)
		append(dirfd, n, "ops");
	fd = openat(dirfd, LAYOUT_OUTBOX, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, file_before, sizeof(file_before)), sizeof(file_before));
}

static int loop_n; /* entries before */

static int act(void *data)
{
	int dirfd = *(int *)data;
	struct outbox_entry e = entry(loop_n + 1, "ops");

	return outbox_append(dirfd, &e, NULL) < 0 ? -1 : 0;
}

static int act_update(void *data)
{
	int dirfd = *(int *)data;
	struct outbox_entry e = entry(1, "ops");

	e.number = 1;
	e.attempts = 1;
	return outbox_update(dirfd, &e, NULL);
}

/* All that were there are there, or the oldest went for the new one; then it can be appended (again). */
static void check_appended_or_not(int dirfd)
{
	int oldest = loop_n < OUTBOX_PLACES ? 1 : 2;
	_cleanup_free_ struct outbox_entry *entries = NULL;
	size_t n = load(dirfd, &entries);

	if (n > 0 && (int)entries[n - 1].created == loop_n + 1)
		check_load(dirfd, oldest, loop_n + 1);
	else
		check_load(dirfd, 1, loop_n);
	append(dirfd, loop_n + 1, "ops");
	check_load(dirfd, oldest, loop_n + 1);
}

/* An alert that is rewritten is never away. */
static void check_updated_or_not(int dirfd)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;

	check_load(dirfd, 1, loop_n);
	assert_int_equal(act_update(&dirfd), 0);
	assert_int_equal(load(dirfd, &entries), loop_n);
	assert_int_equal(entries[0].attempts, 1);
}

static const struct {
	int (*act)(void *data);
	void (*check)(int dirfd);
	int least; /* entries that it needs */
} acts[] = { { act, check_appended_or_not, 0 }, { act_update, check_updated_or_not, 1 } };

static void fail_each(int dirfd, size_t a)
{
	int n_calls = 1;

	for (int n = 1; n <= n_calls; n++) {
		int r;

		check_write(dirfd, LAYOUT_OUTBOX, file_before, sizeof(file_before));
		calls_begin(n, n % 2 ? EIO : ENOSPC, 0);
		r = acts[a].act(&dirfd);
		n_calls = calls_end();
		assert_true(n > n_calls ? r == 0 : r < 0);
		acts[a].check(dirfd);
	}
}

static void kill_each(int dirfd, size_t a)
{
	bool killed = true;

	for (int n = 1; killed; n++) {
		check_write(dirfd, LAYOUT_OUTBOX, file_before, sizeof(file_before));
		calls.torn = 1 + check_below(OUTBOX_BLOCK);
		killed = calls_killed(n, acts[a].act, &dirfd);
		acts[a].check(dirfd);
	}
}

static void each_call_may_fail_or_be_the_last(void **state)
{
	int dirfd = check_dirfd(state);

	for (size_t i = 0; i < ARRAY_SIZE(fillings); i++) {
		loop_n = fillings[i];
		take_before(dirfd, loop_n);
		for (size_t a = 0; a < ARRAY_SIZE(acts); a++) {
			if (loop_n < acts[a].least)
				continue;
			fail_each(dirfd, a);
			kill_each(dirfd, a);
		}
	}
}

static void an_append_is_one_synced_write(void **state)
{
	calls_begin(0, 0, 0);
	append(check_dirfd(state), 1, "ops");
	(void)calls_end();
	assert_string_equal(calls.log, "openat openat pwrite fdatasync ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_with_file(the_oldest_comes_first_until_it_is_delivered),
		check_with_file(nothing_is_told_twice),
		check_with_file(an_attempt_is_kept_with_its_alert),
		check_with_file(a_full_one_drops_the_oldest_and_says_so),
		check_with_file(each_receiver_drops_its_own),
		check_with_file(what_is_delivered_makes_room_and_ends_the_count),
		check_with_file(every_member_is_kept),
		check_with_file(the_largest_one_is_cut),
		check_with_file(what_is_no_outbox_is_refused),
		check_with_file(each_call_may_fail_or_be_the_last),
		check_with_file(an_append_is_one_synced_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
