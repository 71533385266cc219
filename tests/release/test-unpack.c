#include "release/unpack.h"

#include <archive.h>
#include <pthread.h>
#include <signal.h>

#include "base/fd.h"
#include "shell.h"

#define SIZE (3 * PIECES_SIZE + 123)

static const struct {
	const char *tool;
	const char *name;
	unpack_filter filter;
} kinds[] = {
	{ "gzip", "f.gz", archive_read_support_filter_gzip },
	{ "bzip2", "f.bz2", archive_read_support_filter_bzip2 },
	{ "xz", "f.xz", archive_read_support_filter_xz },
	{ "zstd", "f.zst", archive_read_support_filter_zstd },
};

static struct pieces *open_pieces(int dirfd, const char *name, int *ret_fd)
{
	struct pieces *pieces = NULL;

	*ret_fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);
	assert_true(*ret_fd >= 0);
	assert_int_equal(pieces_new(*ret_fd, NULL, 1 << 30, NULL, NULL, &pieces, NULL), 0);
	return pieces;
}

/* Reads to the end; all that came must be a beginning of `wanted`. Returns what unpack_read did. */
static int read_all(struct unpack *unpack, const uint8_t *wanted, size_t *ret_size,
		    struct error *err)
{
	uint64_t last = 0;
	uint64_t position = 0;

	*ret_size = 0;
	for (;;) {
		const void *bytes;
		size_t size;
		int r = unpack_read(unpack, &bytes, &size, &position, err);

		if (r < 0)
			return r;
		assert_true(position >= last);
		last = position;
		if (size == 0)
			return 0;
		assert_true(*ret_size + size <= SIZE);
		if (memcmp(bytes, wanted + *ret_size, size) != 0)
			fail_msg("other bytes came out");
		*ret_size += size;
	}
}

static uint8_t *make_file(int dirfd)
{
	uint8_t *bytes = malloc(SIZE);

	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = i % 3 ? (uint8_t)check_random() : 'x';
	check_write(dirfd, "f", bytes, SIZE);
	return bytes;
}

static void compress_by(int dirfd, const char *tool, const char *name)
{
	assert_int_equal(
		shell_run(dirfd, (const char *const[]){ tool, "-1", "-q", "-k", "-f", name, NULL }),
		0);
}

static void test_all_comes_out(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ uint8_t *bytes = make_file(dirfd);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_close_ int fd = -1;
		_cleanup_(pieces_freep) struct pieces *pieces = NULL;
		_cleanup_(unpack_freep) struct unpack *unpack = NULL;
		struct error err = {};
		size_t size;

		compress_by(dirfd, kinds[i].tool, "f");
		pieces = open_pieces(dirfd, kinds[i].name, &fd);
		assert_int_equal(unpack_new(pieces, kinds[i].filter, &unpack, NULL), 0);
		if (read_all(unpack, bytes, &size, &err) < 0)
			fail_msg("%s: %s", kinds[i].name, err.text);
		assert_int_equal(size, SIZE);
		/* the end stays the end */
		assert_int_equal(read_all(unpack, bytes, &size, NULL), 0);
		assert_int_equal(size, 0);
	}
}

/* After any number of reads, and at once: the thread ends, whether it waits for room or for nothing. */
static void test_the_reader_may_leave(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	_cleanup_close_ int fd = -1;

	free(make_file(dirfd));
	compress_by(dirfd, "zstd", "f");
	pieces = open_pieces(dirfd, "f.zst", &fd);
	for (int reads = 0; reads < 24; reads++) {
		_cleanup_(unpack_freep) struct unpack *unpack = NULL;

		assert_int_equal(
			unpack_new(pieces, archive_read_support_filter_zstd, &unpack, NULL), 0);
		for (int i = 0; i < reads; i++) {
			const void *data;
			size_t size;
			uint64_t position;

			assert_int_equal(unpack_read(unpack, &data, &size, &position, NULL), 0);
		}
		if (reads % 2 == 0)
			(void)usleep(1000);
	}
}

/* A damaged archive: what came out before is true, then comes the error, and it stays. */
static void check_error_after(int dirfd, const char *name, unpack_filter filter,
			      const uint8_t *wanted, const char *word)
{
	_cleanup_close_ int fd = -1;
	_cleanup_(pieces_freep) struct pieces *pieces = open_pieces(dirfd, name, &fd);
	_cleanup_(unpack_freep) struct unpack *unpack = NULL;
	struct error err = {};
	size_t size;

	assert_int_equal(unpack_new(pieces, filter, &unpack, NULL), 0);
	check_error(read_all(unpack, wanted, &size, &err), &err, FAULT_CORRUPT, word);
	assert_true(size < SIZE);
	check_error(read_all(unpack, wanted, &size, &err), &err, FAULT_CORRUPT, word);
}

