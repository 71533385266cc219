#include "publish/catalog.h"

#include <sys/stat.h>

#include "kit.h"

static const struct catalog_name name = { "gateway", "stable", "any" };

static struct offer *get(struct repo *repo)
{
	struct offer *offer = NULL;

	assert_int_equal(catalog_get(repo, &name, &offer, NULL), 0);
	return offer;
}

static void test_sequences(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_(offer_freep) struct offer *offer = NULL;
	_cleanup_(offer_freep) struct offer *first = NULL;

	assert_int_equal(catalog_get(repo, &name, &offer, NULL), CATALOG_ABSENT);
	assert_int_equal(kit_add(repo, "1.0", "a"), 0);
	free(kit_issue(repo));
	assert_int_equal(kit_add(repo, "1.0", "a"), CATALOG_SAME);
	assert_int_equal(kit_add(repo, "1.1", "b"), 0);
	assert_int_equal(kit_add(repo, "1.1", "b"), CATALOG_SAME); /* pending counts */
	assert_int_equal(kit_add(repo, "1.2", "a"), 0); /* old content, a new release */
	offer = get(repo);
	assert_int_equal(offer->sequence, 3);
	assert_string_equal(offer->version, "1.2");
	assert_int_equal(catalog_find(repo, &name, 1, &first, NULL), 0);
	assert_true(digest_equal(&offer->index, &first->index));
}

static void test_withdrawn_stays(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_(offer_freep) struct offer *offer = NULL;
	_cleanup_(offer_freep) struct offer *first = NULL;
	struct error err_ = {};

	(void)kit_add(repo, "1.0", "a");
	(void)kit_add(repo, "1.1", "b");
	check_error(catalog_withdraw(repo, &name, 3, CATALOG_KEEP, "x", &err_), &err_, FAULT_CONFIG,
		    "no sequence 3");
	kit_good(catalog_withdraw(repo, &name, 1, 2, "eats data", err));
	check_error(catalog_withdraw(repo, &name, 1, CATALOG_KEEP, "x", &err_), &err_, FAULT_CONFIG,
		    "already");
	(void)kit_add(repo, "1.2", "c");
	offer = get(repo);
	assert_int_equal(offer->min_sequence, 2);
	assert_int_equal(catalog_find(repo, &name, 1, &first, NULL), 0);
	assert_non_null(offer_find_withdrawn(offer, &first->index));
}

