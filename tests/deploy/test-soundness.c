/* The slots are read again: what counts of it, and when it is time. */
#include "deploy/soundness.h"

#include "app.h"
#include "store/durable.h"

#define DAY_USEC (24 * 3600 * USEC_PER_SEC)

static struct state idle_app(void)
{
	struct state state = app_under_way(PHASE_IDLE);

	state.fallback = state.transaction.release; /* in slot b */
	app_store(&state);
	return state;
}

/* The same size, the same time. */
static void rot(enum slot slot)
{
	const struct timespec epoch[2] = {};
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/run", slot_dir_name(slot));
	fd = openat(check_fd, path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "?", 1, 3), 1);
	assert_int_equal(futimens(fd, epoch), 0);
	assert_int_equal(close(fd), 0);
}

static bool scrub(void)
{
	struct error err = {};
	bool damaged = false;

	if (soundness_scrub(check_fd, NULL, &damaged, &err) != 0)
		fail_msg("%s", err.text);
	return damaged;
}

static struct scrubbed_slot found(enum slot slot)
{
	struct scrubbed_slot it = {};

	assert_int_equal(soundness_find(check_fd, slot, &it), 0);
	return it;
}

static void whole_slots_are_whole(void **unused)
{
	(void)idle_app();
	assert_true(soundness_is_due(check_fd, DAY_USEC));
	assert_false(scrub());
	assert_false(soundness_is_due(check_fd, DAY_USEC));
	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++) {
		assert_int_equal(found(slot).differences, 0);
		assert_true(soundness_is_fresh(check_fd, slot, DAY_USEC));
	}
}

static void what_has_rotted_is_found(void **unused)
{
	struct scrubbed_slot it;

	(void)idle_app();
	rot(SLOT_B);
	assert_true(scrub());
	assert_int_equal(found(SLOT_A).differences, 0);
	it = found(SLOT_B);
	assert_int_equal(it.differences, 1);
	assert_string_equal(it.first, "run: content differs");
	assert_int_equal(strlen(it.id), 36);
	assert_false(it.told);
	assert_false(soundness_is_told(check_fd));
	it.told = true;
	soundness_keep(check_fd, SLOT_B, &it);
	assert_true(soundness_is_told(check_fd));
	assert_false(soundness_is_fresh(check_fd, SLOT_B, DAY_USEC));
}

static void a_damaged_seal_is_found(void **unused)
{
	int fd;

	(void)idle_app();
	fd = openat(check_fd, slot_seal_name(SLOT_B), O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 120), 1);
	assert_int_equal(close(fd), 0);
	assert_true(scrub());
	assert_non_null(strstr(found(SLOT_B).first, "the seal is damaged"));
}

/* A release that is neither current nor to be gone back to is nobody's loss. */
static void what_is_of_no_use_is_not_read(void **unused)
{
	struct state state = idle_app();
	struct scrubbed_slot it;

	state.fallback = (struct state_release){};
	app_store(&state);
	rot(SLOT_B);
	assert_false(scrub());
	assert_int_equal(soundness_find(check_fd, SLOT_B, &it), SOUNDNESS_UNKNOWN);
}

static void what_was_found_is_of_that_seal(void **unused)
{
	struct descriptor descriptor = { .app = "gw", .origin = ORIGIN_SIDELOAD, .installed = 7 };
	struct scrubbed_slot it;

	(void)idle_app();
	rot(SLOT_B);
	assert_true(scrub());
	(void)text_copy("2.0", descriptor.version, sizeof(descriptor.version));
	(void)app_seal_as(SLOT_B, descriptor); /* the same content, put there again */
	assert_int_equal(soundness_find(check_fd, SLOT_B, &it), SOUNDNESS_UNKNOWN);
}

static void nobody_reads_in_mid_transaction(void **unused)
{
	struct state state = app_under_way(PHASE_TRIAL);
	bool damaged;

	app_store(&state);
	assert_int_equal(soundness_scrub(check_fd, NULL, &damaged, NULL), SOUNDNESS_BUSY);
	assert_true(soundness_is_due(check_fd, DAY_USEC));
}

/* While the slot is read, an update begins, and is over before the end. */
static int update_meanwhile(void *data, uint64_t done, uint64_t total, struct error *err)
{
	struct state *state = data;

	(void)text_copy("id-2", state->transaction.id, sizeof(state->transaction.id));
	app_store(state);
	return 0;
}

static void what_was_disturbed_does_not_count(void **unused)
{
	struct state state = idle_app();
	const struct soundness_listener listener = { .progress = update_meanwhile, .data = &state };
	struct scrubbed_slot it;
	bool damaged;

	rot(SLOT_A);
	assert_int_equal(soundness_scrub(check_fd, &listener, &damaged, NULL), SOUNDNESS_BUSY);
	assert_int_equal(soundness_find(check_fd, SLOT_A, &it), SOUNDNESS_UNKNOWN);
}

static void one_reads_at_a_time(void **unused)
{
	_cleanup_close_ int fd = -1;
	bool damaged;

	(void)idle_app();
	assert_int_equal(scrubbed_lock(check_fd, &fd, NULL), 0);
	assert_int_equal(soundness_scrub(check_fd, NULL, &damaged, NULL), SOUNDNESS_BUSY);
}

/* Also after the clock has jumped, to either side. */
static void it_is_due_when_it_is_due(void **unused)
{
	uint64_t now = clock_realtime_usec();
	const struct {
		uint64_t when, period;
		bool due;
	} rows[] = {
		{ 0, DAY_USEC, true },
		{ now - DAY_USEC - USEC_PER_SEC, DAY_USEC, true },
		{ now - DAY_USEC + 60 * USEC_PER_SEC, DAY_USEC, false },
		{ now + 400 * DAY_USEC, DAY_USEC, true },
		{ 0, 0, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct scrubbed scrubbed = { .when = rows[i].when };

		assert_int_equal(scrubbed_store(check_fd, &scrubbed, NULL), 0);
		if (soundness_is_due(check_fd, rows[i].period) != rows[i].due)
			fail_msg("row %zu", i);
	}
}

static void what_was_just_built_is_fresh(void **unused)
{
	uint64_t now = clock_realtime_usec();
	struct descriptor descriptor = { .app = "gw", .version = "1.0", .installed = now };

	(void)app_seal_as(SLOT_A, descriptor);
	assert_true(soundness_is_fresh(check_fd, SLOT_A, DAY_USEC));
	descriptor.installed = now - 2 * DAY_USEC;
	(void)app_seal_as(SLOT_A, descriptor);
	assert_false(soundness_is_fresh(check_fd, SLOT_A, DAY_USEC));
	descriptor.installed = now + 2 * DAY_USEC;
	(void)app_seal_as(SLOT_A, descriptor);
	assert_false(soundness_is_fresh(check_fd, SLOT_A, DAY_USEC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		app_test(whole_slots_are_whole),
		app_test(what_has_rotted_is_found),
		app_test(a_damaged_seal_is_found),
		app_test(what_is_of_no_use_is_not_read),
		app_test(what_was_found_is_of_that_seal),
		app_test(nobody_reads_in_mid_transaction),
		app_test(what_was_disturbed_does_not_count),
		app_test(one_reads_at_a_time),
		app_test(it_is_due_when_it_is_due),
		app_test(what_was_just_built_is_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
