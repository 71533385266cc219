/* LDFLAGS: -Wl,--wrap=durable_sync_dir,--wrap=durable_remove */
#include "install/salvage.h"

#include "release-kit.h"
#include "store/durable.h"

/*
 * Slot b runs `running`; slot a, the one to go back to, holds `old`, which came as old.tar.
 */
#define TREES                                                                              \
	"mkdir -p old/d/e running;"                                                        \
	"head -c 5000000 /dev/urandom >old/large; head -c 900 /dev/urandom >old/d/own;"    \
	"head -c 70000 /dev/urandom >old/d/both; cp old/d/both running/elsewhere;"         \
	"cp old/d/own old/d/own-twice; : >old/empty; ln old/d/own old/own-linked;"         \
	"ln -s d/own old/link; chmod 0755 old/d/both; find old running -exec touch -h -d " \
	"@1700000000 {} +;"                                                                \
	"tar -cf old.tar -C old ."

struct fixture {
	int top;
	int app;
	struct descriptor descriptor; /* of slot a */
};

static void fixture_done(const struct fixture *fixture)
{
	(void)close(fixture->app);
}
#define _cleanup_fixture_ _cleanup_(fixture_done)

static void fixture_make(struct fixture *fixture, void **state)
{
	int top = check_dirfd(state);
	_cleanup_close_ int fd = -1;

	*fixture = (struct fixture){ .top = top, .app = app_make(top, "app") };
	shell(top, TREES);
	kit_stage(fixture->app, SLOT_B, top, "running");
	assert_int_equal(layout_point_current(fixture->app, SLOT_B, NULL), 0);
	fixture->descriptor = app_descriptor();
	fd = shell_open(top, "old.tar");
	assert_int_equal(stage_archive(fixture->app, SLOT_A, fd, &app_options, NULL,
				       &fixture->descriptor, NULL),
			 0);
}

static struct salvage *begin(const struct fixture *fixture)
{
	struct salvage *salvage = NULL;
	struct error err = {};

	if (salvage_new(fixture->app, SLOT_A, NULL, &salvage, &err) != 0)
		fail_msg("%s", err.text);
	return salvage;
}

static void take_archive(struct fixture *fixture, struct salvage *salvage)
{
	_cleanup_close_ int fd = shell_open(fixture->top, "old.tar");
	struct error err = {};

	if (salvage_from_archive(salvage, fd, &app_options, &err) < 0)
		fail_msg("%s", err.text);
}

static void finish(struct salvage *salvage)
{
	struct error err = {};

	if (salvage_finish(salvage, 0, &err) < 0)
		fail_msg("%s", err.text);
}

static void check_mended(struct fixture *fixture)
{
	struct descriptor descriptor;

	assert_int_equal(app_differences(fixture->app, SLOT_A), 0);
	assert_int_equal(app_differences(fixture->app, SLOT_B), 0);
	shell(fixture->top, "diff -r --no-dereference old app/slots/a; diff -r running app/slots/b;"
			    "test -z \"$(ls app/staging)\"");
	assert_int_equal(seal_peek(fixture->app, SLOT_A, &descriptor, NULL), 0);
	assert_true(digest_equal(&descriptor.index, &fixture->descriptor.index));
	assert_true(digest_equal(&descriptor.source, &fixture->descriptor.source));
	assert_int_equal(descriptor.origin, fixture->descriptor.origin);
	assert_string_equal(descriptor.version, fixture->descriptor.version);
}

/* Other bytes, at the same size and time; four, since one of random bytes may be the same. */
#define ROT(path)                                                                          \
	"printf rots | dd of=app/slots/a/" path " bs=1 seek=500 conv=notrunc 2>/dev/null;" \
	"touch -d @1700000000 app/slots/a/" path ";"

static void test_a_content_that_runs_elsewhere(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(salvage_freep) struct salvage *salvage = NULL;
	uint64_t bytes = 0;

	fixture_make(&fixture, state);
	shell(fixture.top, ROT("d/both"));
	salvage = begin(&fixture);
	assert_int_equal(salvage_count_wanted(salvage, &bytes), 1);
	assert_int_equal(bytes, 70000);
	assert_int_equal(salvage_from_slot(salvage, SLOT_B, NULL), 0);
	assert_int_equal(salvage_count_wanted(salvage, NULL), 0);
	finish(salvage);
	check_mended(&fixture);
}

/* What has rotted there too is not taken. */
static void test_a_content_that_has_rotted_twice(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(salvage_freep) struct salvage *salvage = NULL;
	struct error err = {};

	fixture_make(&fixture, state);
	shell(fixture.top,
	      ROT("d/both") "printf rots | dd of=app/slots/b/elsewhere bs=1 conv=notrunc "
			    "2>/dev/null; cp app/slots/b/elsewhere running/elsewhere");
	salvage = begin(&fixture);
	assert_int_equal(salvage_from_slot(salvage, SLOT_B, NULL), 0);
	assert_int_equal(salvage_count_wanted(salvage, NULL), 1);
	check_error(salvage_finish(salvage, 0, &err), &err, FAULT_CORRUPT, "d/both");
	assert_true(app_is_sealed(fixture.app, SLOT_A)); /* better than none */
}

