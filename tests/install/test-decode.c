#include "install/decode.h"

#include "release-kit.h"

struct fixture {
	int dirfd;
	int source_fd;
	struct index *index;
	struct index *source;
	struct kit_bundle kit;
	struct decode *decode;
};

static void done(const struct fixture *fixture)
{
	decode_free(fixture->decode);
	(void)close(fixture->source_fd);
	kit_bundle_done(&fixture->kit);
	index_free(fixture->index);
	index_free(fixture->source);
}
#define _cleanup_fixture_ _cleanup_(done)

static void make(struct fixture *fixture, void **state)
{
	int dirfd = check_dirfd(state);

	*fixture = (struct fixture){ .dirfd = dirfd };
	shell(dirfd,
	      "mkdir old new; head -c 100000 /dev/urandom >old/f; cp old/f new/f; echo more >>new/f;"
	      "echo other >old/other; echo plain >new/g");
	fixture->index = kit_index(dirfd, "new");
	fixture->source = kit_index(dirfd, "old");
	fixture->source_fd = shell_open(dirfd, "old");
	kit_bundle_make(&fixture->kit, dirfd, fixture->index, "new", fixture->source, "old");
	assert_int_equal(fixture->kit.bundle.n_blocks, 2);
	assert_int_equal(decode_new(fixture->source_fd, fixture->source, &fixture->decode, NULL),
			 0);
}

static int decode(struct fixture *fixture, size_t n, struct error *err)
{
	const struct bundle_block *block = &fixture->kit.bundle.blocks[n];

	return decode_block(fixture->decode, block, fixture->kit.bytes[n], block->length,
			    bundle_raw_size(&fixture->kit.bundle, block), err);
}

static void check_buffer(const struct fixture *fixture, const char *name)
{
	_cleanup_free_ char *bytes = NULL;
	size_t size;

	assert_int_equal(fd_read_file(fixture->dirfd, name, 1 << 20, &bytes, &size, NULL), 0);
	assert_memory_equal(decode_buffer(fixture->decode), bytes, size);
}

static void test_decodes(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	assert_int_equal(fixture.kit.bundle.blocks[0].kind, BLOCK_PREFIX);
	assert_int_equal(decode(&fixture, 0, NULL), 0);
	check_buffer(&fixture, "new/f");
	assert_int_equal(decode(&fixture, 1, NULL), 0);
	check_buffer(&fixture, "new/g");
	assert_int_equal(decode(&fixture, 0, NULL), 0);
	assert_int_equal(decode_check_base(fixture.decode, &fixture.kit.bundle.blocks[0], NULL), 0);
	assert_null(decode_take_finding(fixture.decode));
}

/* Said once, however many blocks refer to it. */
static void test_a_base_that_differs(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	shell(fixture.dirfd, "printf rots | dd of=old/f conv=notrunc 2>/dev/null");
	assert_int_equal(decode(&fixture, 0, NULL), 0);
	assert_int_equal(decode_check_base(fixture.decode, &fixture.kit.bundle.blocks[0], NULL),
			 DECODE_NO_BASE);
	assert_string_equal(decode_take_finding(fixture.decode), "content differs");
	assert_int_equal(decode(&fixture, 0, NULL), DECODE_NO_BASE);
	assert_null(decode_take_finding(fixture.decode));
	assert_int_equal(decode(&fixture, 1, NULL), 0);
}

static void test_a_base_that_is_cut_short_later(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	assert_int_equal(decode(&fixture, 0, NULL), 0);
	shell(fixture.dirfd, "truncate -s 10 old/f");
	assert_int_equal(decode(&fixture, 0, NULL), DECODE_NO_BASE);
	assert_string_equal(decode_take_finding(fixture.decode),
			    "was cut short, or cannot be read");
}

static void test_a_base_that_changes_later(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	assert_int_equal(decode(&fixture, 0, NULL), 0);
	shell(fixture.dirfd, "printf rots | dd of=old/f conv=notrunc 2>/dev/null");
	assert_int_equal(decode_check_base(fixture.decode, &fixture.kit.bundle.blocks[0], NULL),
			 DECODE_NO_BASE);
	assert_string_equal(decode_take_finding(fixture.decode), "content differs");
}

static void test_a_base_that_is_not_there_when_it_is_checked(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	make(&fixture, state);
	shell(fixture.dirfd, "rm -f old/f");
	assert_int_equal(decode_check_base(fixture.decode, &fixture.kit.bundle.blocks[0], NULL),
			 DECODE_NO_BASE);
	assert_string_equal(decode_take_finding(fixture.decode), "cannot be opened");
}

static void test_no_such_base(void **state)
{
	_cleanup_fixture_ struct fixture fixture;
	struct error err = {};

	make(&fixture, state);
	fixture.kit.bundle.blocks[0].base = 77;
	check_error(decode(&fixture, 0, &err), &err, FAULT_INTERNAL, "base");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_decodes),
		check_in_dir(test_a_base_that_differs),
		check_in_dir(test_a_base_that_is_cut_short_later),
		check_in_dir(test_a_base_that_changes_later),
		check_in_dir(test_a_base_that_is_not_there_when_it_is_checked),
		check_in_dir(test_no_such_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