static void test_damage(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ uint8_t *bytes = make_file(dirfd);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		compress_by(dirfd, kinds[i].tool, "f");
		shell(dirfd, "rm -f cut; for c in gz bz2 xz zst; do test ! -e f.$c ||"
			     " { head -c -1000000 f.$c >cut; rm f.$c; }; done");
		check_error_after(dirfd, "cut", kinds[i].filter, bytes, "cannot be decompressed");
	}
}

static void test_twice_compressed(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ uint8_t *bytes = make_file(dirfd);

	shell(dirfd, "gzip -c f | gzip -c >ff");
	check_error_after(dirfd, "ff", archive_read_support_filter_gzip, bytes, "more than once");
	shell(dirfd, "gzip -c f | gzip -c | gzip -c | gzip -c >ff");
	check_error_after(dirfd, "ff", archive_read_support_filter_gzip, bytes, "more than once");
	shell(dirfd, "zstd -qc f | zstd -qc >ff");
	check_error_after(dirfd, "ff", archive_read_support_filter_zstd, bytes, "more than once");
}

/* One after the other, that end with a slab, with a skippable and an empty one between. */
static void test_many_frames(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ uint8_t *bytes = make_file(dirfd);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	_cleanup_(unpack_freep) struct unpack *unpack = NULL;
	_cleanup_close_ int fd = -1;
	size_t size;

	shell(dirfd,
	      "{ head -c 262144 f | zstd -qc; printf '\\120\\052\\115\\030\\003\\0\\0\\0abc';"
	      "tail -c +262145 f | head -c 524288 | zstd -qc; : | zstd -qc;"
	      "tail -c +786433 f | zstd -qc; } >frames; "
	      "head -c 1000 frames >cut");
	pieces = open_pieces(dirfd, "frames", &fd);
	assert_int_equal(unpack_new(pieces, archive_read_support_filter_zstd, &unpack, NULL), 0);
	assert_int_equal(read_all(unpack, bytes, &size, NULL), 0);
	assert_int_equal(size, SIZE);
	check_error_after(dirfd, "cut", archive_read_support_filter_zstd, bytes, "truncated");
}

/* The piece that changed is not decompressed. */
static void test_changed_piece(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ uint8_t *bytes = make_file(dirfd);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	_cleanup_(unpack_freep) struct unpack *unpack = NULL;
	_cleanup_close_ int fd = -1;
	struct error err = {};
	size_t size;

	compress_by(dirfd, "zstd", "f");
	pieces = open_pieces(dirfd, "f.zst", &fd);
	assert_int_equal(pwrite(fd, "evil", 4, PIECES_SIZE + 1000), 4);
	assert_int_equal(unpack_new(pieces, archive_read_support_filter_zstd, &unpack, NULL), 0);
	check_error(read_all(unpack, bytes, &size, &err), &err, FAULT_CORRUPT,
		    "changed while it was being read");
	assert_true(size < 2 * PIECES_SIZE);
}

static void test_nothing_inside(void **state)
{
	struct error err = {};
	_cleanup_close_ int fd = -1;
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	_cleanup_(unpack_freep) struct unpack *unpack = NULL;
	size_t size;

	shell(check_dirfd(state), ": | gzip -c >e.gz");
	pieces = open_pieces(check_dirfd(state), "e.gz", &fd);
	assert_int_equal(unpack_new(pieces, archive_read_support_filter_gzip, &unpack, NULL), 0);
	if (read_all(unpack, (const uint8_t *)"", &size, &err) == 0)
		assert_int_equal(size, 0);
	else
		check_error(-1, &err, FAULT_CORRUPT, "cannot be decompressed");
}

static volatile sig_atomic_t signals;
static pthread_t here;

static void on_signal(int number)
{
	signals += pthread_equal(pthread_self(), here) ? 1 : 1000;
}

/* Signals arrive in the caller's thread, which knows what they mean. */
static void test_takes_no_signals(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_free_ uint8_t *bytes = make_file(dirfd);
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	_cleanup_(unpack_freep) struct unpack *unpack = NULL;
	_cleanup_close_ int fd = -1;
	const struct sigaction action = { .sa_handler = on_signal };
	size_t size;

	here = pthread_self();
	compress_by(dirfd, "zstd", "f");
	pieces = open_pieces(dirfd, "f.zst", &fd);
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(unpack_new(pieces, archive_read_support_filter_zstd, &unpack, NULL), 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_int_equal(read_all(unpack, bytes, &size, NULL), 0);
	assert_in_range(signals, 1, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_all_comes_out),  check_in_dir(test_the_reader_may_leave),
		check_in_dir(test_damage),	   check_in_dir(test_twice_compressed),
		check_in_dir(test_many_frames),	   check_in_dir(test_changed_piece),
		check_in_dir(test_nothing_inside), check_in_dir(test_takes_no_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
