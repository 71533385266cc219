#include "install/assembly.h"

#include "release-kit.h"

#define SIZE (2 * BLOCK_SIZE + 1000)

struct fixture {
	int dirfd;
	int staging;
	struct index *index;
	struct contents *contents;
	struct assembly *assembly;
	struct kit_bundle kit;
	char *bytes;
	char *buffer;
};

static void done(const struct fixture *fixture)
{
	(void)close(fixture->staging);
	assembly_free(fixture->assembly);
	contents_free(fixture->contents);
	index_free(fixture->index);
	kit_bundle_done(&fixture->kit);
	free(fixture->bytes);
	free(fixture->buffer);
}
#define _cleanup_fixture_ _cleanup_(done)

static void restart(struct fixture *fixture)
{
	assembly_free(TAKE_PTR(fixture->assembly));
	assert_int_equal(assembly_new(fixture->contents, &fixture->assembly, NULL), 0);
}

static void make(struct fixture *fixture, void **state)
{
	int dirfd = check_dirfd(state);

	*fixture = (struct fixture){ .dirfd = dirfd,
				     .bytes = malloc(SIZE),
				     .buffer = malloc(BLOCK_SIZE) };
	for (size_t i = 0; i < SIZE; i++)
		fixture->bytes[i] = (char)(i / 1000 + i);
	memset(fixture->bytes + BLOCK_SIZE, 0, BLOCK_SIZE / 2);
	shell(dirfd, "mkdir t staging");
	check_write(dirfd, "t/f", fixture->bytes, SIZE);
	fixture->staging = shell_open(dirfd, "staging");
	fixture->index = kit_index(dirfd, "t");
	kit_bundle_make(&fixture->kit, dirfd, fixture->index, "t", NULL, NULL);
	assert_int_equal(contents_new(fixture->index, &fixture->contents, NULL), 0);
	restart(fixture);
}

static int add(struct fixture *fixture, uint32_t number, struct error *err)
{
	size_t at = (size_t)number * BLOCK_SIZE;

	return assembly_add(fixture->assembly, fixture->staging, 0, fixture->bytes + at,
			    SIZE - at < BLOCK_SIZE ? SIZE - at : BLOCK_SIZE, err);
}

static void resume(struct fixture *fixture, uint32_t wanted)
{
	restart(fixture);
	assert_int_equal(assembly_resume(fixture->assembly, fixture->staging, 0,
					 &fixture->kit.bundle, 0, fixture->buffer, NULL),
			 0);
	assert_int_equal(assembly_reached(fixture->assembly, 0), wanted);
}

static void test_grows(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	assert_int_equal(add(&fixture, 0, NULL), 0);
	assert_int_equal(add(&fixture, 1, NULL), 0);
	assert_int_equal(assembly_reached(fixture.assembly, 0), 2);
	assert_int_equal(add(&fixture, 2, NULL), ASSEMBLY_COMPLETE);
	shell(fixture.dirfd, "cmp t/f staging/$(sha256sum t/f | cut -d' ' -f1)");
}

static void test_goes_on_where_it_was(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	resume(&fixture, 0);
	assert_int_equal(add(&fixture, 0, NULL), 0);
	assert_int_equal(add(&fixture, 1, NULL), 0);
	resume(&fixture, 2);
	assert_int_equal(add(&fixture, 2, NULL), ASSEMBLY_COMPLETE);
	shell(fixture.dirfd, "cmp t/f staging/*");
}

/* What came with the head has no digest block by block: its bytes are compared. */
static void test_goes_on_with_what_came_with_the_head(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	struct bundle *bundle = &fixture.kit.bundle;

	make(&fixture, state);
	assert_int_equal(bundle->n_blocks, 3);
	for (size_t i = 0; i < bundle->n_blocks; i++) {
		bundle->blocks[i].is_inlined = true;
		bundle->blocks[i].kind = BLOCK_STORED;
		bundle->blocks[i].bytes = (uint8_t *)fixture.bytes + i * BLOCK_SIZE;
		bundle->blocks[i].raw = (struct bundle_short){};
	}
	assert_int_equal(add(&fixture, 0, NULL), 0);
	assert_int_equal(add(&fixture, 1, NULL), 0);
	resume(&fixture, 2);
	shell(fixture.dirfd,
	      "printf rots | dd of=$(echo staging/*) bs=1 seek=4194304 conv=notrunc 2>/dev/null");
	resume(&fixture, 1);
	assert_int_equal(add(&fixture, 1, NULL), 0);
	assert_int_equal(add(&fixture, 2, NULL), ASSEMBLY_COMPLETE);
	shell(fixture.dirfd, "cmp t/f staging/*");
}

