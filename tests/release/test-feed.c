/* LDFLAGS: -Wl,--wrap=archive_read_set_read_callback,--wrap=archive_read_set_skip_callback,--wrap=archive_read_set_seek_callback,--wrap=archive_filter_bytes */
#include "release/feed.h"

#include <archive.h>

#include "../base/check.h"

#define SIZE (2 * PIECES_SIZE + 17)

/* The callbacks themselves, which libarchive would have been given. */
static archive_read_callback *read_callback;
static archive_skip_callback *skip_callback;
static archive_seek_callback *seek_callback;

int __wrap_archive_read_set_read_callback(struct archive *a, archive_read_callback *callback);
int __wrap_archive_read_set_skip_callback(struct archive *a, archive_skip_callback *callback);
int __wrap_archive_read_set_seek_callback(struct archive *a, archive_seek_callback *callback);

int __wrap_archive_read_set_read_callback(struct archive *a, archive_read_callback *callback)
{
	read_callback = callback;
	return ARCHIVE_OK;
}

int __wrap_archive_read_set_skip_callback(struct archive *a, archive_skip_callback *callback)
{
	skip_callback = callback;
	return ARCHIVE_OK;
}

int __wrap_archive_read_set_seek_callback(struct archive *a, archive_seek_callback *callback)
{
	seek_callback = callback;
	return ARCHIVE_OK;
}

/* What came out of the decompressor. */
static la_int64_t unpacked;

la_int64_t __wrap_archive_filter_bytes(struct archive *a, int n);
la_int64_t __wrap_archive_filter_bytes(struct archive *a, int n)
{
	return unpacked;
}

struct fixture {
	int fd;
	uint8_t *bytes;
	struct archive *archive;
	struct archive_options options;
	struct pieces *pieces;
	struct intake *intake;
	struct feed feed;
	struct error err;
};

static void prepare(struct fixture *f, int dirfd)
{
	*f = (struct fixture){ .options = { .max_ratio = 1000 } };
	f->bytes = malloc(SIZE);
	for (size_t i = 0; i < SIZE; i++)
		f->bytes[i] = (uint8_t)(i * 31 + i / PIECES_SIZE);
	check_write(dirfd, "f", f->bytes, SIZE);
	f->fd = openat(dirfd, "f", O_RDWR | O_CLOEXEC);
	f->archive = archive_read_new();
	assert_int_equal(pieces_new(f->fd, NULL, SIZE, NULL, NULL, &f->pieces, NULL), 0);
	assert_int_equal(intake_new(&f->options, SIZE, &f->intake, NULL), 0);
	f->feed = (struct feed){ .pieces = f->pieces, .intake = f->intake, .err = &f->err };
	feed_attach(&f->feed, f->archive);
}

static void done(struct fixture *f)
{
	(void)archive_read_free(f->archive);
	intake_free(f->intake);
	pieces_free(f->pieces);
	free(f->bytes);
	(void)close(f->fd);
}

/* The next bytes are those at the position, n of them; 0: the end. */
static void check_read(struct fixture *f, size_t position, size_t n)
{
	const void *bytes = NULL;

	assert_int_equal(read_callback(f->archive, &f->feed, &bytes), (la_ssize_t)n);
	if (n > 0)
		assert_memory_equal(bytes, f->bytes + position, n);
}

static void test_reads_skips_and_seeks(void **state)
{
	struct fixture f;

	prepare(&f, check_dirfd(state));
	check_read(&f, 0, PIECES_SIZE);
	assert_int_equal(skip_callback(f.archive, &f.feed, 100), 100);
	check_read(&f, PIECES_SIZE + 100, PIECES_SIZE - 100);
	check_read(&f, 2 * PIECES_SIZE, 17);
	check_read(&f, 0, 0);
	assert_int_equal(skip_callback(f.archive, &f.feed, 1), 0);
	assert_int_equal(skip_callback(f.archive, &f.feed, -1), 0);
	assert_int_equal(seek_callback(f.archive, &f.feed, -20, SEEK_END), SIZE - 20);
	check_read(&f, SIZE - 20, 3);
	assert_int_equal(seek_callback(f.archive, &f.feed, 5, SEEK_SET), 5);
	assert_int_equal(seek_callback(f.archive, &f.feed, 5, SEEK_CUR), 10);
	check_read(&f, 10, PIECES_SIZE - 10);
	assert_int_equal(skip_callback(f.archive, &f.feed, INT64_MAX), SIZE - PIECES_SIZE);
	check_read(&f, 0, 0);
	done(&f);
}

static void test_does_not_seek_outside(void **state)
{
	struct fixture f;

	prepare(&f, check_dirfd(state));
	assert_true(seek_callback(f.archive, &f.feed, -1, SEEK_SET) < 0);
	assert_true(seek_callback(f.archive, &f.feed, 1, SEEK_END) < 0);
	assert_true(seek_callback(f.archive, &f.feed, INT64_MAX, SEEK_END) < 0);
	assert_true(seek_callback(f.archive, &f.feed, INT64_MIN, SEEK_END) < 0);
	assert_int_equal(seek_callback(f.archive, &f.feed, 0, SEEK_END), SIZE);
	check_read(&f, 0, 0);
	done(&f);
}

/* A zip that leads its reader to and fro would cost a digest of a MiB for each of its entries. */
static void test_reading_over_and_over_ends(void **state)
{
	const void *bytes;
	struct fixture f;
	int n;

	prepare(&f, check_dirfd(state));
	for (n = 0; n < 1000; n++) {
		(void)seek_callback(f.archive, &f.feed, n % 2 * PIECES_SIZE, SEEK_SET);
		if (read_callback(f.archive, &f.feed, &bytes) < 0)
			break;
	}
	assert_in_range(n, 3 * 4, 100);
	check_error(f.feed.code, &f.err, FAULT_CORRUPT, "to and fro");
	done(&f);
}

static void test_a_changed_piece_is_an_error(void **state)
{
	const void *bytes = NULL;
	struct fixture f;

	prepare(&f, check_dirfd(state));
	assert_int_equal(pwrite(f.fd, "evil", 4, 100), 4);
	assert_true(read_callback(f.archive, &f.feed, &bytes) < 0);
	assert_null(bytes);
	check_error(f.feed.code, &f.err, FAULT_CORRUPT, "changed");
	done(&f);
}

/* A little that becomes a lot without an entry being seen is a bomb too. */
static void test_what_is_unpacked_counts(void **state)
{
	const void *bytes;
	struct fixture f;

	prepare(&f, check_dirfd(state));
	unpacked = 1000LL * SIZE;
	check_read(&f, 0, PIECES_SIZE);
	unpacked = 1001LL * SIZE;
	assert_true(read_callback(f.archive, &f.feed, &bytes) < 0);
	check_error(f.feed.code, &f.err, FAULT_NO_SPACE, "a bomb");
	unpacked = 0;
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_reads_skips_and_seeks),
		check_in_dir(test_does_not_seek_outside),
		check_in_dir(test_reading_over_and_over_ends),
		check_in_dir(test_a_changed_piece_is_an_error),
		check_in_dir(test_what_is_unpacked_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