/* What is offered next, with that check (NULL: as it was); how many words it has. */
static size_t add_with(struct repo *repo, const char *version, const struct command *check)
{
	const struct catalog_release release = {
		.name = name,
		.version = version,
		.min_sequence = CATALOG_KEEP,
		.epoch = CATALOG_KEEP,
		.from = CATALOG_KEEP,
		.memory = CATALOG_KEEP,
		.check = check,
		.pack = { .level = 1, .threads = 1, .mtime = 1, .latest = PACK_MTIME_KEEP },
	};
	_cleanup_(offer_freep) struct offer *offer = NULL;
	_cleanup_close_ int tree = -1;

	(void)mkdirat(check_fd, "tree", 0755);
	tree = openat(check_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_write(tree, "file", version, strlen(version));
	assert_int_equal(catalog_add(repo, tree, &release, NULL, NULL), 0);
	offer = get(repo);
	return offer->check.n_words;
}

static void test_check_stays_until_it_is_taken_away(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	const struct command none = {};
	struct command check;

	assert_int_equal(command_parse("bin/selftest --all", &check, NULL), 0);
	assert_int_equal(add_with(repo, "1.0", NULL), 0);
	assert_int_equal(add_with(repo, "1.1", &check), 2);
	assert_int_equal(add_with(repo, "1.2", NULL), 2);
	assert_int_equal(add_with(repo, "1.3", &none), 0);
}

static int add_again(struct repo *repo, struct catalog_release release)
{
	_cleanup_close_ int tree = openat(check_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	release.name = name;
	release.version = "1.0";
	release.pack = (struct pack_options){
		.level = 1, .threads = 1, .mtime = 1, .latest = PACK_MTIME_KEEP
	};
	return catalog_add(repo, tree, &release, NULL, NULL);
}

/* The same tree and version, but something else is asked of devices: they must hear of it. */
static void test_what_is_asked_makes_a_sequence(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	const struct catalog_release keep = { .min_sequence = CATALOG_KEEP,
					      .epoch = CATALOG_KEEP,
					      .from = CATALOG_KEEP,
					      .memory = CATALOG_KEEP };
	struct catalog_release asks[] = { keep, keep, keep, keep, keep };
	_cleanup_(offer_freep) struct offer *offer = NULL;
	struct command check;

	assert_int_equal(command_parse("bin/selftest", &check, NULL), 0);
	asks[0].check = &check;
	asks[1].commands = "git";
	asks[2].epoch = 7;
	asks[3].min_sequence = 1;
	asks[4].memory = 1 << 20;
	assert_int_equal(add_with(repo, "1.0", NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		assert_int_equal(add_again(repo, asks[i]), 0);
		assert_int_equal(add_again(repo, asks[i]), CATALOG_SAME);
		assert_int_equal(add_again(repo, keep), CATALOG_SAME);
	}
	offer = get(repo);
	assert_int_equal(offer->sequence, 1 + ARRAY_SIZE(asks));
	assert_string_equal(offer->requires.commands, "git");
}

static void test_what_it_brings_is_not_required(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	struct catalog_release release = { .min_sequence = CATALOG_KEEP,
					   .epoch = CATALOG_KEEP,
					   .from = CATALOG_KEEP,
					   .memory = CATALOG_KEEP,
					   .commands = "git tar-own  notes jq" };
	_cleanup_(offer_freep) struct offer *offer = NULL;
	_cleanup_close_ int bin = -1;

	assert_int_equal(add_with(repo, "0.9", NULL), 0);
	assert_int_equal(mkdirat(check_fd, "tree/bin", 0755), 0);
	bin = openat(check_fd, "tree/bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_write(bin, "tar-own", "#!", 2);
	assert_int_equal(fchmodat(bin, "tar-own", 0755, 0), 0);
	check_write(bin, "notes", "x", 1);
	assert_int_equal(fchmodat(bin, "notes", 0644, 0), 0);
	assert_int_equal(add_again(repo, release), 0);
	offer = get(repo);
	assert_string_equal(offer->requires.commands, "git notes jq");
	assert_int_equal(add_again(repo, release), CATALOG_SAME);
}

static int note(void *data, const char *path, const struct offer *offer, struct error *err)
{
	assert_string_equal(path, "gateway/stable/any.json");
	assert_string_equal(offer->version, "1.1");
	++*(int *)data;
	return 0;
}

/* A publisher was killed in each folder that it writes to. */
static void test_nothing_is_left_of_one_that_was_killed(void **state)
{
	static const char *const left[] = { "repo/targets/gateway/stable/.flipslot-1",
					    "repo/metadata/.flipslot-1",
					    "repo/blobs/sha256/.flipslot-blob",
					    "repo/.flipslot-repo/.flipslot-1" };
	static const char *const folders[] = { "repo/targets/.flipslot-2",
					       "repo/targets/gateway/.flipslot-2" };
	struct repo *repo = kit_repo();

	(void)kit_add(repo, "1.0", "a");
	free(kit_issue(repo));
	repo_free(repo);
	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		check_write(check_fd, left[i], "x", 1);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		assert_int_equal(mkdirat(check_fd, folders[i], 0700), 0);
	repo = kit_open(KIT_NOW);
	assert_int_equal(kit_add(repo, "1.0", "a"), CATALOG_SAME);
	repo_free(repo);
	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		assert_int_equal(faccessat(check_fd, left[i], F_OK, 0), -1);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		assert_int_equal(faccessat(check_fd, folders[i], F_OK, 0), -1);
}

static void test_list(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	int n = 0;

	kit_good(catalog_list(repo, note, &n, err));
	assert_int_equal(n, 0);
	(void)kit_add(repo, "1.0", "a");
	(void)kit_add(repo, "1.1", "b");
	kit_good(catalog_list(repo, note, &n, err));
	assert_int_equal(n, 1);
}

static void test_wrong_names(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	struct catalog_release release = { .name = { "gateway", "..", "any" }, .version = "1" };
	_cleanup_close_ int tree = dup(check_fd);
	struct error err = {};

	check_error(catalog_add(repo, tree, &release, NULL, &err), &err, FAULT_CONFIG, "channel");
	release.name.channel = "stable";
	release.version = "1 0";
	check_error(catalog_add(repo, tree, &release, NULL, &err), &err, FAULT_CONFIG, "version");
	assert_int_equal(check_count(repo->dirfd), 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_sequences),
		check_in_dir(test_withdrawn_stays),
		check_in_dir(test_check_stays_until_it_is_taken_away),
		check_in_dir(test_what_is_asked_makes_a_sequence),
		check_in_dir(test_what_it_brings_is_not_required),
		check_in_dir(test_nothing_is_left_of_one_that_was_killed),
		check_in_dir(test_list),
		check_in_dir(test_wrong_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
