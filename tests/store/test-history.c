/* LDFLAGS: @tests/store/calls.flags -Wl,--wrap=fd_pread_full */
#include "store/history.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/durable.h"
#include "store/layout.h"
#include "calls.h"
#include "members.h"
#include "reads.h"

static int setup(void **state)
{
	int r = check_setup(state);

	return r < 0 ? r :
		       durable_preallocate(check_dirfd(state), LAYOUT_HISTORY, HISTORY_FILE_SIZE,
					   0644, NULL);
}

#define check_with_file(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

static struct history_entry entry(int n)
{
	struct history_entry entry = { .verb = VERB_INSTALL, .began = (uint64_t)n };

	(void)snprintf(entry.id, sizeof(entry.id), "id-%d", n);
	return entry;
}

static void append(int dirfd, int n)
{
	struct history_entry e = entry(n);
	struct error err = {};

	if (history_append(dirfd, &e, &err) != 0)
		fail_msg("%s", err.text);
}

/* What is loaded are the entries first, first - 1, …, last. */
static void check_load(int dirfd, size_t max, int first, int last)
{
	_cleanup_free_ struct history_entry *entries = NULL;
	size_t n = 0;

	assert_int_equal(history_load(dirfd, max, &entries, &n, NULL), 0);
	assert_int_equal(n, first - last + 1);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(entries[i].began, first - (int)i);
}

static void entries_come_newest_first(void **state)
{
	int dirfd = check_dirfd(state);

	check_load(dirfd, 10, 0, 1);
	for (int n = 1; n <= 5; n++) {
		append(dirfd, n);
		check_load(dirfd, 10, n, 1);
	}
	check_load(dirfd, 2, 5, 4);
	check_load(dirfd, 0, 5, 6);
}

static void the_ring_keeps_the_newest(void **state)
{
	int dirfd = check_dirfd(state);

	calls_begin(0, 0, 0);
	for (int n = 1; n <= HISTORY_ENTRIES + 10; n++)
		append(dirfd, n);
	(void)calls_end();
	check_load(dirfd, 1000, HISTORY_ENTRIES + 10, 11);
}

static void the_same_transaction_is_written_once(void **state)
{
	int dirfd = check_dirfd(state);
	struct history_entry again = entry(2);

	append(dirfd, 1);
	append(dirfd, 2);
	again.began = 77;
	assert_int_equal(history_append(dirfd, &again, NULL), 0);
	check_load(dirfd, 10, 2, 1);
	append(dirfd, 1); /* not the newest one's: a new entry */
	check_load(dirfd, 1, 1, 1);
}

static int store_any(int dirfd, const void *object)
{
	static const char zeroes[HISTORY_FILE_SIZE];

	check_write(dirfd, LAYOUT_HISTORY, zeroes, sizeof(zeroes));
	return history_append(dirfd, object, NULL);
}

static int load_any(int dirfd, void *ret_object)
{
	struct history_entry *entries = NULL;
	size_t n = 0;
	int r = history_load(dirfd, 1, &entries, &n, NULL);

	if (r == 0 && n == 1)
		memcpy(ret_object, entries, sizeof(*entries));
	free(entries);
	return n == 1 ? r : -1;
}

static void every_member_is_kept(void **state)
{
	static struct history_entry base;
	static struct history_entry changed;
	static struct history_entry back;
	static struct history_entry holes;

	memset(base.id, 'x', sizeof(base.id) - 1);
	memset(base.from_version, 'x', sizeof(base.from_version) - 1);
	memset(base.to_version, 'x', sizeof(base.to_version) - 1);
	memset(base.who, 'x', sizeof(base.who) - 1);
	memset(base.signer, 'x', sizeof(base.signer) - 1);
	memset(base.group, 'x', sizeof(base.group) - 1);
	memset(base.why, 'x', sizeof(base.why) - 1);
	memset(base.reason, 'x', sizeof(base.reason) - 1);
	base.sequence = 1; /* the file's own: loading sets it */
	memset(&holes, 0xff, sizeof(holes));
	MEMBERS_CLEAR_PADDING(&holes);
	memset(&holes.sequence, 0, sizeof(holes.sequence));
	members_check(check_dirfd(state), &base, &changed, &back, &holes, sizeof(base), store_any,
		      load_any);
}

