/* The full archive of a release into the slot while it arrives, by the real program's fetch helper. */
#include "deploy/full.h"

#include "deploy/assess.h"
#include "deploy/blob.h"
#include "deploy/source.h"
#include "install/scrub.h"
#include "release/pieces.h"
#include "repo.h"

static struct offer *offer;

static int setup(void **state)
{
	struct source_release release = {};
	struct error err = {};
	int r = repo_setup(state);

	repo_add("1.0");
	if (source_refresh(&repo_session, "id", "", &release, &err) < 0)
		fail_msg("%s", err.text);
	offer = release.offer;
	assert_int_equal(offer->n_pieces, 3);
	return r;
}

static int teardown(void **state)
{
	offer_free(offer);
	return repo_teardown(state);
}

static void check_staged(void)
{
	struct descriptor descriptor;
	uint64_t differences = 1;

	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	assert_string_equal(descriptor.version, "1.0");
	assert_int_equal(descriptor.origin, ORIGIN_SIGNED);
	assert_int_equal(descriptor.sequence, 1);
	assert_int_equal(descriptor.bytes, 2500010);
	assert_int_equal(descriptor.files, 5);
	assert_true(digest_equal(&descriptor.index, &offer->index));
	assert_int_equal(scrub_slot(check_fd, SLOT_B, NULL, NULL, NULL, &differences, NULL), 0);
	assert_int_equal(differences, 0);
}

static void it_is_unpacked_as_it_comes(void **state)
{
	struct error err = {};

	if (full_stage(&repo_watcher, offer, false, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(repo_watcher.touched);
	check_staged();
}

/* The blob's n-th byte is another one. */
static void spoil(size_t at)
{
	char name[128];
	char hex[DIGEST_HEX_MAX];
	_cleanup_close_ int fd = -1;
	uint8_t byte;

	(void)snprintf(name, sizeof(name), "repo/blobs/sha256/%s",
		       digest_to_hex(&offer->full, hex));
	assert_int_equal(fchmodat(check_fd, name, 0644, 0), 0);
	fd = openat(check_fd, name, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void nothing_is_touched_before_the_first_piece(void **state)
{
	struct error err = {};

	(void)app_seal(SLOT_B, "0.8");
	spoil(5);
	check_error(full_stage(&repo_watcher, offer, false, &err), &err, FAULT_UNTRUSTED,
		    "not what the metadata promises");
	assert_false(repo_watcher.touched);
	assert_int_equal(seal_peek(check_fd, SLOT_B, &(struct descriptor){}, NULL), 0);
}

static void what_was_verified_is_not_fetched_again(void **state)
{
	struct error err = {};

	(void)app_seal(SLOT_B, "0.8");
	spoil(2 * PIECES_SIZE + 5);
	check_error(full_stage(&repo_watcher, offer, false, &err), &err, FAULT_UNTRUSTED,
		    "not what the metadata promises");
	/* perhaps the thread that unpacks had not begun yet */
	if (!repo_watcher.touched)
		assert_int_equal(seal_peek(check_fd, SLOT_B, &(struct descriptor){}, NULL), 0);
	spoil(5); /* who asks for the first piece again gets a wrong one */
	spoil(2 * PIECES_SIZE + 5);
	if (full_stage(&repo_watcher, offer, false, &err) < 0)
		fail_msg("%s", err.text);
	check_staged();
	assert_int_equal(blob_count_kept(&repo_session, offer), offer->full_length);
}

static bool may_forget(void)
{
	_cleanup_assess_ struct assessment assessment = { .watcher = &repo_watcher,
							  .offer = offer };

	assert_int_equal(assess_run(&assessment, NULL), 0);
	return assess_may_forget(&assessment);
}

/* The sync is under way: as the power or a kill leaves it, with a file that did not get to the disk. */
static void die_in_the_sync(void)
{
	shell(check_fd, "rm slots/b.seal; rm slots/b/d/f");
	repo_watcher = (struct watcher){ .session = &repo_session };
	repo_session.state.transaction.fetched = 0;
}

/* The archive is given up before the sync: what is in the slot then is not fetched again. */
static void check_a_kill_in_the_sync(void)
{
	assert_true(may_forget());
	if (full_stage(&repo_watcher, offer, true, &repo_err) < 0)
		fail_msg("%s", repo_err.text);
	assert_int_equal(blob_count_kept(&repo_session, offer), 0);
	die_in_the_sync();
	assert_false(may_forget());
	if (update_stage(&repo_watcher, &repo_err) != 0)
		fail_msg("%s", repo_err.text);
	check_staged();
	assert_true(repo_watcher.fetched < 5000);
}

static void a_kill_in_the_sync_costs_a_head(void **state)
{
	check_a_kill_in_the_sync();
}

static void nor_does_it_in_a_first_install(void **state)
{
	repo_session.state.transaction.origin = SLOT_NONE;
	check_a_kill_in_the_sync();
}

/* Nothing is given up that there is no other way to. */
static void without_blocks_it_is_kept_to_the_end(void **state)
{
	app_options.source.way.delta = WAY_OFF;
	assert_false(may_forget());
	app_options.source.way.delta = WAY_PREFER;
	assert_true(may_forget());
	repo_session.state.transaction.origin = SLOT_NONE;
	for (size_t i = 0; i < offer->n_bundles; i++)
		offer->bundles[i].head = offer->full_length / 2;
	assert_false(may_forget());
	offer->n_bundles = 0;
	assert_false(may_forget());
	if (full_stage(&repo_watcher, offer, false, &repo_err) < 0)
		fail_msg("%s", repo_err.text);
	assert_int_equal(blob_count_kept(&repo_session, offer), offer->full_length);
}

static void another_tree_than_promised_gets_no_seal(void **state)
{
	struct error err = {};

	offer->index = app_digest("another");
	check_error(full_stage(&repo_watcher, offer, false, &err), &err, FAULT_CORRUPT,
		    "unpacks to something else");
	assert_int_equal(seal_peek(check_fd, SLOT_B, &(struct descriptor){}, NULL), SEAL_ABSENT);
}

static void more_than_promised_is_not_written(void **state)
{
	struct error err = {};

	offer->bytes = 1000;
	check_error(full_stage(&repo_watcher, offer, false, &err), &err, FAULT_NO_SPACE,
		    "unpacked bytes");
	assert_int_equal(faccessat(check_fd, "slots/b/large", F_OK, 0), -1);
}

static void what_is_too_large_is_not_begun(void **state)
{
	struct error err = {};

	app_options.stage.max_archive_bytes = offer->full_length - 1;
	check_error(full_stage(&repo_watcher, offer, false, &err), &err, FAULT_NO_SPACE,
		    "MaxArchive=");
	assert_int_equal(faccessat(check_fd, LAYOUT_STAGING, F_OK, 0), -1);
}

#define full_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		full_test(it_is_unpacked_as_it_comes),
		full_test(nothing_is_touched_before_the_first_piece),
		full_test(what_was_verified_is_not_fetched_again),
		full_test(a_kill_in_the_sync_costs_a_head),
		full_test(nor_does_it_in_a_first_install),
		full_test(without_blocks_it_is_kept_to_the_end),
		full_test(another_tree_than_promised_gets_no_seal),
		full_test(more_than_promised_is_not_written),
		full_test(what_is_too_large_is_not_begun),
	};

	return repo_find_program() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
