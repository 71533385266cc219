#include "publish/delta.h"

#include "publish/workroom.h"
#include "trees.h"

static const struct catalog_name name = { "gateway", "stable", "any" };

struct notes {
	char text[4096];
};

static void note(void *data, const char *line)
{
	struct notes *notes = data;

	(void)snprintf(notes->text + strlen(notes->text), sizeof(notes->text) - strlen(notes->text),
		       "%s\n", line);
}

static size_t few = 1; /* 100: few bytes change */

/* A release whose file `app` has the version's bytes; a hundredth of it changes with each. */
static struct offer *add(struct repo *repo, int version, unsigned int bases, bool bundle,
			 struct notes *notes)
{
	char text[16];
	const struct catalog_release release = {
		.name = name,
		.version = text,
		.min_sequence = CATALOG_KEEP,
		.epoch = CATALOG_KEEP,
		.pack = trees_options,
		.delta = { .bundle = bundle, .bases = bases, .note = note, .data = notes },
	};
	_cleanup_close_ int tree = -1;
	struct offer *offer = NULL;

	*notes = (struct notes){};
	(void)snprintf(text, sizeof(text), "%d", version);
	(void)mkdirat(check_fd, "tree", 0755);
	tree = openat(check_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	trees_write(tree, "app", TREES_BINARY, 1, few * 100 * (size_t)version);
	trees_write(tree, "same", TREES_BINARY, 2, 0);
	kit_good(catalog_add(repo, tree, &release, &offer, err));
	return offer;
}

static bool has_blob(const struct offer_bundle *bundle)
{
	char path[256] = "repo/" REPO_BLOBS_DIR "/";
	size_t size = strlen(path);
	struct stat st;

	(void)digest_to_hex(&bundle->blob, path + size);
	return fstatat(check_fd, path, &st, 0) == 0 && (uint64_t)st.st_size == bundle->length;
}

static void test_from_the_latest(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	struct notes notes;
	struct digest indexes[5];

	for (int i = 0; i < 5; i++) {
		_cleanup_(offer_freep) struct offer *offer = add(repo, i + 1, 2, true, &notes);
		size_t wanted = i < 2 ? (size_t)i + 1 : 3;

		indexes[i] = offer->index;
		assert_int_equal(offer->n_bundles, wanted);
		for (size_t j = 0; j < wanted; j++)
			assert_true(has_blob(&offer->bundles[j]));
		assert_non_null(offer_find_bundle(offer, &(struct digest){}));
		for (int j = 0; j < i; j++)
			assert_true(!!offer_find_bundle(offer, &indexes[j]) == (j >= i - 2));
		if (i > 0)
			assert_true(offer_find_bundle(offer, &indexes[i - 1])->length < 3000);
	}
	assert_int_equal(faccessat(repo->statefd, ".flipslot-work", F_OK, 0), -1);
}

/* Where releases have no other bundle; of the latest ones it is made for as many as it stays small for. */
static void test_one_from_several(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	struct notes notes;
	struct digest indexes[4];

	few = 100;
	for (int i = 0; i < 4; i++) {
		_cleanup_(offer_freep) struct offer *offer =
			add(repo, i + 1, i == 3 ? 1 : 0, true, &notes);

		indexes[i] = offer->index;
		assert_int_equal(offer->near.n_from, i);
		for (int j = 0; j < i; j++)
			assert_true(digest_equal(&offer->near.from[j], &indexes[i - 1 - j]));
		if (i == 0)
			continue;
		assert_true(has_blob(&offer->near.bundle));
		assert_true(offer->near.bundle.length < offer->full_length / 100 * DELTA_WORTH);
		assert_non_null(strstr(notes.text, "releases before: bundle"));
	}
	for (int bases = 4; bases < 6; bases++) {
		_cleanup_(offer_freep) struct offer *offer =
			add(repo, bases + 1, (unsigned int)bases, true, &notes);

		assert_int_equal(offer->near.n_from, 0);
	}
	few = 1;
	assert_int_equal(faccessat(repo->statefd, ".flipslot-work", F_OK, 0), -1);
}

static void test_left_away(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	struct notes notes;
	struct offer *offer;

	offer_free(add(repo, 1, 2, true, &notes));
	offer = add(repo, 2, 0, true, &notes);
	assert_int_equal(offer->n_bundles, 1);
	offer_free(offer);
	offer = add(repo, 3, 1, false, &notes);
	assert_int_equal(offer->n_bundles, 1);
	assert_false(digest_is_null(&offer->bundles[0].from));
	offer_free(offer);
	offer = add(repo, 4, 0, false, &notes);
	assert_int_equal(offer->n_bundles, 0);
	offer_free(offer);
}

static void test_withdrawn_ones_and_doubles_are_no_base(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_(offer_freep) struct offer *offer = NULL;
	struct notes notes;

	offer_free(add(repo, 1, 3, true, &notes));
	offer_free(add(repo, 2, 3, true, &notes));
	offer_free(add(repo, 1, 3, true, &notes));
	offer_free(add(repo, 3, 3, true, &notes));
	kit_good(catalog_withdraw(repo, &name, 2, CATALOG_KEEP, "bad", err));
	offer = add(repo, 4, 3, true, &notes);
	assert_int_equal(offer->n_bundles, 3); /* any, 3, 1 */
	assert_null(strstr(notes.text, "from 2"));
}

/* An archive that was removed: no bundle from it, and it is said. */
static void test_a_base_that_is_gone(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_(offer_freep) struct offer *first = NULL;
	_cleanup_(offer_freep) struct offer *second = NULL;
	char path[256] = REPO_BLOBS_DIR "/";
	struct notes notes;

	first = add(repo, 1, 3, true, &notes);
	(void)digest_to_hex(&first->full, path + strlen(path));
	assert_int_equal(unlinkat(repo->dirfd, path, 0), 0);
	second = add(repo, 2, 3, true, &notes);
	assert_int_equal(second->n_bundles, 1);
	assert_non_null(strstr(notes.text, "not there any more"));
}

static void test_not_worth_it(void **state)
{
	_cleanup_(repo_freep) struct repo *repo = kit_repo();
	_cleanup_(offer_freep) struct offer *offer = NULL;
	struct notes notes;

	offer_free(add(repo, 1, 3, true, &notes));
	(void)renameat(check_fd, "tree/same", check_fd, "other");
	{
		_cleanup_close_ int tree =
			openat(check_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		const struct catalog_release release = {
			.name = name,
			.version = "2",
			.min_sequence = CATALOG_KEEP,
			.epoch = CATALOG_KEEP,
			.pack = trees_options,
			.delta = { .bundle = true, .bases = 3, .note = note, .data = &notes },
		};

		trees_write(tree, "app", TREES_BINARY, 77, 0);
		trees_write(tree, "same", TREES_BINARY, 78, 0);
		kit_good(catalog_add(repo, tree, &release, &offer, err));
	}
	assert_int_equal(offer->n_bundles, 1);
	assert_non_null(strstr(notes.text, "not worth it"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_from_the_latest),
		check_in_dir(test_one_from_several),
		check_in_dir(test_left_away),
		check_in_dir(test_withdrawn_ones_and_doubles_are_no_base),
		check_in_dir(test_a_base_that_is_gone),
		check_in_dir(test_not_worth_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
