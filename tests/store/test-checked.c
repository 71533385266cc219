/* LDFLAGS: -Wl,--wrap=fdatasync */
#include "store/checked.h"

#include "base/cleanup.h"
#include "store/layout.h"
#include "laid-out.h"
#include "members.h"

static int store_any(int dirfd, const void *object)
{
	return checked_store(dirfd, object, NULL);
}

static int load_any(int dirfd, void *ret_object)
{
	return checked_load(dirfd, ret_object, NULL);
}

static struct checked example(void)
{
	return (struct checked){
		.id = "6b0d0eb6-4f5b-4d8b-9f3e-0d7d5b0c1a2f",
		.when = 1795469645000000,
		.verified = 1795469640000000,
		.fault = FAULT_NETWORK,
		.text = "no answer\nfrom there",
		.offer = { .digest = { { 1, 2, 3 } }, .version = "1.4", .sequence = 7 },
		.min_sequence = 3,
		.news = true,
	};
}

static void what_is_stored_comes_back(void **state)
{
	const struct checked before = example();
	struct checked after;

	memset(&after, 0x55, sizeof(after));
	assert_int_equal(checked_store(check_dirfd(state), &before, NULL), 0);
	assert_int_equal(checked_load(check_dirfd(state), &after, NULL), 0);
	assert_string_equal(after.id, before.id);
	assert_int_equal(after.when, before.when);
	assert_int_equal(after.verified, before.verified);
	assert_int_equal(after.fault, FAULT_NETWORK);
	assert_string_equal(after.text, before.text);
	assert_true(digest_equal(&after.offer.digest, &before.offer.digest));
	assert_string_equal(after.offer.version, "1.4");
	assert_int_equal(after.offer.sequence, 7);
	assert_int_equal(after.min_sequence, 3);
	assert_true(after.news);
}

/* A member that was added to the struct and forgotten in the table is found here. */
static void every_member_is_kept(void **state)
{
	static struct checked base;
	static struct checked changed;
	static struct checked back;
	static struct checked holes;

	memset(base.id, 'x', sizeof(base.id) - 1);
	memset(base.text, 'x', sizeof(base.text) - 1);
	memset(base.offer.version, 'x', sizeof(base.offer.version) - 1);
	memset(&holes, 0xff, sizeof(holes));
	MEMBERS_CLEAR_PADDING(&holes);
	members_check(check_dirfd(state), &base, &changed, &back, &holes, sizeof(base), store_any,
		      load_any);
}

static void assert_nothing(int dirfd)
{
	static const struct checked nothing;
	struct checked loaded;

	memset(&loaded, 0x55, sizeof(loaded));
	assert_int_equal(checked_load(dirfd, &loaded, NULL), 0);
	assert_int_equal(loaded.when, nothing.when);
	assert_int_equal(loaded.verified, nothing.verified);
	assert_int_equal(loaded.fault, FAULT_NONE);
	assert_string_equal(loaded.id, "");
	assert_string_equal(loaded.text, "");
	assert_true(digest_is_null(&loaded.offer.digest));
	assert_false(loaded.news);
}

/* Never written, or an app from before there was such a file. */
static void nothing_gives_zeroes(void **state)
{
	assert_nothing(check_dirfd(state));
	assert_int_equal(unlinkat(check_dirfd(state), LAYOUT_CHECKED, 0), 0);
	assert_nothing(check_dirfd(state));
}

static void damage(int dirfd, off_t at)
{
	int fd = openat(dirfd, LAYOUT_CHECKED, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "?", 1, at), 1);
	assert_int_equal(close(fd), 0);
}

static void a_torn_record_gives_the_one_before(void **state)
{
	int dirfd = check_dirfd(state);
	struct checked checked = example();

	assert_int_equal(checked_store(dirfd, &checked, NULL), 0);
	checked.offer.sequence = 8;
	assert_int_equal(checked_store(dirfd, &checked, NULL), 0);
	damage(dirfd, 200); /* the first block has the second record */
	assert_int_equal(checked_load(dirfd, &checked, NULL), 0);
	assert_int_equal(checked.offer.sequence, 7);
}

static void a_lost_record_is_said_and_can_be_written_over(void **state)
{
	int dirfd = check_dirfd(state);
	struct checked checked = example();
	struct error err = {};

	assert_int_equal(checked_store(dirfd, &checked, NULL), 0);
	damage(dirfd, 200);
	damage(dirfd, 8192 + 200);
	check_error(checked_load(dirfd, &checked, &err), &err, FAULT_CORRUPT, LAYOUT_CHECKED);
	assert_int_equal(checked_store(dirfd, &checked, NULL), 0);
	assert_int_equal(checked_load(dirfd, &checked, NULL), 0);
	assert_int_equal(checked.offer.sequence, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_with_layout(what_is_stored_comes_back),
		check_with_layout(every_member_is_kept),
		check_with_layout(nothing_gives_zeroes),
		check_with_layout(a_torn_record_gives_the_one_before),
		check_with_layout(a_lost_record_is_said_and_can_be_written_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
