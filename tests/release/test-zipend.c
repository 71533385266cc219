#include "release/zipend.h"

#include "../base/check.h"

#define END	"PK\5\6\0\0\0\0"
#define REST	"\0\0\0\0\0\0\0\0\0\0"
#define LOCATOR "PK\6\7\0\0\0\0"

static int count(int dirfd, const void *bytes, size_t size, uint64_t *ret_count, struct error *err)
{
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	_cleanup_close_ int fd = -1;

	check_write(dirfd, "z", bytes, size);
	fd = openat(dirfd, "z", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pieces_new(fd, NULL, UINT64_MAX, NULL, NULL, &pieces, NULL), 0);
	return zipend_count(pieces, ret_count, err);
}

static void test_end_record(void **state)
{
	static const char bytes[] = "some" END "\2\1\2\1" REST;
	uint64_t n = 0;

	assert_int_equal(count(check_dirfd(state), bytes, sizeof(bytes) - 1, &n, NULL), 0);
	assert_int_equal(n, 0x102);
	/* alone, and with a comment */
	assert_int_equal(count(check_dirfd(state), bytes + 4, sizeof(bytes) - 5, &n, NULL), 0);
	assert_int_equal(count(check_dirfd(state), bytes, sizeof(bytes), &n, NULL), 0);
	assert_int_equal(n, 0x102);
}

/* The end record lies across the border of two pieces. */
static void test_across_pieces(void **state)
{
	size_t size = PIECES_SIZE + 10;
	_cleanup_free_ char *bytes = calloc(1, size);
	uint64_t n = 0;

	(void)mempcpy(bytes + size - 22, END "\7\0\7\0" REST, 22);
	assert_int_equal(count(check_dirfd(state), bytes, size, &n, NULL), 0);
	assert_int_equal(n, 7);
}

static void test_zip64(void **state)
{
	char bytes[56 + 20 + 22] = "PK\6\6";
	uint64_t n = 0;
	struct error err = {};

	bytes[32] = 0x70;
	bytes[34] = 1;
	memcpy(bytes + 56, LOCATOR, 8);
	memcpy(bytes + 76, END "\xff\xff\xff\xff" REST, 22);
	assert_int_equal(count(check_dirfd(state), bytes, sizeof(bytes), &n, NULL), 0);
	assert_int_equal(n, 0x10070);
	bytes[64] = 1; /* not there */
	check_error(count(check_dirfd(state), bytes, sizeof(bytes), &n, &err), &err, FAULT_CORRUPT,
		    "no end");
	bytes[71] = (char)0xff; /* far outside */
	check_error(count(check_dirfd(state), bytes, sizeof(bytes), &n, &err), &err, FAULT_CORRUPT,
		    "no end");
	bytes[56] = 'X'; /* no locator: the number is meant as it is */
	assert_int_equal(count(check_dirfd(state), bytes, sizeof(bytes), &n, NULL), 0);
	assert_int_equal(n, 0xffff);
}

static void test_none(void **state)
{
	static char bytes[20000];
	struct error err = {};
	uint64_t n;

	check_error(count(check_dirfd(state), "PK", 2, &n, &err), &err, FAULT_CORRUPT, "no end");
	check_error(count(check_dirfd(state), "", 0, &n, &err), &err, FAULT_CORRUPT, "no end");
	memcpy(bytes, END, 8); /* too far from the end */
	check_error(count(check_dirfd(state), bytes, sizeof(bytes), &n, &err), &err, FAULT_CORRUPT,
		    "no end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_end_record),
		check_in_dir(test_across_pieces),
		check_in_dir(test_zip64),
		check_in_dir(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
