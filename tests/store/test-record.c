/* LDFLAGS: @tests/store/calls.flags -Wl,--wrap=fd_pread_full */
#include "store/record.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/durable.h"
#include "calls.h"
#include "reads.h"

static int setup(void **state)
{
	int r = check_setup(state);

	return r < 0 ? r :
		       durable_preallocate(check_dirfd(state), "r", RECORD_FILE_SIZE, 0600, NULL);
}

#define check_with_file(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

static void get_file(int dirfd, char ret_bytes[static RECORD_FILE_SIZE])
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0;

	assert_int_equal(fd_read_file(dirfd, "r", RECORD_FILE_SIZE, &data, &size, NULL), 0);
	assert_int_equal(size, RECORD_FILE_SIZE);
	memcpy(ret_bytes, data, size);
}

static void put_file(int dirfd, const char *bytes)
{
	check_write(dirfd, "r", bytes, RECORD_FILE_SIZE);
}

/* What is loaded: "" for nothing yet, "!" for damaged. *ret_torn: another one was lost. */
static char *load(int dirfd, bool *ret_torn)
{
	struct error err = {};
	char *payload = NULL;
	int r = record_load(dirfd, "r", &payload, NULL, &err);

	*ret_torn = r == RECORD_TORN;
	if (r == RECORD_EMPTY)
		return strdup("");
	if (r >= 0)
		return payload;
	assert_string_equal(fault_name(err.fault), "corrupt");
	return strdup("!");
}

static void check_load(int dirfd, const char *wanted, bool torn)
{
	bool is_torn = false;
	_cleanup_free_ char *found = load(dirfd, &is_torn);

	assert_string_equal(found, wanted);
	assert_int_equal(is_torn, torn);
}

static void store(int dirfd, const char *payload)
{
	struct error err = {};

	if (record_store(dirfd, "r", payload, &err) != 0)
		fail_msg("%s", err.text);
}

static void the_newest_is_loaded(void **state)
{
	int dirfd = check_dirfd(state);
	char *none = NULL;

	assert_int_equal(record_load(dirfd, "r", &none, NULL, NULL), RECORD_EMPTY);
	assert_null(none);
	for (uint64_t i = 0; i < 20; i++) {
		_cleanup_free_ char *back = NULL;
		uint64_t sequence = 0;
		char payload[32];

		(void)snprintf(payload, sizeof(payload), "payload %d\n", (int)i);
		store(dirfd, payload);
		assert_int_equal(record_load(dirfd, "r", &back, &sequence, NULL), 0);
		assert_string_equal(back, payload);
		assert_true(sequence == i + 2);
	}
}

static void a_payload_has_a_bound(void **state)
{
	int dirfd = check_dirfd(state);
	char payload[RECORD_PAYLOAD_MAX + 2];
	struct error err = {};

	memset(payload, 'x', sizeof(payload));
	payload[RECORD_PAYLOAD_MAX] = '\0';
	store(dirfd, payload);
	check_load(dirfd, payload, false);
	store(dirfd, "");
	check_load(dirfd, "", false);
	payload[RECORD_PAYLOAD_MAX] = 'x';
	payload[RECORD_PAYLOAD_MAX + 1] = '\0';
	check_error(record_store(dirfd, "r", payload, &err), &err, FAULT_NO_SPACE, "r");
	check_load(dirfd, "", false);
}

static void what_is_no_record_file_is_refused(void **state)
{
	int dirfd = check_dirfd(state);
	struct error err = {};
	char *payload = NULL;

	check_error(record_load(dirfd, "none", &payload, NULL, &err), &err, FAULT_CONFIG,
		    "flipslot init");
	check_error(record_store(dirfd, "none", "x", &err), &err, FAULT_CONFIG, "flipslot init");
	check_write(dirfd, "short", "x", 1);
	check_error(record_load(dirfd, "short", &payload, NULL, &err), &err, FAULT_CORRUPT,
		    "short");
	assert_int_equal(symlinkat("r", dirfd, "link"), 0);
	check_error(record_load(dirfd, "link", &payload, NULL, &err), &err, FAULT_INTERNAL, "link");
	assert_int_equal(mkdirat(dirfd, "d", 0700), 0);
	check_error(record_load(dirfd, "d", &payload, NULL, &err), &err, FAULT_CORRUPT, "d");
	assert_null(payload);
}

