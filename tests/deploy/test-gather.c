/* LDFLAGS: -Wl,--wrap=rebuild_begin,--wrap=rebuild_clone,--wrap=rebuild_take,--wrap=allowance_range */
/* Blocks on their way, by the real program's fetch helper, out of a folder; the rebuild is played. */
#include "deploy/gather.h"

#include <errno.h>

#include "midnight.h"
#include "repo.h"

#define BLOCKS	  40
#define BLOCK	  30000
#define HEAD_SIZE 500
#define BLOB_SIZE (HEAD_SIZE + BLOCKS * BLOCK)

int __wrap_rebuild_begin(struct rebuild *rebuild, struct error *err);
int __wrap_rebuild_clone(struct rebuild *rebuild, struct error *err);
int __wrap_rebuild_take(struct rebuild *rebuild, const struct bundle *from,
			const struct bundle_block *block, const void *bytes, size_t size,
			struct error *err);

static char blob[BLOB_SIZE + TAKER_ROOM];
static struct bundle_block blocks[BLOCKS];
static struct bundle bundle;
static struct spans spans;
static struct relay relay;
static struct taker *taker;
static char url[256];
static struct gather_options options;
static unsigned int taken[BLOCKS];
static const char *chosen; /* of four blocks each: 'x' is wanted */

int __wrap_rebuild_begin(struct rebuild *rebuild, struct error *err)
{
	return 0;
}

int __wrap_rebuild_clone(struct rebuild *rebuild, struct error *err)
{
	return REBUILD_CLONED;
}

int __wrap_rebuild_take(struct rebuild *rebuild, const struct bundle *from,
			const struct bundle_block *block, const void *bytes, size_t size,
			struct error *err)
{
	assert_ptr_equal(from, &bundle);
	assert_int_equal(size, block->length);
	if (memcmp(bytes, blob + block->offset, size) != 0)
		return error_set(err, FAULT_UNTRUSTED, "wrong bytes");
	taken[block - blocks]++;
	return 0;
}

static bool wants(void *data, const struct bundle_block *block)
{
	return chosen[(block - blocks) % 4] == 'x';
}

static int setup(void **state)
{
	int r = repo_setup(state);

	memset(taken, 0, sizeof(taken));
	for (size_t i = 0; i < sizeof(blob); i++)
		blob[i] = (char)check_random();
	for (size_t i = 0; i < BLOCKS; i++)
		blocks[i] =
			(struct bundle_block){ .offset = HEAD_SIZE + i * BLOCK, .length = BLOCK };
	bundle = (struct bundle){
		.blocks = blocks, .n_blocks = BLOCKS, .head_length = HEAD_SIZE, .length = BLOB_SIZE
	};
	check_write(check_fd, "repo/blob", blob, sizeof(blob));
	(void)snprintf(url, sizeof(url), "%s/blob", repo_url);
	relay_init(&relay, &repo_watcher);
	r |= taker_new(NULL, &relay, &taker, NULL);
	options = (struct gather_options){ .watcher = &repo_watcher,
					   .url = url,
					   .bundle = &bundle,
					   .spans = &spans,
					   .relay = &relay,
					   .taker = taker };
	r |= fetcher_new(repo_program, &app_options.source.fetch, &options.fetcher, NULL);
	return r;
}

static int teardown(void **state)
{
	fetcher_free(options.fetcher);
	taker_free(taker);
	relay_done(&relay);
	spans_done(&spans);
	return repo_teardown(state);
}

static int gather(const char *which, struct error *err)
{
	chosen = which;
	assert_int_equal(spans_make(&bundle, wants, NULL, &spans, NULL), 0);
	return gather_run(&options, err);
}

static void check_taken(void)
{
	for (size_t i = 0; i < BLOCKS; i++)
		assert_int_equal(taken[i], chosen[i % 4] == 'x');
}

static void everything_is_one_request(void **state)
{
	struct error err = {};

	if (gather("xxxx", &err) != 0)
		fail_msg("%s", err.text);
	check_taken();
	assert_int_equal(repo_watcher.requests, 1);
	assert_int_equal(repo_watcher.fetched, BLOCKS * BLOCK);
}

static void parts_are_as_many_requests(void **state)
{
	struct error err = {};

	if (gather("xx..", &err) != 0)
		fail_msg("%s", err.text);
	check_taken();
	assert_int_equal(repo_watcher.requests, BLOCKS / 4);
	assert_int_equal(repo_watcher.fetched, BLOCKS / 2 * BLOCK);
}

/* The first one has all the room there is: the others wait for it, not it for them. */
static void a_large_block_is_waited_for(void **state)
{
	blocks[0].length += TAKER_ROOM;
	for (size_t i = 1; i < BLOCKS; i++)
		blocks[i].offset += TAKER_ROOM;
	bundle.length += TAKER_ROOM;
	assert_int_equal(gather("x.x.", NULL), 0);
	check_taken();
}

static void nothing_is_no_request(void **state)
{
	assert_int_equal(gather("....", NULL), 0);
	assert_int_equal(repo_watcher.requests, 0);
}

static void the_rest_is_passed_through(void **state)
{
	const struct fetch_request request = { .url = url,
					       .range_first = HEAD_SIZE,
					       .range_length = BLOB_SIZE - HEAD_SIZE,
					       .cap = BLOB_SIZE,
					       .deadline = USEC_INFINITY };

	assert_int_equal(
		download_new(options.fetcher, &request, &retry_default, &options.rest, NULL), 0);
	assert_int_equal(gather(".x.x", NULL), 0);
	download_free(options.rest);
	check_taken();
	assert_int_equal(repo_watcher.requests, 0);
}

