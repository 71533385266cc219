/* What a repair lacks, block by block, by the real program's fetch helper from a folder. */
#include "deploy/blocks.h"

#include "repo.h"

static struct salvage *salvage;
static struct descriptor descriptor;
static struct error why;

/* 1.0 came from the repository, is in slot b, and has rotted in two places. */
static int setup(void **state)
{
	int r = repo_setup(state);

	why = (struct error){};
	shell(check_fd, "head -c 9000000 /dev/urandom >tree/larger");
	repo_add("1.0");
	if (update_stage(&repo_watcher, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	repo_watcher = (struct watcher){ .session = &repo_session };
	shell(check_fd, "for f in d/f large; do cp -p slots/b/$f was\n"
			"printf rots | dd of=slots/b/$f bs=1 seek=1 conv=notrunc 2>/dev/null\n"
			"touch -r was slots/b/$f; done; rm was");
	assert_int_equal(salvage_new(check_fd, SLOT_B, NULL, &salvage, NULL), 0);
	assert_int_equal(salvage_count_wanted(salvage, NULL), 2);
	return r;
}

static int teardown(void **state)
{
	salvage_free(salvage);
	return repo_teardown(state);
}

static int get(void)
{
	why = (struct error){};
	return blocks_get(&repo_watcher, salvage, &why);
}

static const char *blob(void)
{
	static char path[128] = "repo/blobs/sha256/";

	(void)digest_to_hex(&descriptor.blocks.blob, path + strlen("repo/blobs/sha256/"));
	return path;
}

static void what_has_rotted_is_fetched_and_no_more(void **state)
{
	uint64_t differences = 1;

	if (get() != 0)
		fail_msg("%s", why.text);
	assert_int_equal(salvage_count_wanted(salvage, NULL), 0);
	assert_in_range(repo_watcher.fetched, 2500000, 2600000); /* of 11.5 million */
	assert_in_range(repo_watcher.requests, 2, 3);
	if (salvage_finish(salvage, 0, &why) < 0)
		fail_msg("%s", why.text);
	assert_int_equal(scrub_slot(check_fd, SLOT_B, NULL, NULL, NULL, &differences, NULL), 0);
	assert_int_equal(differences, 0);
	shell(check_fd, "cmp tree/large slots/b/large; test -z \"$(ls staging)\"");
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	assert_false(digest_is_null(&descriptor.blocks.blob)); /* the next time, too */
}

static void a_source_that_has_it_no_more(void **state)
{
	assert_int_equal(unlinkat(check_fd, blob(), 0), 0);
	assert_int_equal(get(), BLOCKS_NONE);
	assert_int_equal(salvage_count_wanted(salvage, NULL), 2);
}

/* In its head, at its end: the last block is of large. */
static void what_is_not_what_was_promised(void **state)
{
	assert_int_equal(setenv("BLOB", blob(), 1), 0);
	shell(check_fd, "chmod u+w $BLOB; cp $BLOB was\n"
			"printf xxxx | dd of=$BLOB bs=1 seek=20 conv=notrunc 2>/dev/null");
	check_error(get(), &why, FAULT_UNTRUSTED, "blobs/sha256/");
	assert_int_equal(salvage_count_wanted(salvage, NULL), 2);
	shell(check_fd, "cat was >$BLOB; size=$(stat -c %s $BLOB)\n"
			"head -c $((size - 300)) /dev/zero | dd of=$BLOB bs=64k seek=300 "
			"oflag=seek_bytes iflag=fullblock conv=notrunc 2>/dev/null");
	check_error(get(), &why, FAULT_UNTRUSTED, "");
}

static void a_source_that_ends_too_early(void **state)
{
	assert_int_equal(setenv("BLOB", blob(), 1), 0);
	shell(check_fd, "chmod u+w $BLOB; truncate -s 4000 $BLOB");
	assert_true(get() < 0);
	assert_int_equal(why.fault, FAULT_NETWORK);
}

/* A seal of an older version, or a release that was published without. */
static void a_seal_that_names_none(void **state)
{
	salvage_free(TAKE_PTR(salvage));
	descriptor.blocks = (struct descriptor_blocks){};
	(void)app_seal_as(SLOT_B, descriptor);
	assert_int_equal(salvage_new(check_fd, SLOT_B, NULL, &salvage, NULL), 0);
	assert_int_equal(get(), BLOCKS_NONE);
	assert_int_equal(repo_watcher.requests, 0);
}

static void what_is_barred(void **state)
{
	app_options.source.url = NULL;
	check_error(get(), &why, FAULT_CONFIG, "no source any more");
}

static void it_must_fit(void **state)
{
	app_options.stage.reserve_bytes = UINT64_MAX / 2;
	check_error(get(), &why, FAULT_NO_SPACE, "");
	assert_int_equal(repo_watcher.requests, 0);
}

#define blocks_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		blocks_test(what_has_rotted_is_fetched_and_no_more),
		blocks_test(a_source_that_has_it_no_more),
		blocks_test(what_is_not_what_was_promised),
		blocks_test(a_source_that_ends_too_early),
		blocks_test(a_seal_that_names_none),
		blocks_test(what_is_barred),
		blocks_test(it_must_fit),
	};

	return repo_find_program() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
