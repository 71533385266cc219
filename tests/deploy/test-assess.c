/* LDFLAGS: -Wl,--wrap=decode_head */
/* What the ways to a release cost, over a repository in a folder. */
#include "deploy/assess.h"

#include "deploy/delta.h"
#include "deploy/full.h"
#include "deploy/source.h"
#include "deploy/update.h"
#include "install/decode-head.h"
#include "repo.h"

static struct offer *offer;
static struct error err;
static int full; /* what decode_head meets instead: the errno of a disk that is */
static bool later; /* the head is one of a later version */

__typeof__(decode_head) __real_decode_head, __wrap_decode_head;

int __wrap_decode_head(const struct decode_head *what, const void *head, size_t size,
		       struct bundle **ret_bundle, struct error *error)
{
	_cleanup_free_ uint8_t *bytes = malloc(size);

	assert_non_null(memcpy(bytes, head, size));
	bytes[0] |= later ? 0x40 : 0;
	return full ? error_code(error, -full, "making room to unpack") :
		      __real_decode_head(what, bytes, size, ret_bundle, error);
}

/* 1.0 runs, 2.0 is offered. */
static int setup(void **state)
{
	struct source_release release = {};
	int r = repo_setup(state);

	err = (struct error){};
	offer = NULL;
	full = 0;
	later = false;
	shell(check_fd, "for i in $(seq 100); do seq $i >tree/d/$i; done");
	repo_add("1.0");
	if (update_stage(&repo_watcher, &err) != 0)
		fail_msg("%s", err.text);
	repo_turn();
	shell(check_fd, "echo another >tree/d/7; rm tree/d/8");
	repo_add("2.0");
	if (source_refresh(&repo_session, "id", "", &release, &err) != 0)
		fail_msg("%s", err.text);
	offer = release.offer;
	return r;
}

static int teardown(void **state)
{
	offer_free(offer);
	return repo_teardown(state);
}

static void assess(struct assessment *assessment)
{
	assessment->watcher = &repo_watcher;
	assessment->offer = offer;
	if (assess_run(assessment, &err) < 0)
		fail_msg("%s", err.text);
}

static bool has_heads(void)
{
	return faccessat(check_fd, "staging/update.head", F_OK, 0) == 0;
}

/* To its end, but for the last word; the heads that there are when the seal is made. */
static bool stage_and_look(void)
{
	_cleanup_assess_ struct assessment assessment = { .keep = true };
	struct descriptor descriptor = full_describe(&repo_watcher, offer);
	const char *why = NULL;

	assess(&assessment);
	assert_true(has_heads());
	if (delta_stage(&assessment, WAY_UPDATE, &descriptor, &why, &err) != 0)
		fail_msg("%s", why ? why : err.text);
	return has_heads();
}

/* They need not reach the disk; should the worker be killed in the sync, they are kept the next time. */
static void heads_are_given_up_before_the_sync_once(void **state)
{
	assert_false(stage_and_look());
	shell(check_fd, "rm slots/a.seal");
	{
		_cleanup_assess_ struct assessment assessment = { .keep = true };

		assess(&assessment);
	}
	assert_true(stage_and_look());
}

static const struct way_cost *cost(const struct assessment *assessment, enum way_kind kind)
{
	return &assessment->question.costs[kind];
}

static void an_update_is_cheap_and_blocks_are_not_even_looked_at(void **state)
{
	_cleanup_assess_ struct assessment assessment = {};
	const struct offer_bundle *bundle;

	assess(&assessment);
	bundle = offer_find_bundle(offer, &assessment.running.descriptor.index);
	assert_non_null(bundle);
	assert_null(cost(&assessment, WAY_UPDATE)->why_not);
	assert_int_equal(cost(&assessment, WAY_UPDATE)->fetch_bytes, bundle->length);
	assert_int_equal(cost(&assessment, WAY_UPDATE)->requests, 1);
	assert_int_equal(assessment.figures.wanted_files, 1);
	assert_non_null(strstr(cost(&assessment, WAY_BLOCKS)->why_not, "not smaller"));
	assert_int_equal(cost(&assessment, WAY_FULL)->fetch_bytes, offer->full_length);
	assert_int_equal(cost(&assessment, WAY_FULL)->requests, 1);
	assert_true(assessment.question.installed);
}

