/* Files that both slots have: copied, or one and the same (Dedupe=). */
#define TREES                                                                                           \
	"mkdir -p running/d old; echo >old/o;"                                                          \
	"head -c 5000000 /dev/urandom >running/large; head -c 5000 /dev/urandom >running/d/same;"       \
	"echo time >running/time; echo mode >running/mode; echo one >running/one; echo x >running/two;" \
	"ln running/two running/two-too; : >running/empty; echo moved >running/d/moved;"                \
	"cp -p running/d/same running/d/twin; echo before >running/changed; cp -a running new;"         \
	"touch -d @7 new/time; chmod 0755 new/mode; ln new/one new/one-too;"                            \
	"mv new/d/moved new/moved; echo after >new/changed"

#include "install/rebuild.h"

#include <stdio.h>

#include "install/local.h"
#include "install/salvage.h"
#include "rebuild-kit.h"

static struct stat look(const struct fixture *fixture, char slot, const char *name)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "app/slots/%c/%s", slot, name);
	assert_int_equal(fstatat(fixture->top, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static bool is_one_file(const struct fixture *fixture, const char *name)
{
	return look(fixture, 'a', name).st_ino == look(fixture, 'b', name).st_ino;
}

static void make(struct fixture *fixture, void **state)
{
	size_t blocks;

	fixture_make(fixture, state);
	fixture->dedupe = DEDUPE_HARDLINK;
	build_well(fixture, &fixture->delta, &blocks);
	assert_int_equal(blocks, 1);
	assert_int_equal(fixture->findings.count, 0);
}

static void what_is_alike_is_one_file(void **state)
{
	static const char *const linked[] = { "large", "d/same", "d/twin" };
	static const char *const copied[] = { "time",	 "mode",  "one",    "two",
					      "two-too", "empty", "changed" };
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	for (size_t i = 0; i < ARRAY_SIZE(linked); i++) {
		assert_true(is_one_file(&fixture, linked[i]));
		assert_int_equal(look(&fixture, 'a', linked[i]).st_nlink, 2);
	}
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
		assert_false(is_one_file(&fixture, copied[i]));
	assert_int_equal(look(&fixture, 'a', "moved").st_nlink, 1);
	assert_int_equal(look(&fixture, 'a', "d/twin").st_nlink, 2);
}

static void figures_count_no_byte_of_it(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(rebuild_freep) struct rebuild *rebuild = NULL;
	struct rebuild_figures figures;

	fixture_make(&fixture, state);
	fixture.dedupe = DEDUPE_HARDLINK;
	rebuild = survey(&fixture);
	rebuild_figures(rebuild, &figures);
	assert_true(figures.write_bytes < 1000000); /* the large file alone has five times that */
	assert_true(figures.peak_bytes < 1000000);
	assert_int_equal(figures.wanted_files, 1);
}

static uint64_t count_written(struct fixture *fixture)
{
	_cleanup_(rebuild_freep) struct rebuild *rebuild = survey(fixture);
	struct rebuild_figures figures;

	rebuild_figures(rebuild, &figures);
	return figures.write_bytes;
}

/* As of one that somebody's backup has hard links to. */
static void but_of_what_cannot_be_linked(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	uint64_t before;

	fixture_make(&fixture, state);
	fixture.dedupe = DEDUPE_HARDLINK;
	before = count_written(&fixture);
	shell(fixture.top, "ln app/slots/b/large stranger");
	assert_true(count_written(&fixture) > before);
}

/* The next update goes over a slot whose files are those of the one that runs: they stay, and are not touched. */
static void it_stays_so(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	struct rebuild_figures figures;
	size_t blocks;

	make(&fixture, state);
	shell(fixture.top, "find app/slots/b -printf '%p %i %C@ %m %T@\\n' | sort >before");
	{
		_cleanup_(rebuild_freep) struct rebuild *rebuild = survey(&fixture);

		rebuild_figures(rebuild, &figures);
	}
	assert_int_equal(figures.kept_files, index_count(fixture.index) - 3);
	build_well(&fixture, &fixture.delta, &blocks);
	assert_int_equal(blocks, 0);
	assert_true(is_one_file(&fixture, "large"));
	shell(fixture.top, "find app/slots/b -printf '%p %i %C@ %m %T@\\n' | sort | diff before -");
}

/* Both releases have it. What the new one wants otherwise is another file then, not the one that runs with a new mode. */
static void a_shared_file_is_never_mended(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	size_t blocks;

	make(&fixture, state);
	shell(fixture.top, "chmod 0755 new/d/same; touch -d @9 new/d/twin");
	index_free(fixture.index);
	kit_bundle_done(&fixture.delta);
	kit_bundle_done(&fixture.full);
	fixture.index = kit_index(fixture.top, "new");
	kit_bundle_make(&fixture.delta, fixture.top, fixture.index, "new", fixture.running,
			"running");
	kit_bundle_make(&fixture.full, fixture.top, fixture.index, "new", NULL, NULL);
	build_well(&fixture, &fixture.delta, &blocks);
	assert_false(is_one_file(&fixture, "d/same"));
	assert_false(is_one_file(&fixture, "d/twin"));
	assert_true(is_one_file(&fixture, "large"));
}

static void otherwise_they_are_parted(void **state)
{
	static const enum dedupe others[] = { DEDUPE_AUTO, DEDUPE_COPY };
	size_t blocks;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		_cleanup_fixture_ struct fixture fixture;

		make(&fixture, state);
		fixture.dedupe = others[i];
		build_well(&fixture, &fixture.delta, &blocks);
		assert_false(is_one_file(&fixture, "large"));
		assert_int_equal(look(&fixture, 'a', "large").st_nlink, 1);
		shell(fixture.top, "rm -rf app running old new");
	}
}

static void what_is_not_what_its_seal_says_is_not_linked(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	struct error err = {};
	size_t blocks;

	fixture_make(&fixture, state);
	fixture.dedupe = DEDUPE_HARDLINK;
	shell(fixture.top, "printf evil | dd of=app/slots/b/large bs=1 conv=notrunc 2>/dev/null;"
			   "chmod 0600 app/slots/b/d/same; ln app/slots/b/d/twin stranger");
	assert_int_equal(build(&fixture, &fixture.full, &blocks, &err), 0);
	assert_int_equal(fixture.findings.count, 1);
	assert_string_equal(fixture.findings.last, "large: content differs");
	assert_false(is_one_file(&fixture, "large"));
	assert_false(is_one_file(&fixture, "d/same"));
	assert_false(is_one_file(&fixture, "d/twin"));
	assert_int_equal(app_differences(fixture.app, SLOT_A), 0);
}

static void a_third_name_is_a_strangers(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	size_t blocks;

	make(&fixture, state);
	shell(fixture.top, "ln app/slots/a/large stranger");
	build_well(&fixture, &fixture.delta, &blocks);
	assert_false(is_one_file(&fixture, "large"));
	assert_true(is_one_file(&fixture, "d/same"));
}

static void without_reflinks_there_is_a_choice(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(rebuild_freep) struct rebuild *rebuild = NULL;
	struct rebuild_options options;
	struct error err = {};
	int r;

	fixture_make(&fixture, state);
	options = (struct rebuild_options){ .dirfd = fixture.app,
					    .target = SLOT_A,
					    .source = SLOT_B,
					    .source_index = fixture.running,
					    .index = fixture.index,
					    .dedupe = DEDUPE_REFLINK };
	r = rebuild_new(&options, &rebuild, &err);
	if (local_can_reflink(fixture.app))
		assert_int_equal(r, 0);
	else
		check_error(r, &err, FAULT_CONFIG, "set Dedupe=auto");
}

/* What is repaired gets a file of its own; the others stay one. */
static void a_repair_keeps_it_so(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(salvage_freep) struct salvage *salvage = NULL;
	uint64_t bytes;

	make(&fixture, state);
	shell(fixture.top, "echo TIME >app/slots/a/time; touch -d @7 app/slots/a/time");
	assert_int_equal(salvage_new(fixture.app, SLOT_A, NULL, &salvage, NULL), 0);
	assert_int_equal(salvage_count_wanted(salvage, &bytes), 1);
	assert_int_equal(salvage_from_slot(salvage, SLOT_B, NULL), 0);
	assert_int_equal(salvage_finish(salvage, 0, NULL), 0);
	check_built(&fixture);
	assert_true(is_one_file(&fixture, "large"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(what_is_alike_is_one_file),
		check_in_dir(figures_count_no_byte_of_it),
		check_in_dir(but_of_what_cannot_be_linked),
		check_in_dir(it_stays_so),
		check_in_dir(a_shared_file_is_never_mended),
		check_in_dir(otherwise_they_are_parted),
		check_in_dir(what_is_not_what_its_seal_says_is_not_linked),
		check_in_dir(a_third_name_is_a_strangers),
		check_in_dir(without_reflinks_there_is_a_choice),
		check_in_dir(a_repair_keeps_it_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
