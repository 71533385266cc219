#include "publish/near.h"

#include "base/fd.h"
#include "publish/forebear.h"
#include "publish/inspect.h"
#include "trees.h"

#define RELEASES 4
#define FILES	 30
#define FILE_MAX 30000
#define SINCE	 2 /* the release from which on files have more lines */

/* A tree whose files say their release; one of random bytes is another one in each. */
static struct stock make_release(uint32_t release)
{
	char name[16];
	int fd;

	(void)snprintf(name, sizeof(name), "r%u", release);
	fd = trees_make(name);
	for (uint32_t i = 0; i < FILES; i++) {
		char text[FILE_MAX];
		size_t n = 0;

		for (uint32_t line = 0; line < 300; line++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%x is line %u of %u\n",
					      line * i * 2654435761U, line, i);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "release %u\n", release);
		for (uint32_t line = 0; release >= SINCE && line < 30; line++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%x came later\n",
					      line * i * 2246822519U);
		(void)snprintf(name, sizeof(name), "lib/%u", i);
		check_write(fd, name, text, n);
	}
	trees_write(fd, "lib/noise", 3000, release + 1, 0);
	trees_write(fd, "lib/early", 20000, 9,
		    release == 0 ? 10000 : 0); /* only the first one lacks it */
	trees_write(fd, "large", TREES_LARGE, 2, 1000000 + 1000 * release);
	trees_write(fd, "same", 100000, 1, 0);
	return trees_stock(fd);
}

static struct digest digest_of_index(const struct stock *stock)
{
	struct digest digest;

	kit_good(index_encode(stock->index, NULL, NULL, &digest, err));
	return digest;
}

struct written {
	int fd;
	struct bundler_result result;
	struct digest from[OFFER_NEAR_MAX];
	size_t n_from;
};

/* From the releases before the last, the latest of them first. */
static struct written write_near(struct stock releases[static RELEASES],
				 const struct near_limits *limits)
{
	const struct spool_options options = { .level = 3, .threads = 2 };
	_cleanup_(spool_freep) struct spool *spool = NULL;
	_cleanup_(near_freep) struct near *near = NULL;
	_cleanup_close_ int spool_fd = trees_file("spool");
	struct written written = { .fd = trees_file("bundle") };

	assert_int_equal(unlinkat(check_fd, "spool", 0) | unlinkat(check_fd, "bundle", 0), 0);
	kit_good(spool_new(spool_fd, &options, &spool, err));
	kit_good(near_new(&releases[RELEASES - 1], &near, err));
	for (int i = RELEASES - 2; i >= 0; i--) {
		struct digest index = digest_of_index(&releases[i]);

		kit_good(near_add(near, &releases[i], &index, err));
	}
	kit_good(near_write(near, spool, 3, limits, written.fd, &written.result, err));
	written.n_from = near_bases(near, written.from);
	return written;
}

static int inspect(const struct written *written, const struct stock *fresh,
		   const struct stock *base, struct error *err)
{
	const struct inspect_bundle bundle = { .fd = written->fd,
					       .length = written->result.length,
					       .digest = written->result.digest,
					       .head_length = written->result.head_length,
					       .head_digest = written->result.head_digest,
					       .index = digest_of_index(fresh),
					       .base = base,
					       .is_whole = true };

	return inspect_run(&bundle, err);
}

static void make_releases(struct stock releases[static RELEASES])
{
	for (uint32_t i = 0; i < RELEASES; i++)
		releases[i] = make_release(i);
}

static void releases_done(struct stock releases[static RELEASES])
{
	for (size_t i = 0; i < RELEASES; i++)
		stock_done(&releases[i]);
}

static void test_from_each_of_them(void **state)
{
	const struct near_limits limits = { .spare = UINT32_MAX, .most = UINT64_MAX };
	struct stock releases[RELEASES];
	struct written written;
	uint64_t raw = 0;

	make_releases(releases);
	written = write_near(releases, &limits);
	assert_int_equal(written.n_from, RELEASES - 1);
	for (size_t i = 0; i < RELEASES - 1; i++) {
		struct digest index = digest_of_index(&releases[RELEASES - 2 - i]);

		assert_true(digest_equal(&written.from[i], &index));
		kit_good(inspect(&written, &releases[RELEASES - 1], &releases[i], err));
	}
	for (size_t i = 0; i < index_count(releases[0].index); i++)
		raw += index_at(releases[0].index, i)->size;
	assert_true(written.result.head_length < 16000); /* noise, and of each file a piece */
	assert_true(written.result.length > TREES_LARGE && written.result.length < raw);
	(void)close(written.fd);
	releases_done(releases);
}

/* Who runs none of them has nothing of it, and nothing wrong either. */
static void test_not_from_others(void **state)
{
	const struct near_limits limits = { .most = UINT64_MAX };
	_cleanup_stock_ struct stock other = trees_stock(trees_old());
	struct stock releases[RELEASES];
	struct written written;
	struct error err_ = {};

	make_releases(releases);
	written = write_near(releases, &limits);
	check_error(inspect(&written, &releases[RELEASES - 1], &other, &err_), &err_, FAULT_CORRUPT,
		    "lacks a file");
	(void)close(written.fd);
	releases_done(releases);
}

/* An old release that has little in common with the others does not make it large for all. */
static void test_only_from_as_many_as_make_it_little_larger(void **state)
{
	const struct near_limits limits = { .spare = 5000, .most = UINT64_MAX };
	struct stock releases[RELEASES];
	struct written written;
	struct error err_ = {};
	int fd = trees_make("odd");

	make_releases(releases);
	trees_write(fd, "same", 100000, 77, 0);
	stock_done(&releases[1]);
	releases[1] = trees_stock(fd);
	written = write_near(releases, &limits);
	assert_int_equal(written.n_from, 1);
	kit_good(inspect(&written, &releases[RELEASES - 1], &releases[RELEASES - 2], err));
	check_error(inspect(&written, &releases[RELEASES - 1], &releases[1], &err_), &err_,
		    FAULT_CORRUPT, "lacks a file");
	(void)close(written.fd);
	releases_done(releases);
}

static size_t count_bases(const struct near_limits *limits)
{
	struct stock releases[RELEASES];
	struct written written;
	int root = check_fd;
	char name[8];
	size_t n;

	(void)snprintf(name, sizeof(name), "%zu", (size_t)check_count(root));
	assert_int_equal(mkdirat(root, name, 0755), 0);
	check_fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_releases(releases);
	written = write_near(releases, limits);
	n = written.n_from;
	(void)close(written.fd);
	releases_done(releases);
	(void)close(check_fd);
	check_fd = root;
	return n;
}

/* What is little anyway may be from all of them; what is too much may not. */
static void test_limits(void **state)
{
	const struct near_limits fine = { .fine = UINT32_MAX, .most = UINT64_MAX };
	const struct near_limits none = { .most = UINT64_MAX };
	const struct near_limits most = { .fine = UINT32_MAX, .most = 1000 };

	assert_int_equal(count_bases(&fine), RELEASES - 1);
	assert_int_equal(count_bases(&none), 1);
	assert_int_equal(count_bases(&most), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_from_each_of_them),
		check_in_dir(test_not_from_others),
		check_in_dir(test_only_from_as_many_as_make_it_little_larger),
		check_in_dir(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
