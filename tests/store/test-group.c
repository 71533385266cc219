/* What the record of a group says, and that it says the same to everybody. */
#include "store/group.h"

#include "../base/check.h"

#include "base/cleanup.h"
#include "base/text.h"

static struct group make(size_t n)
{
	static const char *const names[] = { "db", "api", "web", "log" };
	struct group group = { .round = "round-1", .began = 7 };

	for (size_t i = 0; i < n; i++)
		(void)text_copy(names[i], group.members[i].app, sizeof(group.members[i].app));
	return group;
}

static void all_passed_is_for_all(void **state)
{
	struct group group = make(3);

	(void)state;
	for (unsigned int step = GROUP_JOINED; step <= GROUP_PASSED; step++) {
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(group.verdict, GROUP_OPEN);
			assert_true(group_advance(&group, group.members[i].app, step));
			assert_false(group_advance(&group, group.members[i].app, step));
		}
	}
	assert_int_equal(group.verdict, GROUP_ALL);
	assert_false(group_veto(&group, "db", FAULT_UNHEALTHY, "too late"));
	assert_int_equal(group.verdict, GROUP_ALL);
	assert_string_equal(group.culprit, "");
}

static void the_first_veto_counts_and_stays(void **state)
{
	struct group group = make(2);

	(void)state;
	assert_true(group_veto(&group, "api", FAULT_UNHEALTHY, "HTTP 500"));
	assert_false(group_veto(&group, "db", FAULT_NETWORK, "later"));
	group_advance(&group, "db", GROUP_PASSED);
	group_advance(&group, "api", GROUP_PASSED);
	assert_int_equal(group.verdict, GROUP_NONE);
	assert_string_equal(group.culprit, "api");
	assert_string_equal(group.reason, "HTTP 500");
	assert_int_equal(group.fault, FAULT_UNHEALTHY);
}

/* Whoever has nothing to do, and has ended, does not keep the others. */
static void who_has_ended_has_passed(void **state)
{
	struct group group = make(2);

	(void)state;
	group_advance(&group, "db", GROUP_PASSED);
	group_advance(&group, "db", GROUP_ENDED);
	assert_int_equal(group.verdict, GROUP_OPEN);
	group_advance(&group, "api", GROUP_STAGED);
	assert_true(group_may_switch(&group, "api"));
	group_advance(&group, "api", GROUP_PASSED);
	assert_int_equal(group.verdict, GROUP_ALL);
}

static void they_switch_in_their_order(void **state)
{
	struct group group = make(3);

	(void)state;
	group_advance(&group, "db", GROUP_STAGED);
	group_advance(&group, "api", GROUP_STAGED);
	assert_false(group_may_switch(&group, "db"));
	assert_string_equal(group_find_behind(&group, GROUP_STAGED)->app, "web");
	group_advance(&group, "web", GROUP_STAGED);
	assert_true(group_may_switch(&group, "db"));
	assert_false(group_may_switch(&group, "api"));
	group_advance(&group, "db", GROUP_RUNNING);
	assert_true(group_may_switch(&group, "api"));
	assert_false(group_may_switch(&group, "web"));
	assert_false(group_may_switch(&group, "nobody"));
	group_veto(&group, "db", FAULT_UNHEALTHY, "x");
	assert_false(group_may_switch(&group, "api"));
}

static void it_is_over_when_nobody_is_at_work(void **state)
{
	struct group group = make(2);

	(void)state;
	assert_true(group_is_over(&group));
	for (unsigned int step = GROUP_JOINED; step < GROUP_ENDED; step++) {
		group_advance(&group, "api", step);
		assert_false(group_is_over(&group));
	}
	group_advance(&group, "api", GROUP_ENDED);
	assert_true(group_is_over(&group));
	assert_true(group_has_come(&group, "api", GROUP_PASSED));
	assert_false(group_has_come(&group, "db", GROUP_JOINED));
	assert_false(group_advance(&group, "nobody", GROUP_JOINED));
}

static void it_is_kept(void **state)
{
	int fd = check_dirfd(state);
	_cleanup_close_ int dirfd = -1;
	_cleanup_close_ int lock_fd = -1;
	struct group group = make(4);
	struct group back;

	assert_int_equal(group_open_dir(check_path, "shop", &dirfd, NULL), GROUP_NEVER);
	for (int twice = 0; twice < 2; twice++)
		assert_int_equal(group_create(check_path, "shop", NULL), 0);
	assert_int_equal(faccessat(fd, "shop.group/record", F_OK, 0), 0);
	assert_int_equal(group_open_dir(check_path, "shop", &dirfd, NULL), 0);
	assert_int_equal(group_load(dirfd, &back, NULL), 0);
	assert_string_equal(back.round, "");
	group_advance(&group, "web", GROUP_RUNNING);
	group_veto(&group, "log", FAULT_BUSY, "no\nroom");
	(void)text_copy("alice", group.who, sizeof(group.who));
	assert_int_equal(group_lock(dirfd, &lock_fd, NULL), 0);
	assert_int_equal(group_store(dirfd, &group, NULL), 0);
	assert_int_equal(group_create(check_path, "shop", NULL), 0);
	assert_int_equal(group_load(dirfd, &back, NULL), 0);
	assert_memory_equal(&group, &back, sizeof(group));
}

static void steps_and_verdicts_have_names(void **state)
{
	(void)state;
	for (unsigned int step = 0; step < GROUP_STEP_MAX; step++)
		assert_string_not_equal(group_step_name(step), "unknown");
	for (unsigned int verdict = 0; verdict < GROUP_VERDICT_MAX; verdict++)
		assert_string_not_equal(group_verdict_name(verdict), "unknown");
	assert_string_equal(group_step_name(GROUP_STEP_MAX), "unknown");
	assert_string_equal(group_verdict_name(77), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_passed_is_for_all),
		cmocka_unit_test(the_first_veto_counts_and_stays),
		cmocka_unit_test(who_has_ended_has_passed),
		cmocka_unit_test(they_switch_in_their_order),
		cmocka_unit_test(it_is_over_when_nobody_is_at_work),
		check_in_dir(it_is_kept),
		cmocka_unit_test(steps_and_verdicts_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
