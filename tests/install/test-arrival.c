/* Unpacking in a thread, of an archive that grows. */
#include "install/arrival.h"

#include "app-dir.h"
#include "base/clock.h"

static struct arrival_options options;
static struct descriptor promised;

/* What t.tar.zst will be, with slot a for it. */
static void make(void **state, const char *script)
{
	static struct stage_options stage;
	int dirfd = check_dirfd(state);
	_cleanup_close_ int whole = -1;
	struct stat st;

	shell(dirfd, "mkdir t");
	shell(dirfd, script);
	shell(dirfd, "tar -cf t.tar -C t .; zstd -q t.tar");
	stage = app_options;
	stage.archive.max_ratio = 0;
	options = (struct arrival_options){ .dirfd = app_make(dirfd, "app"),
					    .slot = SLOT_A,
					    .fd = shell_open(dirfd, "t.tar.zst"),
					    .stage = &stage };
	assert_int_equal(fstat(options.fd, &st), 0);
	options.bytes = (uint64_t)st.st_size;
	whole = shell_open(dirfd, "t.tar.zst");
	promised = app_descriptor();
	assert_int_equal(stage_archive(options.dirfd, SLOT_B, whole, &stage, NULL, &promised, NULL),
			 0);
	stage.archive.max_ratio = app_options.archive.max_ratio;
}

#define LARGE "head -c 3000000 /dev/urandom >t/large; echo hello >t/f"

static void done(void)
{
	(void)close(options.dirfd);
	(void)close(options.fd);
}

static void wait_until_ended(struct arrival *arrival)
{
	enum stage_step step;
	uint64_t at;
	uint64_t total;

	while (!arrival_look(arrival, &step, &at, &total))
		arrival_wait(arrival, clock_monotonic_usec() + USEC_PER_SEC);
}

static void it_waits_for_what_is_verified(void **state)
{
	_cleanup_(arrival_freep) struct arrival *arrival = NULL;
	struct descriptor descriptor;

	make(state, LARGE);
	assert_int_equal(arrival_new(&options, &promised, &arrival, NULL), 0);
	arrival_wait(arrival, clock_monotonic_usec() + 50 * USEC_PER_MSEC);
	assert_false(arrival_touched(arrival));
	arrival_verified(arrival, PIECES_SIZE);
	arrival_wait(arrival, clock_monotonic_usec() + 60 * USEC_PER_SEC);
	assert_true(arrival_touched(arrival));
	assert_false(app_is_sealed(options.dirfd, SLOT_A));
	arrival_verified(arrival, options.bytes);
	wait_until_ended(arrival);
	assert_int_equal(arrival_finish(arrival, &descriptor, NULL), 0);
	assert_true(digest_equal(&descriptor.index, &promised.index));
	assert_int_equal(app_differences(options.dirfd, SLOT_A), 0);
	done();
}

static void it_can_be_given_up_in_the_middle(void **state)
{
	_cleanup_(arrival_freep) struct arrival *arrival = NULL;

	make(state, LARGE);
	assert_int_equal(arrival_new(&options, &promised, &arrival, NULL), 0);
	arrival_verified(arrival, PIECES_SIZE);
	arrival_wait(arrival, clock_monotonic_usec() + 60 * USEC_PER_SEC);
	arrival_free(TAKE_PTR(arrival));
	assert_false(app_is_sealed(options.dirfd, SLOT_A));
	done();
}

/* Who signed it has said how much comes out: zeroes are no bomb. */
static void what_is_promised_may_be_mostly_zeroes(void **state)
{
	_cleanup_(arrival_freep) struct arrival *arrival = NULL;
	struct descriptor descriptor;

	make(state, "truncate -s 40M t/zeroes");
	assert_int_equal(arrival_new(&options, &promised, &arrival, NULL), 0);
	arrival_verified(arrival, options.bytes);
	wait_until_ended(arrival);
	assert_int_equal(arrival_finish(arrival, &descriptor, NULL), 0);
	assert_int_equal(app_differences(options.dirfd, SLOT_A), 0);
	done();
}

static void it_says_why_it_ended(void **state)
{
	_cleanup_(arrival_freep) struct arrival *arrival = NULL;
	struct descriptor descriptor;
	struct error err = {};

	make(state, LARGE);
	promised.bytes--;
	assert_int_equal(arrival_new(&options, &promised, &arrival, NULL), 0);
	arrival_verified(arrival, options.bytes);
	wait_until_ended(arrival);
	check_error(arrival_finish(arrival, &descriptor, &err), &err, FAULT_NO_SPACE,
		    "unpacked bytes");
	assert_false(app_is_sealed(options.dirfd, SLOT_A));
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(it_waits_for_what_is_verified),
		check_in_dir(it_can_be_given_up_in_the_middle),
		check_in_dir(what_is_promised_may_be_mostly_zeroes),
		check_in_dir(it_says_why_it_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