/* Of zeroes holes are made: not over what lay there. */
static void test_garbage_does_not_shine_through_holes(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	assert_int_equal(add(&fixture, 0, NULL), 0);
	shell(fixture.dirfd, "tr '\\0' x </dev/zero | head -c 20M >>$(echo staging/*)");
	resume(&fixture, 1);
	assert_int_equal(add(&fixture, 1, NULL), 0);
	assert_int_equal(add(&fixture, 2, NULL), ASSEMBLY_COMPLETE);
	shell(fixture.dirfd, "cmp t/f staging/*");
}

/* A power cut left zeroes, or somebody garbage: up to there it is believed. */
static void test_keeps_only_what_is_good(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	assert_int_equal(add(&fixture, 0, NULL), 0);
	assert_int_equal(add(&fixture, 1, NULL), 0);
	shell(fixture.dirfd,
	      "printf rots | dd of=$(echo staging/*) bs=1 seek=4194304 conv=notrunc 2>/dev/null;"
	      "truncate -s 20M staging/*");
	resume(&fixture, 4194304 / BLOCK_SIZE);
	for (uint32_t i = assembly_reached(fixture.assembly, 0); i < 2; i++)
		assert_int_equal(add(&fixture, i, NULL), 0);
	assert_int_equal(add(&fixture, 2, NULL), ASSEMBLY_COMPLETE);
	shell(fixture.dirfd, "cmp t/f staging/*");
}

static void test_another_content_is_dropped(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	fixture.bytes[5] ^= 1;
	assert_int_equal(add(&fixture, 0, NULL), 0);
	assert_int_equal(add(&fixture, 1, NULL), 0);
	assert_int_equal(add(&fixture, 2, NULL), ASSEMBLY_DIFFERS);
	assert_int_equal(assembly_reached(fixture.assembly, 0), 0);
	shell(fixture.dirfd, "test -z \"$(ls staging)\"");
}

/* What grows is ours alone: nothing is written into a file that has another name, or is another one. */
static void test_somebody_elses_file(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	struct error err = {};

	make(&fixture, state);
	assert_int_equal(add(&fixture, 0, NULL), 0);
	shell(fixture.dirfd, "ln staging/* other; cp other before");
	check_error(add(&fixture, 1, &err), &err, FAULT_BUSY, "f: somebody else changes staging/");
	shell(fixture.dirfd, "cmp other before; rm other");
	assert_int_equal(add(&fixture, 0, NULL), 0);
	shell(fixture.dirfd, "cp before copy; mv copy $(echo staging/*); cp staging/* before");
	check_error(add(&fixture, 1, &err), &err, FAULT_BUSY, "f: somebody else changes staging/");
	shell(fixture.dirfd, "cmp staging/* before");
}

/* What was verified and written is not what lies there any more: that gets into no slot. */
static void test_changed_while_it_grows(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	struct error err = {};

	make(&fixture, state);
	assert_int_equal(add(&fixture, 0, NULL), 0);
	shell(fixture.dirfd,
	      "sleep 0.05; printf rots | dd of=$(echo staging/*) bs=1 seek=1000 conv=notrunc 2>/dev/null");
	assert_int_equal(add(&fixture, 1, NULL), 0);
	check_error(add(&fixture, 2, &err), &err, FAULT_BUSY, "f: somebody else changes staging/");
	shell(fixture.dirfd, "test -z \"$(ls staging)\"");
}

/* Some file systems give a file another time when they have written it: that alone is no change. */
static void test_touched_while_it_grows(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	assert_int_equal(add(&fixture, 0, NULL), 0);
	shell(fixture.dirfd, "sleep 0.05; touch staging/*");
	assert_int_equal(add(&fixture, 1, NULL), 0);
	assert_int_equal(add(&fixture, 2, NULL), ASSEMBLY_COMPLETE);
	shell(fixture.dirfd, "cmp t/f staging/*");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_grows),
		check_in_dir(test_goes_on_where_it_was),
		check_in_dir(test_goes_on_with_what_came_with_the_head),
		check_in_dir(test_garbage_does_not_shine_through_holes),
		check_in_dir(test_keeps_only_what_is_good),
		check_in_dir(test_another_content_is_dropped),
		check_in_dir(test_somebody_elses_file),
		check_in_dir(test_changed_while_it_grows),
		check_in_dir(test_touched_while_it_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