/* However small its head is. */
static void who_can_update_fetches_no_other_head(void **state)
{
	_cleanup_assess_ struct assessment assessment = { .keep = true };

	for (size_t i = 0; i < offer->n_bundles; i++)
		if (digest_is_null(&offer->bundles[i].from))
			offer->bundles[i].head = 1;
	assess(&assessment);
	assert_null(cost(&assessment, WAY_UPDATE)->why_not);
	assert_non_null(strstr(cost(&assessment, WAY_BLOCKS)->why_not, "not smaller"));
	assert_int_equal(repo_watcher.requests, 1);
}

static void nothing_is_left_behind_if_it_is_only_asked(void **state)
{
	_cleanup_assess_ struct assessment assessment = {};

	assess(&assessment);
	shell(check_fd, "test -z \"$(ls staging)\"");
}

static void without_an_update_the_blocks_are_weighed(void **state)
{
	_cleanup_assess_ struct assessment assessment = { .keep = true };

	assessment.ruled_out[WAY_UPDATE] = "for a test";
	assess(&assessment);
	assert_string_equal(cost(&assessment, WAY_UPDATE)->why_not, "for a test");
	assert_null(cost(&assessment, WAY_BLOCKS)->why_not);
	assert_int_equal(cost(&assessment, WAY_BLOCKS)->requests, 1);
	assert_true(cost(&assessment, WAY_BLOCKS)->fetch_bytes < 1000);
	assert_int_equal(faccessat(check_fd, LAYOUT_STAGING "/blocks.head", F_OK, 0), 0);
}

/* What an update does then: nothing is asked for again. */
static void a_head_that_is_kept_is_not_fetched_again(void **state)
{
	_cleanup_assess_ struct assessment first = { .keep = true };
	_cleanup_assess_ struct assessment assessment = {};

	assess(&first);
	assess(&assessment);
	assert_null(cost(&assessment, WAY_UPDATE)->why_not);
	assert_int_equal(cost(&assessment, WAY_UPDATE)->fetch_bytes, 0);
	assert_int_equal(cost(&assessment, WAY_UPDATE)->requests, 0);
	assert_true(cost(&assessment, WAY_UPDATE)->peak_bytes <
		    cost(&first, WAY_UPDATE)->peak_bytes);
	assert_int_equal(cost(&assessment, WAY_UPDATE)->peak_inodes + 1,
			 cost(&first, WAY_UPDATE)->peak_inodes);
}

/* The head is there besides all else, and so it is where the update is only planned. */
static void the_head_takes_room(void **state)
{
	_cleanup_assess_ struct assessment assessment = {};
	uint64_t block;

	assess(&assessment);
	block = assessment.space.block_size;
	assert_true(cost(&assessment, WAY_UPDATE)->peak_bytes >=
		    assessment.figures.peak_bytes + block);
	assert_true(cost(&assessment, WAY_UPDATE)->write_bytes >=
		    assessment.figures.write_bytes + block);
	assert_int_equal(cost(&assessment, WAY_UPDATE)->peak_inodes,
			 assessment.figures.peak_inodes + 1);
}

/* On a slow line its front is there first, in another file (deploy/partial.h). */
static void and_so_does_its_front(void **state)
{
	_cleanup_assess_ struct assessment assessment = {};
	uint64_t block;

	assess(&assessment);
	block = assessment.space.block_size;
	assert_true(cost(&assessment, WAY_UPDATE)->write_bytes >=
		    assessment.figures.write_bytes + 2 * block);
	assert_true(cost(&assessment, WAY_UPDATE)->peak_bytes >= 2 * block);
}

/* Its length is in the metadata: another way may still go. */
static void a_head_that_there_is_no_room_for_is_not_fetched(void **state)
{
	_cleanup_assess_ struct assessment assessment = { .keep = true };

	app_options.stage.reserve_bytes = UINT64_MAX / 2;
	assess(&assessment);
	app_options.stage.reserve_bytes = 0;
	assert_string_equal(cost(&assessment, WAY_UPDATE)->why_not,
			    "there is no room for its head");
	assert_string_equal(cost(&assessment, WAY_BLOCKS)->why_not,
			    "there is no room for its head");
	assert_null(cost(&assessment, WAY_FULL)->why_not);
	assert_int_equal(repo_watcher.requests, 0);
	assert_false(has_heads());
}

/* Where much comes with the head it lies in a file of its own before it is in its place. */
static void what_came_with_the_head_takes_room(void **state)
{
	_cleanup_assess_ struct assessment assessment = {};
	struct source_release release = {};

	shell(check_fd,
	      "mkdir tree/many; for i in $(seq 900); do seq $i $((i + 800)) >tree/many/$i; done");
	repo_add("3.0");
	offer_free(offer);
	offer = NULL;
	assert_int_equal(source_refresh(&repo_session, "id", "", &release, &err), 0);
	offer = release.offer;
	assess(&assessment);
	assert_null(cost(&assessment, WAY_UPDATE)->why_not);
	assert_non_null(assessment.bundles[WAY_UPDATE]->scratch);
	assert_true(cost(&assessment, WAY_UPDATE)->peak_bytes >=
		    assessment.figures.peak_bytes + 900 * 2500);
}