static void a_transaction_has_its_entry(void **state)
{
	const struct state_transaction transaction = {
		.id = "id-7",
		.verb = VERB_UPDATE,
		.outcome = OUTCOME_ROLLED_BACK,
		.fault = FAULT_UNHEALTHY,
		.target = SLOT_B,
		.began = 3,
		.ended = 5,
		.downtime = 2,
		.fetched = 7,
		.requests = 8,
		.files = 10,
		.reused = 9,
		.trust_me = true,
		.from_version = "1.0",
		.release.version = "2.0",
		.signer = "0123456789ABCDEF",
		.who = "root",
		.reason = "it does not answer",
	};
	const struct history_entry entry = history_entry_of(&transaction);

	assert_string_equal(entry.id, "id-7");
	assert_int_equal(entry.verb, VERB_UPDATE);
	assert_int_equal(entry.outcome, OUTCOME_ROLLED_BACK);
	assert_int_equal(entry.fault, FAULT_UNHEALTHY);
	assert_int_equal(entry.slot, SLOT_B);
	assert_true(entry.began == 3 && entry.ended == 5 && entry.downtime == 2);
	assert_true(entry.fetched == 7 && entry.requests == 8);
	assert_true(entry.files == 10 && entry.reused == 9);
	assert_true(entry.trusted_by_word);
	assert_string_equal(entry.from_version, "1.0");
	assert_string_equal(entry.to_version, "2.0");
	assert_string_equal(entry.signer, "0123456789ABCDEF");
	assert_string_equal(entry.who, "root");
	assert_string_equal(entry.reason, "it does not answer");
}

