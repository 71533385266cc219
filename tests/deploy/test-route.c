/* The way to a release, and the next one where it does not lead to the end. */
#include "deploy/route.h"

#include <errno.h>

#include "repo.h"

static void where_it_is_missing_there_is_another_way(void **state)
{
	shell(check_fd, "find repo/blobs/sha256 -type f -size -100k -delete");
	repo_stage();
	assert_true(app_told(EVENT_NOTE, "files reused") == 1);
}

static void that_way_may_be_refused(void **state)
{
	app_options.source.way = (struct way_policy){ .delta = WAY_PREFER, .fallback = 0 };
	shell(check_fd, "rm -rf repo/blobs");
	check_error(update_stage(&repo_watcher, &repo_err), &repo_err, FAULT_CONFIG,
		    "Fallback=refuse");
	assert_false(repo_watcher.touched);
}

static void without_deltas_it_is_the_full_archive(void **state)
{
	app_options.source.way.delta = WAY_OFF;
	repo_stage();
	assert_true(repo_watcher.fetched > 2500000);
}

static void a_day_has_so_many_bytes(void **state)
{
	app_options.source.max_bytes_per_day = repo_session.checked.day_bytes + 2000000;
	app_options.source.way.delta = WAY_OFF;
	assert_int_equal(update_stage(&repo_watcher, &repo_err), -EDQUOT);
	assert_true(repo_watcher.exhausted);
	assert_int_equal(repo_watcher.fetched, 2000000);
	repo_watcher = (struct watcher){ .session = &repo_session };
	assert_int_equal(update_stage(&repo_watcher, &repo_err), -EDQUOT);
	assert_int_equal(repo_watcher.requests, 0);
	repo_session.checked.day--; /* it was yesterday */
	assert_int_equal(checked_store(check_fd, &repo_session.checked, NULL), 0);
	repo_watcher = (struct watcher){ .session = &repo_session };
	repo_stage();
	assert_true(repo_watcher.fetched < 1600000);
}

#define route_test(test) cmocka_unit_test_setup_teardown(test, repo_setup_update, repo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		route_test(where_it_is_missing_there_is_another_way),
		route_test(that_way_may_be_refused),
		route_test(without_deltas_it_is_the_full_archive),
		route_test(a_day_has_so_many_bytes),
	};

	return repo_find_program() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
