#include "install/rebuild.h"

#include <sys/xattr.h>

#include "rebuild-kit.h"

static ino_t inode(int top, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(top, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_ino;
}

static void test_builds(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	ino_t kept;
	ino_t renamed;
	size_t blocks;

	fixture_make(&fixture, state);
	kept = inode(fixture.top, "app/slots/a/d/kept");
	renamed = inode(fixture.top, "app/slots/a/d/gone/before");
	build_well(&fixture, &fixture.delta, &blocks);
	assert_int_equal(blocks, bundle_count_blocks(LARGE_SIZE) + 1); /* large, small */
	assert_int_equal(inode(fixture.top, "app/slots/a/d/kept"), kept);
	assert_int_equal(inode(fixture.top, "app/slots/a/deep/er/after"), renamed);
	assert_int_equal(fixture.findings.count, 0);
	build_well(&fixture, &fixture.delta, &blocks);
	assert_int_equal(blocks, 0);
}

static void test_builds_from_nothing(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	size_t blocks;

	fixture_make(&fixture, state);
	assert_int_equal(layout_clear_slot(fixture.app, SLOT_A, NULL), 0);
	index_free(TAKE_PTR(fixture.running));
	build_well(&fixture, &fixture.full, &blocks);
	assert_int_equal(blocks, fixture.full.bundle.n_blocks);
}

static void test_figures(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(rebuild_freep) struct rebuild *rebuild = NULL;
	struct rebuild_figures figures;
	struct error err = {};

	fixture_make(&fixture, state);
	rebuild = survey(&fixture);
	rebuild_figures(rebuild, &figures);
	assert_int_equal(figures.kept_files, 1);
	assert_int_equal(figures.kept_bytes, 5);
	assert_int_equal(figures.wanted_files, 2);
	assert_int_equal(figures.wanted_bytes, LARGE_SIZE + 5000);
	/* local, twice, run, after, both empty ones, small-twice */
	assert_int_equal(figures.local_files, 7);
	assert_int_equal(figures.local_bytes, 2 * 300000 + 200000 + 5000 + 5);
	if (!figures.reflink)
		assert_in_range(figures.write_bytes, LARGE_SIZE + 5000 + 2 * 300000 + 5000 + 5,
				LARGE_SIZE + 2 * 300000 + 100000);
	assert_true(figures.peak_bytes >= LARGE_SIZE && figures.peak_bytes < LARGE_SIZE + 1000000);
	assert_int_equal(rebuild_check_space(rebuild, 0, NULL), 0);
	check_error(rebuild_check_space(rebuild, 1ULL << 60, &err), &err, FAULT_NO_SPACE, "");
}

/* One block of the large file lies in staging/: it needs neither to be written nor room again. */
static void test_what_has_grown_is_on_the_disk(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(rebuild_freep) struct rebuild *rebuild = NULL;
	struct rebuild_figures before, after;

	fixture_make(&fixture, state);
	shell(fixture.top,
	      "mkdir -p app/staging; chmod 700 app/staging;"
	      "set -- $(sha256sum new/large); head -c 4194304 new/large >app/staging/$1;"
	      "chmod 600 app/staging/$1");
	rebuild = survey(&fixture);
	rebuild_figures(rebuild, &before);
	assert_int_equal(rebuild_resume(rebuild, &fixture.full.bundle, NULL), 0);
	rebuild_figures(rebuild, &after);
	assert_int_equal(before.peak_bytes - after.peak_bytes, BLOCK_SIZE);
	assert_int_equal(before.write_bytes - after.write_bytes, BLOCK_SIZE);
}

static void test_survey_writes_nothing(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	fixture_make(&fixture, state);
	shell(fixture.top, "find app -printf '%p %i %C@ %T@\\n' | sort >before");
	rebuild_free(survey(&fixture));
	shell(fixture.top, "find app -printf '%p %i %C@ %T@\\n' | sort | diff before -");
}

static void test_tampered_files_are_fetched(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	size_t blocks;

	fixture_make(&fixture, state);
	shell(fixture.top, "printf evil | dd of=app/slots/b/e/local bs=1 conv=notrunc 2>/dev/null;"
			   "cp app/slots/b/e/local running/e/local; cp -p app/slots/b.seal seal");
	{
		_cleanup_(rebuild_freep) struct rebuild *rebuild = survey(&fixture);
		struct descriptor descriptor = app_descriptor();

		blocks = 0;
		assert_int_equal(begin_and_clone(rebuild, NULL), 0);
		assert_int_equal(fixture.findings.count, 1);
		assert_string_equal(fixture.findings.last, "e/local: content differs");
		assert_int_equal(rebuild_count_wanted(rebuild), 3);
		assert_int_equal(kit_feed(rebuild, &fixture.full, &blocks, NULL), 0);
		assert_int_equal(blocks, bundle_count_blocks(LARGE_SIZE) + 2);
		assert_int_equal(rebuild_finish(rebuild, &descriptor, NULL), 0);
	}
	assert_int_equal(app_differences(fixture.app, SLOT_A), 0);
	shell(fixture.top, "diff -r --no-dereference new app/slots/a");
}

static void test_tampered_bases_are_not_used(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(rebuild_freep) struct rebuild *rebuild = NULL;
	struct descriptor descriptor = app_descriptor();
	size_t blocks = 0;

	fixture_make(&fixture, state);
	shell(fixture.top, "head -c 5000000 /dev/zero |"
			   "dd of=app/slots/b/large conv=notrunc 2>/dev/null");
	rebuild = survey(&fixture);
	assert_int_equal(begin_and_clone(rebuild, NULL), 0);
	assert_int_equal(kit_feed(rebuild, &fixture.delta, &blocks, NULL), REBUILD_NO_BASE);
	assert_int_equal(fixture.findings.count, 1);
	assert_string_equal(fixture.findings.last, "large: content differs");
	assert_int_equal(rebuild_count_wanted(rebuild), 1);
	assert_int_equal(kit_feed(rebuild, &fixture.full, &blocks, NULL), 0);
	assert_int_equal(rebuild_finish(rebuild, &descriptor, NULL), 0);
	assert_int_equal(app_differences(fixture.app, SLOT_A), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_builds),
		check_in_dir(test_builds_from_nothing),
		check_in_dir(test_figures),
		check_in_dir(test_what_has_grown_is_on_the_disk),
		check_in_dir(test_survey_writes_nothing),
		check_in_dir(test_tampered_files_are_fetched),
		check_in_dir(test_tampered_bases_are_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