/* Of many files each says its version; there is only the bundle that starts from any of several releases. */
static void say_version(const char *version)
{
	assert_int_equal(setenv("VERSION", version, 1), 0);
	shell(check_fd,
	      "mkdir -p tree/many; for i in $(seq 300); do\n"
	      "{ seq $i $((i + 1200)); echo $VERSION; seq $i $((i + 1200)); } >tree/many/$i; done\n"
	      "$FLIPSLOT repo add repo tree --app gw --version $VERSION --level 1 --deltas 0 "
	      ">out 2>&1 || { cat out; exit 1; }\n"
	      "chmod -R a+rX repo");
}

/* The old ones lie in that file, too, while the head is unpacked: more than a slot that has such files already grows by. */
static void what_is_unpacked_takes_room_with_what_it_is_made_of(void **state)
{
	static const char *const before[] = { "3.0", "4.0" };
	_cleanup_assess_ struct assessment assessment = {};
	struct source_release release = {};
	const struct bundle *bundle;

	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		say_version(before[i]);
		assert_int_equal(update_stage(&repo_watcher, &err), 0);
		repo_turn();
	}
	say_version("5.0");
	offer_free(offer);
	offer = NULL;
	assert_int_equal(source_refresh(&repo_session, "id", "", &release, &err), 0);
	offer = release.offer;
	assess(&assessment);
	assert_null(cost(&assessment, WAY_UPDATE)->why_not);
	bundle = assessment.bundles[WAY_UPDATE];
	assert_non_null(bundle->scratch);
	assert_true(scratch_is_file(bundle->scratch));
	assert_true(cost(&assessment, WAY_UPDATE)->peak_bytes >= scratch_size(bundle->scratch));
}

/* 3.0 has a large file that is new, which stands behind the head. */
static const struct offer_bundle *offer_more(void)
{
	struct source_release release = {};

	shell(check_fd, "head -c 6000000 /dev/urandom >tree/another");
	repo_add("3.0");
	offer_free(offer);
	offer = NULL;
	assert_int_equal(source_refresh(&repo_session, "id", "", &release, &err), 0);
	offer = release.offer;
	return offer_find_bundle(offer, &repo_session.state.good.digest);
}

/* As it is fetched. */
static void an_update_with_blocks_behind_its_head_is_one_request(void **state)
{
	_cleanup_assess_ struct assessment assessment = {};
	const struct offer_bundle *bundle = offer_more();

	assess(&assessment);
	assert_non_null(bundle);
	assert_true(bundle->head < bundle->length);
	assert_int_equal(cost(&assessment, WAY_UPDATE)->fetch_bytes, bundle->length);
	assert_int_equal(cost(&assessment, WAY_UPDATE)->requests, 1);
}

/* Most of what is behind the head may not be wanted: planned and done alike. */
static void of_what_the_slot_has_nearly_only_the_head_is_fetched(void **state)
{
	_cleanup_assess_ struct assessment planned = {};
	_cleanup_assess_ struct assessment done = { .keep = true };
	const struct offer_bundle *bundle = offer_more();

	assert_non_null(bundle);
	shell(check_fd,
	      "rm slots/a.seal; cp -p tree/another slots/a/another; chmod 644 slots/a/another");
	assess(&planned);
	assert_int_equal(cost(&planned, WAY_UPDATE)->fetch_bytes, bundle->head);
	assert_int_equal(cost(&planned, WAY_UPDATE)->requests, 1);
	assess(&done);
	assert_null(done.heads[WAY_UPDATE].rest);
	assert_int_equal(cost(&done, WAY_UPDATE)->fetch_bytes, 0);
}

static void what_the_slot_holds_costs_nothing(void **state)
{
	_cleanup_assess_ struct assessment assessment = { .filled = true };

	assess(&assessment);
	for (enum way_kind kind = 0; kind < WAY_MAX; kind++) {
		assert_null(cost(&assessment, kind)->why_not);
		assert_int_equal(cost(&assessment, kind)->fetch_bytes +
					 cost(&assessment, kind)->write_bytes +
					 cost(&assessment, kind)->peak_bytes,
				 0);
	}
	assert_int_equal(repo_watcher.requests, 0);
}