/* All kinds of damage; the inode of what was well stays. */
static void test_from_the_archive(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(salvage_freep) struct salvage *salvage = NULL;

	fixture_make(&fixture, state);
	shell(fixture.top,
	      "stat -c %i app/slots/a/d/both >before;" ROT("large") ROT(
		      "d/own") "rm app/slots/a/empty app/slots/a/link; rm -r app/slots/a/d/e;"
			       "echo strange >app/slots/a/d/strange; chmod 0700 app/slots/a/d/both");
	salvage = begin(&fixture);
	assert_int_equal(salvage_count_wanted(salvage, NULL), 1); /* own: there is its twin */
	take_archive(&fixture, salvage);
	assert_int_equal(salvage_count_wanted(salvage, NULL), 0);
	assert_true(app_is_sealed(fixture.app, SLOT_A));
	finish(salvage);
	check_mended(&fixture);
	shell(fixture.top, "stat -c %i app/slots/a/d/both | cmp - before");
}

/* ---- block by block ---- */

struct blocks {
	struct fixture fixture;
	struct kit_bundle kit;
	struct salvage *salvage;
};

/* Blocks of the release after a command in its tree; then slot a is damaged by another one. */
static void blocks_make(struct blocks *blocks, void **state, const char *command,
			const char *damage)
{
	fixture_make(&blocks->fixture, state);
	shell(blocks->fixture.top, command);
	kit_bundle_make(&blocks->kit, blocks->fixture.top, kit_sealed(blocks->fixture.app, SLOT_A),
			"old", NULL, NULL);
	shell(blocks->fixture.top, damage);
	blocks->salvage = begin(&blocks->fixture);
}

static void blocks_done(struct blocks *blocks)
{
	salvage_free(blocks->salvage);
	index_free(blocks->kit.bundle.index);
	kit_bundle_done(&blocks->kit);
	fixture_done(&blocks->fixture);
}
#define _cleanup_blocks_ _cleanup_(blocks_done)

static int take_block(struct blocks *blocks, size_t i, struct error *err)
{
	const struct bundle *bundle = &blocks->kit.bundle;

	return salvage_take_block(blocks->salvage, bundle, &bundle->blocks[i], blocks->kit.bytes[i],
				  bundle->blocks[i].length, err);
}

static int take_blocks(struct blocks *blocks, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < blocks->kit.bundle.n_blocks; i++)
		r = take_block(blocks, i, err);
	return r;
}

static size_t count_wanted_blocks(const struct blocks *blocks)
{
	size_t n = 0;

	for (size_t i = 0; i < blocks->kit.bundle.n_blocks; i++)
		n += salvage_wants(blocks->salvage, &blocks->kit.bundle.blocks[i]);
	return n;
}