/* The files before and after the store of "new" as the store of that number (from 0). */
struct step {
	char before[RECORD_FILE_SIZE];
	char after[RECORD_FILE_SIZE];
	const char *old; /* what is loaded before */
};

static void take_step(int dirfd, int number, struct step *ret)
{
	char *zeroes = calloc(1, RECORD_FILE_SIZE);

	assert_non_null(zeroes);
	put_file(dirfd, zeroes);
	free(zeroes);
	for (int i = 0; i < number; i++)
		store(dirfd, i + 1 < number ? "before old" : "old");
	get_file(dirfd, ret->before);
	store(dirfd, "new");
	get_file(dirfd, ret->after);
	ret->old = number > 0 ? "old" : "";
}

/* It is the old one or the new one; and the next store heals whatever was torn. */
static void check_old_or_new(int dirfd, const struct step *step, const char *bytes)
{
	bool torn = false;
	_cleanup_free_ char *found = NULL;

	put_file(dirfd, bytes);
	found = load(dirfd, &torn);
	assert_true(strcmp(found, step->old) == 0 || strcmp(found, "new") == 0);
	store(dirfd, "next");
	check_load(dirfd, "next", false);
}

/* The first store writes both blocks, one after the other; the others one: in steps of 64 bytes. */
static void a_write_cut_off_at_any_byte_leaves_old_or_new(void **state)
{
	int dirfd = check_dirfd(state);
	static struct step step;
	static char bytes[RECORD_FILE_SIZE];

	for (int number = 0; number < 4; number++) {
		take_step(dirfd, number, &step);
		for (size_t size = 0; size <= sizeof(bytes);
		     size += size % RECORD_BLOCK < 256 ? 1 : 61) {
			memcpy(bytes, step.before, sizeof(bytes));
			memcpy(bytes, step.after, size);
			check_old_or_new(dirfd, &step, bytes);
		}
	}
}

/* A disk may write the sectors of the block in any order, and leave anything in one of them. */
static void a_write_torn_in_any_way_leaves_old_or_new(void **state)
{
	int dirfd = check_dirfd(state);
	static struct step step;
	static char bytes[RECORD_FILE_SIZE];

	for (int round = 0; round < 300; round++) {
		take_step(dirfd, 1 + (int)check_below(3), &step);
		memcpy(bytes, step.before, sizeof(bytes));
		for (size_t at = 0; at < sizeof(bytes); at += 64) {
			if (memcmp(step.before + at, step.after + at, 64) == 0)
				continue;
			if (check_below(2))
				memcpy(bytes + at, step.after + at, 64);
			else if (check_below(2))
				memset(bytes + at, (int)check_random(), 64);
		}
		check_old_or_new(dirfd, &step, bytes);
	}
}

/* Which block a change is in decides which of the two is left. */
static void any_changed_byte_leaves_the_other_record(void **state)
{
	int dirfd = check_dirfd(state);
	static struct step step;

	take_step(dirfd, 2, &step); /* "new" is sequence 4: the second block */
	for (size_t at = 0; at < RECORD_FILE_SIZE; at += at % RECORD_BLOCK < 128 ? 1 : 127) {
		step.after[at] ^= 0x20;
		put_file(dirfd, step.after);
		check_load(dirfd, at < RECORD_BLOCK ? "new" : "old", true);
		step.after[at] ^= 0x20;
	}
}