static void the_largest_entry_is_cut_where_it_hurts_least(void **state)
{
	struct history_entry before = { .trusted_by_word = true };
	_cleanup_free_ struct history_entry *after = NULL;
	size_t n = 0;

	memset(before.id, '\n', sizeof(before.id) - 1);
	memset(before.from_version, '\n', sizeof(before.from_version) - 1);
	memset(before.to_version, '\n', sizeof(before.to_version) - 1);
	memset(before.who, '\n', sizeof(before.who) - 1);
	memset(before.why, '\n', sizeof(before.why) - 1);
	memset(before.reason, '\n', sizeof(before.reason) - 1);
	before.verb = VERB_ROLLBACK;
	before.outcome = OUTCOME_ROLLED_BACK_UNHEALTHY;
	before.fault = FAULT_UNTRUSTED;
	before.slot = SLOT_B;
	before.began = before.ended = before.downtime = UINT64_MAX;
	before.fetched = 64ULL << 30; /* OFFER_FULL_MAX, several times */
	before.requests = before.files = before.reused = 10000000; /* the most of MaxFiles= */
	assert_int_equal(history_append(check_dirfd(state), &before, NULL), 0);
	assert_int_equal(history_load(check_dirfd(state), 1, &after, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_string_equal(after->id, before.id);
	assert_int_equal(after->outcome, before.outcome);
	assert_true(after->ended == UINT64_MAX);
	assert_int_equal(strlen(after->why), 63);
	assert_int_equal(strlen(after->reason), 99);
	assert_int_equal(strlen(after->to_version), 39);
	assert_int_equal(strlen(after->who), 15);
}

static void a_damaged_block_is_passed_over(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ struct history_entry *entries = NULL;
	_cleanup_close_ int fd = openat(dirfd, LAYOUT_HISTORY, O_RDWR | O_CLOEXEC);
	char block[HISTORY_BLOCK];
	size_t n = 0;

	for (int i = 1; i <= 4; i++)
		append(dirfd, i);
	assert_int_equal(pread(fd, block, sizeof(block), 0), sizeof(block));
	assert_int_equal(pwrite(fd, "?", 1, HISTORY_BLOCK + 30), 1); /* 2 */
	/* a whole block in another's place is none */
	assert_int_equal(pwrite(fd, block, sizeof(block), (off_t)7 * HISTORY_BLOCK), sizeof(block));
	assert_int_equal(history_load(dirfd, 10, &entries, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_int_equal(entries[0].began, 4);
	assert_int_equal(entries[0].sequence, 4);
	assert_int_equal(entries[1].began, 3);
	assert_int_equal(entries[2].began, 1);
	append(dirfd, 5);
	check_load(dirfd, 3, 5, 3);
}

static void what_is_no_history_is_refused(void **state)
{
	int dirfd = check_dirfd(state);
	struct history_entry e = entry(1);
	struct history_entry *entries = NULL;
	struct error err = {};
	size_t n;

	check_write(dirfd, LAYOUT_HISTORY, "x", 1);
	check_error(history_load(dirfd, 1, &entries, &n, &err), &err, FAULT_CORRUPT, "history");
	assert_int_equal(unlinkat(dirfd, LAYOUT_HISTORY, 0), 0);
	check_error(history_load(dirfd, 1, &entries, &n, &err), &err, FAULT_CONFIG, "init");
	check_error(history_append(dirfd, &e, &err), &err, FAULT_CONFIG, "init");
	assert_int_equal(symlinkat("x", dirfd, LAYOUT_HISTORY), 0);
	check_error(history_append(dirfd, &e, &err), &err, FAULT_INTERNAL, "history");
	assert_null(entries);
}

static char file_before[HISTORY_FILE_SIZE];

static void take_before(int dirfd, int entries)
{
	_cleanup_free_ char *data = NULL;

	check_write(dirfd, LAYOUT_HISTORY, (const char[HISTORY_FILE_SIZE]){}, HISTORY_FILE_SIZE);
	for (int n = 1; n <= entries; n++)
		append(dirfd, n);
	assert_int_equal(fd_read_file(dirfd, LAYOUT_HISTORY, HISTORY_FILE_SIZE, &data, NULL, NULL),
			 0);
	memcpy(file_before, data, HISTORY_FILE_SIZE);
}

/*
 * Entry `entries + 1` was being appended: it is there or not, and of the others none is lost but, in
 * a full ring, the oldest, whose place it takes. The next append goes on.
 */
static void check_appended_or_not(int dirfd, int entries)
{
	_cleanup_free_ struct history_entry *found = NULL;
	int oldest = entries < HISTORY_ENTRIES ? 1 : entries - HISTORY_ENTRIES + 2;
	size_t n = 0;

	assert_int_equal(history_load(dirfd, HISTORY_ENTRIES, &found, &n, NULL), 0);
	assert_true(n > 0 || entries == 0);
	if (n > 0 && (int)found[0].began == entries + 1)
		check_load(dirfd, (size_t)(entries + 2 - oldest), entries + 1, oldest);
	else
		check_load(dirfd, (size_t)(entries + 1 - oldest), entries, oldest);
	append(dirfd, entries + 1);
	check_load(dirfd, (size_t)(entries + 2 - oldest), entries + 1, oldest);
}

static const int fillings[] = { 0, 1, 5, HISTORY_ENTRIES, HISTORY_ENTRIES + 3 };

static void an_append_cut_off_at_any_byte_loses_nothing(void **state)
{
	int dirfd = check_dirfd(state);

	for (size_t i = 0; i < ARRAY_SIZE(fillings); i++) {
		off_t place = (off_t)(fillings[i] % HISTORY_ENTRIES) * HISTORY_BLOCK;
		char block[HISTORY_BLOCK];
		_cleanup_close_ int fd = -1;

		take_before(dirfd, fillings[i]);
		append(dirfd, fillings[i] + 1);
		fd = openat(dirfd, LAYOUT_HISTORY, O_RDWR | O_CLOEXEC);
		assert_int_equal(pread(fd, block, sizeof(block), place), sizeof(block));
		for (size_t size = 0; size <= sizeof(block); size += 1 + size / 16) {
			check_write(dirfd, LAYOUT_HISTORY, file_before, sizeof(file_before));
			assert_int_equal(pwrite(fd, block, size, place), (ssize_t)size);
			check_appended_or_not(dirfd, fillings[i]);
		}
	}
}

static void each_call_may_fail(void **state)
{
	int dirfd = check_dirfd(state);

	for (size_t i = 0; i < ARRAY_SIZE(fillings); i++) {
		struct history_entry e = entry(fillings[i] + 1);
		int n_calls = 1;

		take_before(dirfd, fillings[i]);
		for (int n = 1; n <= n_calls; n++) {
			struct error err = {};
			int r;

			check_write(dirfd, LAYOUT_HISTORY, file_before, sizeof(file_before));
			calls_begin(n, n % 2 ? EIO : ENOSPC, 0);
			r = history_append(dirfd, &e, &err);
			n_calls = calls_end();
			check_error(r, &err, n % 2 ? FAULT_INTERNAL : FAULT_NO_SPACE, "history");
			check_appended_or_not(dirfd, fillings[i]);
		}
	}
}

static int appended;

static int append_in_child(void *data)
{
	struct history_entry e = entry(appended);

	return history_append(*(int *)data, &e, NULL);
}

static void each_call_may_be_the_last(void **state)
{
	int dirfd = check_dirfd(state);

	for (size_t i = 0; i < ARRAY_SIZE(fillings); i++) {
		bool killed = true;

		take_before(dirfd, fillings[i]);
		appended = fillings[i] + 1;
		for (int n = 1; killed; n++) {
			check_write(dirfd, LAYOUT_HISTORY, file_before, sizeof(file_before));
			calls.torn = 1 + check_below(HISTORY_BLOCK);
			killed = calls_killed(n, append_in_child, &dirfd);
			check_appended_or_not(dirfd, fillings[i]);
		}
	}
}

/* What cannot be read for a moment is not overwritten. */
static void a_read_that_fails_once_loses_nothing(void **state)
{
	int dirfd = check_dirfd(state);

	append(dirfd, 1);
	for (int n = 1; n <= HISTORY_ENTRIES; n++) {
		reads_fail(n, 1);
		append(dirfd, n + 1);
		reads_fail(0, 0);
		check_load(dirfd, HISTORY_ENTRIES, n + 1, n < HISTORY_ENTRIES ? 1 : 2);
	}
}

/* A place that the disk has lost is as good as any to write to. */
static void a_place_that_cannot_be_read_is_passed_over(void **state)
{
	int dirfd = check_dirfd(state);

	append(dirfd, 1);
	append(dirfd, 2);
	reads_fail(1, 2);
	check_load(dirfd, 10, 2, 2);
	reads_fail(1, 2);
	append(dirfd, 3);
	reads_fail(0, 0);
	check_load(dirfd, 10, 3, 1);
}

static void an_append_is_one_synced_write(void **state)
{
	calls_begin(0, 0, 0);
	append(check_dirfd(state), 1);
	(void)calls_end();
	assert_string_equal(calls.log, "openat pwrite fdatasync ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_with_file(entries_come_newest_first),
		check_with_file(the_ring_keeps_the_newest),
		check_with_file(the_same_transaction_is_written_once),
		cmocka_unit_test(a_transaction_has_its_entry),
		check_with_file(every_member_is_kept),
		check_with_file(the_largest_entry_is_cut_where_it_hurts_least),
		check_with_file(a_damaged_block_is_passed_over),
		check_with_file(what_is_no_history_is_refused),
		check_with_file(an_append_cut_off_at_any_byte_loses_nothing),
		check_with_file(each_call_may_fail),
		check_with_file(each_call_may_be_the_last),
		check_with_file(a_read_that_fails_once_loses_nothing),
		check_with_file(a_place_that_cannot_be_read_is_passed_over),
		check_with_file(an_append_is_one_synced_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
