/* LDFLAGS: -Wl,--wrap=fdatasync */
#include "store/scrubbed.h"

#include "base/cleanup.h"
#include "store/layout.h"
#include "laid-out.h"
#include "members.h"

static int store_any(int dirfd, const void *object)
{
	return scrubbed_store(dirfd, object, NULL);
}

static int load_any(int dirfd, void *ret_object)
{
	return scrubbed_load(dirfd, ret_object, NULL);
}

static struct scrubbed example(void)
{
	struct scrubbed scrubbed = { .when = 1795469645000000 };

	scrubbed.slots[SLOT_B] = (struct scrubbed_slot){
		.digest = { { 1, 2, 3 } },
		.installed = 1795460000000000,
		.when = 1795469640000000,
		.differences = 3,
		.first = "lib/x: content differs",
		.id = "6b0d0eb6-4f5b-4d8b-9f3e-0d7d5b0c1a2f",
		.told = true,
		.tried = 1795469641000000,
		.text = "no answer\nfrom there",
	};
	return scrubbed;
}

static void what_is_stored_comes_back(void **state)
{
	const struct scrubbed before = example();
	const struct scrubbed_slot *slot;
	struct scrubbed after;

	memset(&after, 0x55, sizeof(after));
	assert_int_equal(scrubbed_store(check_dirfd(state), &before, NULL), 0);
	assert_int_equal(scrubbed_load(check_dirfd(state), &after, NULL), 0);
	assert_int_equal(after.when, before.when);
	assert_int_equal(after.slots[SLOT_A].when, 0);
	slot = &after.slots[SLOT_B];
	assert_true(digest_equal(&slot->digest, &before.slots[SLOT_B].digest));
	assert_int_equal(slot->differences, 3);
	assert_string_equal(slot->first, "lib/x: content differs");
	assert_string_equal(slot->text, "no answer\nfrom there");
	assert_true(slot->told);
}

/* A member that was added to the struct and forgotten in the table is found here. */
static void every_member_is_kept(void **state)
{
	static struct scrubbed base;
	static struct scrubbed changed;
	static struct scrubbed back;
	static struct scrubbed holes;

	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++) {
		memset(base.slots[slot].first, 'x', sizeof(base.slots[slot].first) - 1);
		memset(base.slots[slot].id, 'x', sizeof(base.slots[slot].id) - 1);
		memset(base.slots[slot].text, 'x', sizeof(base.slots[slot].text) - 1);
	}
	memset(&holes, 0xff, sizeof(holes));
	MEMBERS_CLEAR_PADDING(&holes);
	members_check(check_dirfd(state), &base, &changed, &back, &holes, sizeof(base), store_any,
		      load_any);
}

static void assert_nothing(int dirfd)
{
	static const struct scrubbed nothing;
	struct scrubbed loaded;

	memset(&loaded, 0x55, sizeof(loaded));
	assert_int_equal(scrubbed_load(dirfd, &loaded, NULL), 0);
	assert_int_equal(loaded.when, nothing.when);
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++) {
		assert_int_equal(loaded.slots[slot].when, 0);
		assert_int_equal(loaded.slots[slot].differences, 0);
		assert_true(digest_is_null(&loaded.slots[slot].digest));
	}
}

/* Never written, or an app from before there was such a file. */
static void nothing_gives_zeroes(void **state)
{
	assert_nothing(check_dirfd(state));
	assert_int_equal(unlinkat(check_dirfd(state), LAYOUT_SCRUB, 0), 0);
	assert_nothing(check_dirfd(state));
}

static void damage(int dirfd, off_t at)
{
	int fd = openat(dirfd, LAYOUT_SCRUB, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "?", 1, at), 1);
	assert_int_equal(close(fd), 0);
}

/* The slots are read again then. */
static void a_lost_record_gives_zeroes_and_can_be_written_over(void **state)
{
	int dirfd = check_dirfd(state);
	struct scrubbed scrubbed = example();

	assert_int_equal(scrubbed_store(dirfd, &scrubbed, NULL), 0);
	damage(dirfd, 200);
	damage(dirfd, 8192 + 200);
	assert_nothing(dirfd);
	assert_int_equal(scrubbed_store(dirfd, &scrubbed, NULL), 0);
	assert_int_equal(scrubbed_load(dirfd, &scrubbed, NULL), 0);
	assert_int_equal(scrubbed.slots[SLOT_B].differences, 3);
}

static void an_older_app_gets_its_files(void **state)
{
	const struct scrubbed scrubbed = example();
	int dirfd = check_dirfd(state);
	int fd = -1;

	assert_int_equal(unlinkat(dirfd, LAYOUT_SCRUB, 0), 0);
	assert_int_equal(unlinkat(dirfd, LAYOUT_SCRUB_LOCK, 0), 0);
	assert_int_equal(scrubbed_lock(dirfd, &fd, NULL), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlinkat(dirfd, LAYOUT_SCRUB, 0), 0);
	assert_int_equal(scrubbed_store(dirfd, &scrubbed, NULL), 0);
}

static void one_at_a_time(void **state)
{
	int dirfd = check_dirfd(state);
	int first = -1;
	int second = -1;

	assert_int_equal(scrubbed_lock(dirfd, &first, NULL), 0);
	assert_int_equal(scrubbed_lock(dirfd, &second, NULL), SCRUBBED_BUSY);
	assert_int_equal(close(first), 0);
	assert_int_equal(scrubbed_lock(dirfd, &second, NULL), 0);
	assert_int_equal(close(second), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_with_layout(what_is_stored_comes_back),
		check_with_layout(every_member_is_kept),
		check_with_layout(nothing_gives_zeroes),
		check_with_layout(a_lost_record_gives_zeroes_and_can_be_written_over),
		check_with_layout(an_older_app_gets_its_files),
		check_with_layout(one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
