#include "publish/prune.h"

#include "trees.h"

static const struct catalog_name name = { "gateway", "stable", "any" };

/* Every so many bytes are others, fewer of them with each version. */
static struct offer *add_from(struct repo *repo, int version, unsigned int bases, size_t step)
{
	char text[16];
	const struct catalog_release release = {
		.name = name,
		.version = text,
		.min_sequence = CATALOG_KEEP,
		.epoch = CATALOG_KEEP,
		.pack = trees_options,
		.delta = { .bundle = true, .bases = bases },
	};
	_cleanup_close_ int tree = -1;
	struct offer *offer = NULL;

	(void)snprintf(text, sizeof(text), "%d", version);
	(void)mkdirat(check_fd, "tree", 0755);
	tree = openat(check_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	trees_write(tree, "app", TREES_BINARY, 1, step * (size_t)version);
	kit_good(catalog_add(repo, tree, &release, &offer, err));
	return offer;
}

static struct offer *add(struct repo *repo, int version)
{
	return add_from(repo, version, 1, 100);
}

/* Published so long ago, as its file says. */
static int age(void *data, const char *file, const struct offer *offer, struct error *err)
{
	const struct repo *repo = data;
	time_t when = (time_t)(KIT_NOW / KIT_SECOND) - 86400 * (time_t)(10 - offer->sequence);
	const struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };

	return utimensat(repo->dirfd, file, times, 0);
}

static bool has(const struct repo *repo, const struct digest *digest)
{
	char path[256] = REPO_BLOBS_DIR "/";

	(void)digest_to_hex(digest, path + strlen(path));
	return faccessat(repo->dirfd, path, F_OK, 0) == 0;
}

static struct prune_result prune(struct repo *repo, uint64_t days, unsigned int keep, bool dry)
{
	const struct prune_options options = { .grace = days * KIT_DAY, .keep = keep, .dry = dry };
	struct prune_result result = {};

	kit_good(prune_run(repo, &options, &result, err));
	return result;
}

static const struct offer_bundle *bundle(const struct offer *offer, const struct digest *from)
{
	const struct offer_bundle *found = offer_find_bundle(offer, from);

	assert_non_null(found);
	return found;
}

/* Five releases, a day after each other, the last of them five days ago. */
static void test_what_goes(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	const struct digest any = {};
	struct prune_result result;
	struct offer *offers[5];

	for (int i = 0; i < 5; i++) {
		offers[i] = add(repo, i + 1);
		free(kit_issue(repo));
	}
	kit_good(catalog_scan(repo->dirfd, &name, age, repo, err));

	result = prune(repo, 0, 2, true);
	assert_int_equal(result.blobs,
			 3 + 3 + 3); /* archives, bundles from any, from the one before */
	result = prune(repo, 365, 1, false);
	assert_int_equal(result.blobs, 0);
	result = prune(repo, 7, 2, false);
	assert_int_equal(result.blobs, 2 + 2 + 1); /* archives, bundles of 1 and 2 */
	assert_true(!has(repo, &offers[0]->full) && !has(repo, &offers[1]->full));
	for (int i = 2; i < 5; i++) {
		assert_true(has(repo, &offers[i]->full));
		for (size_t j = 0; j < offers[i]->n_bundles; j++)
			assert_true(has(repo, &offers[i]->bundles[j].blob));
	}
	(void)prune(repo, 0, 2, false);
	assert_true(!has(repo, &offers[2]->full) && has(repo, &offers[3]->full));
	assert_true(!has(repo, &bundle(offers[3], &offers[2]->index)->blob));
	assert_true(has(repo, &bundle(offers[3], &any)->blob)); /* devices repair by it */
	assert_int_equal(prune(repo, 0, 1, false).kept, 1 + 2);
	for (int i = 0; i < 5; i++)
		offer_free(offers[i]);
}

/* What waits for signatures is needed, and so is what is published meanwhile. */
static void test_pending_and_foreign(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_(offer_freep) struct offer *first = add(repo, 1);
	_cleanup_(offer_freep) struct offer *second = NULL;
	_cleanup_close_ int blobs = openat(repo->dirfd, REPO_BLOBS_DIR, O_RDONLY | O_DIRECTORY);

	free(kit_issue(repo));
	second = add(repo, 2);
	kit_good(catalog_scan(repo->dirfd, &name, age, repo, err));
	check_write(blobs, "README", "x", 1);
	assert_int_equal(prune(repo, 0, 1, false).blobs, 0);
	assert_true(has(repo, &first->full) && has(repo, &second->full));
}

/* That from any of several releases stays as long as one from a single one does. */
static void test_one_from_several(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	struct offer *offers[3];

	for (int i = 0; i < 3; i++) {
		offers[i] = add_from(repo, i + 1, 0, 10000);
		free(kit_issue(repo));
	}
	assert_int_equal(offers[2]->near.n_from, 2);
	kit_good(catalog_scan(repo->dirfd, &name, age, repo, err));
	(void)prune(repo, 0, 1, false);
	assert_false(has(repo, &offers[1]->near.bundle.blob));
	assert_true(has(repo, &offers[2]->near.bundle.blob));
	for (int i = 0; i < 3; i++)
		offer_free(offers[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_what_goes),
		check_in_dir(test_pending_and_foreign),
		check_in_dir(test_one_from_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
