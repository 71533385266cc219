#include "install/rebuild.h"

#include <sys/xattr.h>

#include "release-kit.h"

/*
 * An app whose slot b runs `running` and whose slot a holds `old`; `new` is what shall be in slot a. Kinds of
 * files: kept, changed large and small, from the running slot, renamed, twice, empty, links.
 */
#define TREES                                                                                         \
	"mkdir -p running/d running/e old/d/gone new/d new/e new/deep/er;"                            \
	"head -c 9000000 /dev/urandom >running/large; head -c 5000 /dev/urandom >running/small;"      \
	"cp running/large new/large; printf changed | dd of=new/large bs=1 seek=6000000 "             \
	"conv=notrunc 2>/dev/null;"                                                                   \
	"head -c 5000 /dev/urandom >new/small;"                                                       \
	"echo kept >old/d/kept; cp -p old/d/kept new/d/kept; echo kept >running/d/kept;"              \
	"head -c 300000 /dev/urandom >running/e/local; cp running/e/local new/e/local;"               \
	"head -c 200000 /dev/urandom >old/d/gone/before; cp -p old/d/gone/before new/deep/er/after;"  \
	"cp running/e/local new/e/twice; cp new/small new/small-twice; : >new/empty; : >new/d/empty;" \
	"echo old >old/d/old; ln -s d/kept new/link; ln new/d/kept new/d/kept-too; ln -s x old/link;" \
	"echo exec >running/e/run; cp running/e/run new/e/run; chmod 0755 new/e/run;"                 \
	"touch -d @1000000000 new/e/run new/small"

struct fixture {
	int top;
	int app;
	struct index *running;
	struct index *index;
	struct kit_bundle delta;
	struct kit_bundle full;
	struct kit_findings findings;
	struct rebuild_listener listener;
};

static void fixture_done(const struct fixture *fixture)
{
	(void)close(fixture->app);
	kit_bundle_done(&fixture->delta);
	kit_bundle_done(&fixture->full);
	index_free(fixture->running);
	index_free(fixture->index);
}
#define _cleanup_fixture_ _cleanup_(fixture_done)

static void fixture_make(struct fixture *fixture, void **state)
{
	int top = check_dirfd(state);

	*fixture = (struct fixture){ .top = top, .app = app_make(top, "app") };
	shell(top, TREES);
	kit_stage(fixture->app, SLOT_A, top, "old");
	kit_stage(fixture->app, SLOT_B, top, "running");
	assert_int_equal(layout_point_current(fixture->app, SLOT_B, NULL), 0);
	fixture->running = kit_sealed(fixture->app, SLOT_B);
	fixture->index = kit_index(top, "new");
	kit_bundle_make(&fixture->delta, top, fixture->index, "new", fixture->running, "running");
	kit_bundle_make(&fixture->full, top, fixture->index, "new", NULL, NULL);
	fixture->listener.tampered = kit_on_tampered;
	fixture->listener.data = &fixture->findings;
}

static struct rebuild *survey(struct fixture *fixture)
{
	const struct rebuild_options options = {
		.dirfd = fixture->app,
		.target = SLOT_A,
		.source = SLOT_B,
		.source_index = fixture->running,
		.index = fixture->index,
		.listener = &fixture->listener,
	};
	struct rebuild *rebuild = NULL;
	struct error err = {};

	if (rebuild_new(&options, &rebuild, &err) < 0)
		fail_msg("%s", err.text);
	return rebuild;
}

/* Slot a is the release, and slot b what it was. */
static void check_built(const struct fixture *fixture)
{
	assert_int_equal(app_differences(fixture->app, SLOT_A), 0);
	assert_int_equal(app_differences(fixture->app, SLOT_B), 0);
	shell(fixture->top, "diff -r --no-dereference new app/slots/a; diff -r running app/slots/b;"
			    "test -z \"$(ls app/staging)\"");
}

/* From the survey to the seal; *ret_blocks that were asked for. */
static int build(struct fixture *fixture, const struct kit_bundle *kit, size_t *ret_blocks,
		 struct error *err)
{
	_cleanup_(rebuild_freep) struct rebuild *rebuild = survey(fixture);
	struct descriptor descriptor = app_descriptor();
	int r = rebuild_resume(rebuild, &kit->bundle, err);

	*ret_blocks = 0;
	if (r == 0)
		r = rebuild_begin(rebuild, err);
	if (r == 0)
		r = kit_feed(rebuild, kit, ret_blocks, err);
	if (r > 0)
		r = kit_feed(rebuild, &fixture->full, ret_blocks, err);
	if (r == 0 && rebuild_count_wanted(rebuild) > 0)
		r = kit_feed(rebuild, &fixture->full, ret_blocks, err);
	return r < 0 ? r : rebuild_finish(rebuild, &descriptor, err);
}

static void build_well(struct fixture *fixture, const struct kit_bundle *kit, size_t *ret_blocks)
{
	struct error err = {};

	if (build(fixture, kit, ret_blocks, &err) != 0)
		fail_msg("%s", err.text);
	check_built(fixture);
}

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
	assert_int_equal(blocks, 4); /* three of large, one of small */
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
	assert_int_equal(figures.wanted_bytes, 9005000);
	/* local, twice, run, after, both empty ones, small-twice */
	assert_int_equal(figures.local_files, 7);
	assert_int_equal(figures.local_bytes, 2 * 300000 + 200000 + 5000 + 5);
	if (!figures.reflink)
		assert_int_equal(figures.write_bytes, 9005000 + 2 * 300000 + 5000 + 5);
	assert_true(figures.peak_bytes >= 9005000 && figures.peak_bytes < 11000000);
	assert_int_equal(rebuild_check_space(rebuild, 0, NULL), 0);
	check_error(rebuild_check_space(rebuild, 1ULL << 60, &err), &err, FAULT_NO_SPACE, "");
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
		assert_int_equal(rebuild_begin(rebuild, NULL), 0);
		assert_int_equal(fixture.findings.count, 1);
		assert_string_equal(fixture.findings.last, "e/local: content differs");
		assert_int_equal(rebuild_count_wanted(rebuild), 3);
		assert_int_equal(kit_feed(rebuild, &fixture.full, &blocks, NULL), 0);
		assert_int_equal(blocks, 5);
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
	shell(fixture.top, "printf evil | dd of=app/slots/b/large bs=1 conv=notrunc 2>/dev/null");
	rebuild = survey(&fixture);
	assert_int_equal(rebuild_begin(rebuild, NULL), 0);
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
		check_in_dir(test_survey_writes_nothing),
		check_in_dir(test_tampered_files_are_fetched),
		check_in_dir(test_tampered_bases_are_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