static void what_is_missing_is_an_outcome(void **state)
{
	assert_int_equal(unlinkat(check_fd, "repo/blob", 0), 0);
	assert_int_equal(gather("x..x", NULL), GATHER_ABSENT);
}

static void wrong_bytes_are_named(void **state)
{
	struct error err = {};

	blob[HEAD_SIZE + 5 * BLOCK] ^= 1;
	check_error(gather("xxxx", &err), &err, FAULT_UNTRUSTED, url);
	assert_int_equal(taken[4], 1);
	assert_int_equal(taken[6], 0);
}

static void the_last_block_of_the_day_is_taken(void **state)
{
	app_options.source.max_bytes_per_day = 2 * BLOCK + 100;
	assert_int_equal(gather("xxxx", NULL), -EDQUOT);
	assert_int_equal(taken[1], 1);
	assert_int_equal(taken[2], 0);
	assert_int_equal(repo_watcher.fetched, 2 * BLOCK + 100);
}

/* A range that the day before clipped is over before the day's bytes are. */
static void another_day_begins_within_a_range(void **state)
{
	evening = 2 * BLOCK + 100;
	assert_int_equal(gather("xxxx", NULL), 0);
	check_taken();
	assert_int_equal(repo_watcher.fetched, BLOCKS * BLOCK);
	assert_int_equal(repo_watcher.requests, 2);
}

static void another_day_begins_behind_the_head(void **state)
{
	const struct fetch_request request = { .url = url,
					       .range_first = HEAD_SIZE,
					       .range_length = 2 * BLOCK + 100,
					       .cap = BLOB_SIZE,
					       .deadline = USEC_INFINITY };

	assert_int_equal(
		download_new(options.fetcher, &request, &retry_default, &options.rest, NULL), 0);
	assert_int_equal(gather("xxxx", NULL), 0);
	download_free(options.rest);
	check_taken();
	assert_int_equal(repo_watcher.fetched, BLOCKS * BLOCK);
	assert_int_equal(repo_watcher.requests, 1);
}

static void leave_names(void)
{
	struct digest digest;

	for (size_t i = 0; i < BLOCKS; i++) {
		assert_int_equal(digest_of(blob + blocks[i].offset, BLOCK, &digest, NULL), 0);
		bundle_short_of(&digest, &blocks[i].packed);
	}
}

/* Of the sixth block what an earlier run had fetched of it. */
static void leave_a_front(size_t n)
{
	char file[BUNDLE_SHORT_SIZE + BLOCK];

	leave_names();
	memcpy(file, blocks[6].packed.bytes, BUNDLE_SHORT_SIZE);
	memcpy(file + BUNDLE_SHORT_SIZE, blob + blocks[6].offset, n);
	assert_int_equal(mkdirat(check_fd, LAYOUT_STAGING, 0700), 0);
	check_write(check_fd, LAYOUT_STAGING "/block.3", file, BUNDLE_SHORT_SIZE + n);
}

static void the_front_of_a_block_is_kept(void **state)
{
	struct error err = {};

	leave_a_front(20000);
	if (gather("..x.", &err) != 0)
		fail_msg("%s", err.text);
	check_taken();
	assert_int_equal(repo_watcher.fetched, BLOCKS / 4 * BLOCK - 20000);
	assert_int_equal(repo_watcher.requests, BLOCKS / 4);
}

static void a_spoilt_front_is_fetched_again(void **state)
{
	struct error err = {};

	leave_a_front(20000);
	shell(check_fd,
	      "printf xyz | dd of=staging/block.3 bs=1 seek=100 conv=notrunc 2>/dev/null");
	if (gather("..x.", &err) != 0)
		fail_msg("%s", err.text);
	check_taken();
	assert_int_equal(repo_watcher.fetched, BLOCKS / 4 * BLOCK + BLOCK - 20000);
	assert_int_equal(repo_watcher.requests, BLOCKS / 4 + 1);
}

static void the_day_ends_within_a_block(void **state)
{
	app_options.source.max_bytes_per_day = 2 * BLOCK + 100;
	leave_names();
	assert_int_equal(mkdirat(check_fd, LAYOUT_STAGING, 0700), 0);
	assert_int_equal(gather("xxxx", NULL), -EDQUOT);
	app_options.source.max_bytes_per_day = 0;
	chosen = "..x.";
	spans_done(&spans);
	assert_int_equal(gather("..x.", NULL), 0);
	assert_int_equal(repo_watcher.fetched, 2 * BLOCK + BLOCKS / 4 * BLOCK);
}

/* What came with the head is taken without a request, each time. */
static void what_came_with_the_head_is_taken(void **state)
{
	blocks[1].is_inlined = blocks[2].is_inlined = true;
	blocks[1].bytes = blob + blocks[1].offset;
	blocks[2].bytes = blob + blocks[2].offset;
	assert_int_equal(gather("....", NULL), 0);
	assert_int_equal(repo_watcher.requests, 0);
	for (size_t i = 0; i < BLOCKS; i++)
		assert_int_equal(taken[i], i == 1 || i == 2);
}

#define gather_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		gather_test(everything_is_one_request),
		gather_test(parts_are_as_many_requests),
		gather_test(a_large_block_is_waited_for),
		gather_test(nothing_is_no_request),
		gather_test(the_rest_is_passed_through),
		gather_test(what_came_with_the_head_is_taken),
		gather_test(what_is_missing_is_an_outcome),
		gather_test(wrong_bytes_are_named),
		gather_test(the_last_block_of_the_day_is_taken),
		gather_test(the_front_of_a_block_is_kept),
		gather_test(a_spoilt_front_is_fetched_again),
		gather_test(the_day_ends_within_a_block),
		gather_test(another_day_begins_within_a_range),
		gather_test(another_day_begins_behind_the_head),
	};

	return repo_find_program() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