static void a_head_that_is_too_large_is_not_fetched(void **state)
{
	_cleanup_assess_ struct assessment assessment = {};

	assessment.ruled_out[WAY_UPDATE] = "for a test";
	for (size_t i = 0; i < offer->n_bundles; i++)
		offer->bundles[i].head = offer->full_length / 10 + 1;
	assess(&assessment);
	assert_non_null(strstr(cost(&assessment, WAY_BLOCKS)->why_not, "a tenth"));
	assert_int_equal(repo_watcher.requests, 0);
}

/* That is why an update is not possible, and no reason to end; what else goes wrong is. */
static void a_head_that_does_not_fit_is_no_end(void **state)
{
	_cleanup_assess_ struct assessment assessment = {};
	_cleanup_assess_ struct assessment broken = { .watcher = &repo_watcher, .offer = offer };

	full = ENOSPC;
	assess(&assessment);
	assert_non_null(strstr(cost(&assessment, WAY_UPDATE)->why_not, "no room to unpack"));
	assert_null(cost(&assessment, WAY_BLOCKS)->why_not);
	full = EIO;
	check_error(assess_run(&broken, &err), &err, FAULT_INTERNAL, "making room");
}

static void nor_is_one_that_only_a_later_flipslot_reads(void **state)
{
	later = true;
	if (update_stage(&repo_watcher, &err) != 0)
		fail_msg("%s", err.text);
	repo_check("2.0");
	assert_int_equal(app_told(EVENT_WARNING, "of a version that this flipslot does not read"),
			 1);
	assert_true(app_told(EVENT_NOTE, "files reused") >= 1);
	shell(check_fd, "ls staging >out; test ! -s out || { cat out; exit 1; }");
}

static void without_ranges_there_are_no_blocks(void **state)
{
	_cleanup_assess_ struct assessment assessment = { .keep = true, .no_range = true };
	const struct offer_bundle *bundle;

	assess(&assessment);
	bundle = offer_find_bundle(offer, &assessment.running.descriptor.index);
	assert_int_equal(cost(&assessment, WAY_UPDATE)->fetch_bytes, bundle->length - bundle->head);
	assert_true(assess_rest_is_wanted(&assessment, WAY_UPDATE));
	assert_non_null(strstr(cost(&assessment, WAY_BLOCKS)->why_not, "no ranges"));
}

static void over_nothing_only_the_full_archive_is_asked_for(void **state)
{
	_cleanup_assess_ struct assessment assessment = {};

	repo_session.state.transaction.origin = SLOT_NONE;
	assess(&assessment);
	assert_false(assessment.question.installed);
	assert_non_null(cost(&assessment, WAY_UPDATE)->why_not);
	assert_non_null(cost(&assessment, WAY_BLOCKS)->why_not);
	assert_int_equal(repo_watcher.requests, 0);
}

static void what_staging_holds_is_not_counted(void **state)
{
	_cleanup_assess_ struct assessment assessment = {};

	shell(check_fd, "mkdir -p staging; head -c 1100000 /dev/zero >staging/full");
	assess(&assessment);
	assert_int_equal(cost(&assessment, WAY_FULL)->fetch_bytes, offer->full_length - (1 << 20));
}

#define assess_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		assess_test(heads_are_given_up_before_the_sync_once),
		assess_test(an_update_is_cheap_and_blocks_are_not_even_looked_at),
		assess_test(who_can_update_fetches_no_other_head),
		assess_test(nothing_is_left_behind_if_it_is_only_asked),
		assess_test(without_an_update_the_blocks_are_weighed),
		assess_test(a_head_that_is_kept_is_not_fetched_again),
		assess_test(the_head_takes_room),
		assess_test(and_so_does_its_front),
		assess_test(a_head_that_there_is_no_room_for_is_not_fetched),
		assess_test(what_came_with_the_head_takes_room),
		assess_test(what_is_unpacked_takes_room_with_what_it_is_made_of),
		assess_test(an_update_with_blocks_behind_its_head_is_one_request),
		assess_test(of_what_the_slot_has_nearly_only_the_head_is_fetched),
		assess_test(what_the_slot_holds_costs_nothing),
		assess_test(a_head_that_is_too_large_is_not_fetched),
		assess_test(a_head_that_does_not_fit_is_no_end),
		assess_test(nor_is_one_that_only_a_later_flipslot_reads),
		assess_test(without_ranges_there_are_no_blocks),
		assess_test(over_nothing_only_the_full_archive_is_asked_for),
		assess_test(what_staging_holds_is_not_counted),
	};

	return repo_find_program() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
