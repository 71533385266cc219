#include "publish/audit-bundles.h"

#include "trees.h"

static struct offer *add_from(struct repo *repo, int tree, const char *version, unsigned int bases)
{
	const struct catalog_release release = {
		.name = { "gateway", "stable", "any" },
		.version = version,
		.min_sequence = CATALOG_KEEP,
		.epoch = CATALOG_KEEP,
		.pack = trees_options,
		.delta = { .bundle = true, .bases = bases },
	};
	struct offer *offer = NULL;

	kit_good(catalog_add(repo, tree, &release, &offer, err));
	(void)close(tree);
	return offer;
}

static struct offer *add(struct repo *repo, int tree, const char *version)
{
	return add_from(repo, tree, version, 1);
}

static void path_of(const struct digest *digest, char *ret_path)
{
	(void)memcpy(ret_path, REPO_BLOBS_DIR "/", sizeof(REPO_BLOBS_DIR "/"));
	(void)digest_to_hex(digest, ret_path + strlen(ret_path));
}

static void test_to_the_last_byte(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	UNUSED _cleanup_(offer_freep) struct offer *old = add(repo, trees_old(), "1");
	_cleanup_(offer_freep) struct offer *offer = add(repo, trees_new(), "2");
	struct audit_bundles_result result = {};
	struct error err_ = {};
	char path[256];
	int fd;

	assert_int_equal(setenv("TMPDIR", check_path, 1), 0);
	kit_good(audit_bundles_run(repo->dirfd, offer, &result, err));
	assert_int_equal(result.bundles, 2);
	assert_int_equal(result.bytes, offer->bundles[0].length + offer->bundles[1].length);
	assert_int_equal(result.undecoded, 0);
	assert_int_equal(check_count(check_fd),
			 4); /* repo, its keys, two trees: no temporary folder */

	path_of(&offer->bundles[1].blob, path);
	assert_int_equal(fchmodat(repo->dirfd, path, 0600, 0), 0);
	fd = openat(repo->dirfd, path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "??", 2, (off_t)offer->bundles[1].length - 2), 2);
	(void)close(fd);
	check_error(audit_bundles_run(repo->dirfd, offer, &result, &err_), &err_, FAULT_UNTRUSTED,
		    "blobs/sha256");
	assert_int_equal(unlinkat(repo->dirfd, path, 0), 0);
	check_error(audit_bundles_run(repo->dirfd, offer, &result, &err_), &err_, FAULT_CORRUPT,
		    "missing");
}

static void test_one_from_several(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	int older = trees_make("older"), newer = trees_make("newer");
	_cleanup_(offer_freep) struct offer *old = NULL;
	_cleanup_(offer_freep) struct offer *offer = NULL;
	struct audit_bundles_result result = {};
	struct error err_ = {};
	char path[256];
	int fd;

	trees_write(older, "app", TREES_BINARY, 1, 0);
	trees_write(newer, "app", TREES_BINARY, 1, 10000);
	old = add(repo, older, "1");
	assert_non_null(old);
	offer = add_from(repo, newer, "2", 0);
	assert_int_equal(offer->near.n_from, 1);
	assert_int_equal(setenv("TMPDIR", check_path, 1), 0);
	kit_good(audit_bundles_run(repo->dirfd, offer, &result, err));
	assert_int_equal(result.bundles, 2);
	assert_int_equal(result.undecoded, 0);
	path_of(&offer->near.bundle.blob, path);
	assert_int_equal(fchmodat(repo->dirfd, path, 0600, 0), 0);
	fd = openat(repo->dirfd, path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "????", 4, 100), 4);
	(void)close(fd);
	check_error(audit_bundles_run(repo->dirfd, offer, &result, &err_), &err_, FAULT_UNTRUSTED,
		    "blobs/sha256");
}

/* Then its digest is all that can be looked at, and that it is so is said. */
static void test_a_base_that_is_gone(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_(offer_freep) struct offer *old = add(repo, trees_old(), "1");
	_cleanup_(offer_freep) struct offer *offer = add(repo, trees_new(), "2");
	struct audit_bundles_result result = {};
	struct error err_ = {};
	char path[256];
	int fd;

	path_of(&old->full, path);
	assert_int_equal(unlinkat(repo->dirfd, path, 0), 0);
	kit_good(audit_bundles_run(repo->dirfd, offer, &result, err));
	assert_int_equal(result.undecoded, 1);
	path_of(&offer->bundles[1].blob, path);
	fd = openat(repo->dirfd, path, O_RDWR | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	(void)close(fd);
	check_error(audit_bundles_run(repo->dirfd, offer, &result, &err_), &err_, FAULT_CORRUPT,
		    "not what was published");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_to_the_last_byte),
		check_in_dir(test_one_from_several),
		check_in_dir(test_a_base_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