static void two_damaged_records_are_corrupt_until_stored_anew(void **state)
{
	int dirfd = check_dirfd(state);
	static struct step step;
	static char bytes[RECORD_FILE_SIZE];

	take_step(dirfd, 2, &step);
	step.after[100] ^= 1;
	step.after[RECORD_BLOCK + 100] ^= 1;
	put_file(dirfd, step.after);
	check_load(dirfd, "!", false);
	store(dirfd, "anew");
	check_load(dirfd, "anew", false);

	/* zeroes in the first block alone come from no write that was cut off */
	memcpy(bytes + RECORD_BLOCK, step.after + RECORD_BLOCK, RECORD_BLOCK);
	put_file(dirfd, bytes);
	check_load(dirfd, "!", false);
}

static void a_record_in_the_other_place_does_not_count(void **state)
{
	int dirfd = check_dirfd(state);
	static struct step step;
	static char bytes[RECORD_FILE_SIZE];

	take_step(dirfd, 2, &step);
	memcpy(bytes, step.after + RECORD_BLOCK, RECORD_BLOCK);
	memcpy(bytes + RECORD_BLOCK, step.after, RECORD_BLOCK);
	put_file(dirfd, bytes);
	check_load(dirfd, "!", false);
}

static int store_new(void *data)
{
	return record_store(*(int *)data, "r", "new", NULL);
}

static void each_call_may_fail(void **state)
{
	int dirfd = check_dirfd(state);
	static struct step step;
	int n_calls = 1;

	for (int number = 0; number < 3; number++) {
		take_step(dirfd, number, &step);
		for (int n = 1; n <= n_calls; n++) {
			struct error err = {};
			int r;

			put_file(dirfd, step.before);
			calls_begin(n, n % 2 ? EIO : ENOSPC, 0);
			r = record_store(dirfd, "r", "new", &err);
			n_calls = calls_end();
			if (n <= n_calls)
				check_error(r, &err, n % 2 ? FAULT_INTERNAL : FAULT_NO_SPACE, "r");
			get_file(dirfd, step.after);
			check_old_or_new(dirfd, &step, step.after);
			n_calls += n == n_calls;
		}
	}
}

static void each_call_may_be_the_last(void **state)
{
	int dirfd = check_dirfd(state);
	static struct step step;

	for (int number = 0; number < 3; number++) {
		bool killed = true;

		take_step(dirfd, number, &step);
		for (int n = 1; killed; n++) {
			put_file(dirfd, step.before);
			calls.torn = 1 + check_below(2 * RECORD_BLOCK);
			killed = calls_killed(n, store_new, &dirfd);
			get_file(dirfd, step.after);
			check_old_or_new(dirfd, &step, step.after);
		}
	}
}

static void every_write_is_synced_before_the_next(void **state)
{
	int dirfd = check_dirfd(state);

	calls_begin(0, 0, 0);
	store(dirfd, "first");
	(void)calls_end();
	assert_non_null(strstr(calls.log, "openat pwrite fdatasync pwrite fdatasync "));
	calls_begin(0, 0, 0);
	store(dirfd, "second");
	(void)calls_end();
	assert_string_equal(calls.log, "openat pwrite fdatasync ");
}

/* The newest is no less the newest. */
static void a_read_that_fails_once_is_made_again(void **state)
{
	int dirfd = check_dirfd(state);

	store(dirfd, "first");
	store(dirfd, "second");
	for (int n = 1; n <= 2; n++) {
		reads_fail(n, 1);
		check_load(dirfd, "second", false);
	}
	reads_fail(0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_with_file(the_newest_is_loaded),
		check_with_file(a_payload_has_a_bound),
		check_with_file(what_is_no_record_file_is_refused),
		check_with_file(a_write_cut_off_at_any_byte_leaves_old_or_new),
		check_with_file(a_write_torn_in_any_way_leaves_old_or_new),
		check_with_file(any_changed_byte_leaves_the_other_record),
		check_with_file(two_damaged_records_are_corrupt_until_stored_anew),
		check_with_file(a_record_in_the_other_place_does_not_count),
		check_with_file(each_call_may_fail),
		check_with_file(each_call_may_be_the_last),
		check_with_file(every_write_is_synced_before_the_next),
		check_with_file(a_read_that_fails_once_is_made_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