static void test_from_blocks(void **state)
{
	_cleanup_blocks_ struct blocks blocks = {};
	struct error err = {};

	blocks_make(&blocks, state, "", ROT("large") ROT("d/both"));
	assert_int_equal(count_wanted_blocks(&blocks), 3); /* large has two */
	if (take_blocks(&blocks, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(salvage_count_wanted(blocks.salvage, NULL), 0);
	assert_true(app_is_sealed(blocks.fixture.app, SLOT_A));
	finish(blocks.salvage);
	check_mended(&blocks.fixture);
}

/* What is not what was promised is not taken, and the archive still helps. */
static void test_from_bad_blocks(void **state)
{
	_cleanup_blocks_ struct blocks blocks = {};
	struct error err = {};

	blocks_make(&blocks, state, "", ROT("large"));
	blocks.kit.bytes[blocks.kit.bundle.n_blocks - 1][99] ^= 1; /* the second one of large */
	check_error(take_blocks(&blocks, &err), &err, FAULT_UNTRUSTED, "");
	assert_int_equal(salvage_count_wanted(blocks.salvage, NULL), 1);
	take_archive(&blocks.fixture, blocks.salvage);
	finish(blocks.salvage);
	check_mended(&blocks.fixture);
}

/* The promised bytes, of another file. */
static void test_from_blocks_of_another_content(void **state)
{
	_cleanup_blocks_ struct blocks blocks = {};
	struct error err = {};

	blocks_make(&blocks, state,
		    "printf rots | dd of=old/large bs=1 seek=4999996 conv=notrunc 2>/dev/null",
		    ROT("large"));
	check_error(take_blocks(&blocks, &err), &err, FAULT_CORRUPT, "large make another file");
	assert_int_equal(salvage_count_wanted(blocks.salvage, NULL), 1);
	shell(blocks.fixture.top, "test -z \"$(ls app/staging)\"");
}

static void test_blocks_in_disorder(void **state)
{
	_cleanup_blocks_ struct blocks blocks = {};
	struct error err = {};

	blocks_make(&blocks, state, "", ROT("large"));
	check_error(take_block(&blocks, blocks.kit.bundle.n_blocks - 1, &err), &err, FAULT_INTERNAL,
		    "order");
}

/* Nothing of it is looked at. */
static void test_another_archive(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(salvage_freep) struct salvage *salvage = NULL;
	_cleanup_close_ int fd = -1;
	struct error err = {};

	fixture_make(&fixture, state);
	shell(fixture.top, ROT("large") "tar -cf other.tar -C running .");
	salvage = begin(&fixture);
	fd = shell_open(fixture.top, "other.tar");
	check_error(salvage_from_archive(salvage, fd, &app_options, &err), &err, FAULT_UNTRUSTED,
		    "");
	assert_int_equal(salvage_count_wanted(salvage, NULL), 1);
}

static void test_no_room(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(salvage_freep) struct salvage *salvage = NULL;
	struct error err = {};

	fixture_make(&fixture, state);
	shell(fixture.top, ROT("large"));
	salvage = begin(&fixture);
	take_archive(&fixture, salvage);
	check_error(salvage_finish(salvage, 1ULL << 60, &err), &err, FAULT_NO_SPACE, "");
	assert_true(app_is_sealed(fixture.app, SLOT_A));
}

/* ---- the two seals ---- */

static struct {
	int app;
	bool synced; /* the seal lies aside, and that was synced */
	bool removed; /* the slot's own, after that */
} seals;

int __real_durable_sync_dir(int dirfd, struct error *err);
int __wrap_durable_sync_dir(int dirfd, struct error *err);
int __wrap_durable_sync_dir(int dirfd, struct error *err)
{
	struct stat staging;
	struct stat st;

	if (seals.app > 0 && fstatat(seals.app, "staging/seal", &st, 0) == 0 &&
	    fstatat(seals.app, "staging", &staging, 0) == 0 && fstat(dirfd, &st) == 0)
		seals.synced |= st.st_ino == staging.st_ino;
	return __real_durable_sync_dir(dirfd, err);
}

int __real_durable_remove(int dirfd, const char *name, struct error *err);
int __wrap_durable_remove(int dirfd, const char *name, struct error *err);
int __wrap_durable_remove(int dirfd, const char *name, struct error *err)
{
	if (strcmp(name, slot_seal_name(SLOT_A)) == 0)
		seals.removed = seals.synced;
	return __real_durable_remove(dirfd, name, err);
}

/* Not every file system keeps the order of names by itself: without a seal in either place there is no way back. */
static void test_one_is_synced_before_the_other_goes(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(salvage_freep) struct salvage *salvage = NULL;

	fixture_make(&fixture, state);
	shell(fixture.top, ROT("large"));
	salvage = begin(&fixture);
	take_archive(&fixture, salvage);
	memset(&seals, 0, sizeof(seals));
	seals.app = fixture.app;
	finish(salvage);
	seals.app = 0;
	assert_true(seals.removed);
	check_mended(&fixture);
}

/* Killed between the two seals: the one that was laid aside is enough to go on by. */
static void test_going_on_after_a_kill(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	_cleanup_(salvage_freep) struct salvage *salvage = NULL;
	struct descriptor descriptor;

	fixture_make(&fixture, state);
	shell(fixture.top, ROT("large") "mkdir app/staging; ln app/slots/a.seal app/staging/seal");
	assert_int_equal(salvage_peek(fixture.app, SLOT_A, &descriptor, NULL), SEAL_ABSENT);
	assert_int_equal(durable_remove(fixture.app, slot_seal_name(SLOT_A), NULL), 0);
	shell(fixture.top, "rm app/slots/a/d/both");
	assert_int_equal(salvage_peek(fixture.app, SLOT_A, &descriptor, NULL), 0);
	assert_true(digest_equal(&descriptor.index, &fixture.descriptor.index));
	salvage = begin(&fixture);
	take_archive(&fixture, salvage);
	finish(salvage);
	check_mended(&fixture);
}

static void test_what_is_not_mended(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	struct salvage *salvage = NULL;
	struct error err = {};

	fixture_make(&fixture, state);
	check_error(salvage_new(fixture.app, SLOT_B, NULL, &salvage, &err), &err, FAULT_INTERNAL,
		    "current");
	assert_int_equal(durable_remove(fixture.app, slot_seal_name(SLOT_A), NULL), 0);
	assert_int_equal(salvage_new(fixture.app, SLOT_A, NULL, &salvage, NULL), SEAL_ABSENT);
	assert_null(salvage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_a_content_that_runs_elsewhere),
		check_in_dir(test_a_content_that_has_rotted_twice),
		check_in_dir(test_from_the_archive),
		check_in_dir(test_from_blocks),
		check_in_dir(test_from_bad_blocks),
		check_in_dir(test_from_blocks_of_another_content),
		check_in_dir(test_blocks_in_disorder),
		check_in_dir(test_another_archive),
		check_in_dir(test_no_room),
		check_in_dir(test_one_is_synced_before_the_other_goes),
		check_in_dir(test_going_on_after_a_kill),
		check_in_dir(test_what_is_not_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
