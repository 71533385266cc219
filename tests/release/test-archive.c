#include "release/archive.h"

#include <langinfo.h>
#include <locale.h>

#include "base/text.h"
#include "shell.h"

static const struct archive_options lax = {
	.max_bytes = 1ULL << 30,
	.max_files = 10000,
	.max_depth = 20,
	.max_ratio = 1000,
};

static struct pieces *open_pieces(int dirfd, const char *name, int *ret_fd)
{
	struct pieces *pieces = NULL;

	*ret_fd = shell_open(dirfd, name);
	assert_int_equal(pieces_new(*ret_fd, NULL, 1 << 30, NULL, NULL, &pieces, NULL), 0);
	return pieces;
}

static char *scan(int dirfd, const char *name)
{
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_(pieces_freep) struct pieces *pieces = open_pieces(dirfd, name, &fd);
	struct error err = {};
	char *text = NULL;

	if (archive_scan(pieces, &lax, NULL, NULL, &index, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	assert_int_equal(index_encode(index, &text, NULL, NULL, NULL), 0);
	return text;
}

#define MAKE_TREE                                                              \
	"mkdir -p t/d; printf 'hello' >t/d/f; ln -s d/f t/l; ln t/d/f t/d/h;"  \
	"mkdir -p 't/gr\303\274\303\237e'; : >'t/e\314\201'; : >'t/\303\251';" \
	"find t -exec touch -h -d @1700000000 {} +;"

/* The same tree by all formats and compressions. */
static void test_all_kinds(void **state)
{
	static const char *const names[] = { "b.tar",	  "c.tar",    "b.tar.gz",
					     "b.tar.bz2", "b.tar.xz", "b.tar.zst" };
	int dirfd = check_dirfd(state);
	_cleanup_free_ char *wanted = NULL;

	shell(dirfd,
	      MAKE_TREE "tar --format=posix -cf a.tar -C t .; tar --format=gnu -cf b.tar -C t .;"
			"tar --format=v7 -cf c.tar -C t .;"
			"for c in gzip bzip2 xz zstd; do $c -q -k b.tar; done");
	wanted = scan(dirfd, "a.tar");
	assert_non_null(strstr(wanted, " d/f\n"));
	assert_non_null(strstr(wanted, "h d/h d/f\n"));
	assert_non_null(strstr(wanted, "l l d/f\n"));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *text = scan(dirfd, names[i]);

		assert_string_equal(text, wanted);
	}
}

/* Names are bytes: neither the locale of the process counts, nor is it changed. */
static void test_names_whatever_the_locale_is(void **state)
{
	static const char *const locales[] = { "C", "C.UTF-8" };
	int dirfd = check_dirfd(state);

	shell(dirfd,
	      MAKE_TREE "tar --format=posix -cf pax.tar -C t .;"
			"tar --format=gnu -cf gnu.tar -C t .; cd t; zip -qry ../z.zip . -x 'e*'");
	for (size_t i = 0; i < ARRAY_SIZE(locales); i++) {
		_cleanup_free_ char *pax = NULL;
		_cleanup_free_ char *gnu = NULL;
		_cleanup_free_ char *zip = NULL;
		_cleanup_free_ char *before = NULL;

		assert_non_null(setlocale(LC_ALL, locales[i]));
		before = strdup(nl_langinfo(CODESET));
		pax = scan(dirfd, "pax.tar");
		gnu = scan(dirfd, "gnu.tar");
		zip = scan(dirfd, "z.zip");
		assert_string_equal(nl_langinfo(CODESET), before);
		assert_string_equal(pax, gnu);
		assert_non_null(strstr(pax, " gr\303\274\303\237e\n"));
		assert_non_null(strstr(pax, " e\314\201\n"));
		assert_non_null(strstr(pax, " \303\251\n"));
		assert_non_null(strstr(zip, " gr\303\274\303\237e\n"));
		assert_non_null(strstr(zip, " \303\251\n"));
	}
	(void)setlocale(LC_ALL, "C");
}

/* ---- what a sink hears ---- */

struct heard {
	struct text text;
	int fail_at; /* the call that fails */
	int calls;
};

static int hear(struct heard *heard, const char *what, const char *name, uint64_t a, uint64_t b,
		struct error *err)
{
	text_add(&heard->text, "%s %s %llu %llu\n", what, name, (unsigned long long)a,
		 (unsigned long long)b);
	if (++heard->calls == heard->fail_at)
		return error_set(err, FAULT_BUSY, "the sink says no");
	return 0;
}

static int on_entry(void *data, const struct index_entry *entry, struct error *err)
{
	return hear(data, "entry", entry->path, (uint64_t)entry->type, entry->size, err);
}

static int on_content(void *data, const void *bytes, size_t size, uint64_t offset,
		      struct error *err)
{
	return hear(data, "content", memchr(bytes, 'x', size) ? "x" : "", size, offset, err);
}

static int on_end(void *data, uint64_t size, struct error *err)
{
	return hear(data, "end", "", size, 0, err);
}

static const struct archive_sink sink = { .entry = on_entry, .content = on_content, .end = on_end };

static int read_to_sink(int dirfd, const char *name, struct heard *heard, struct error *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_(pieces_freep) struct pieces *pieces = open_pieces(dirfd, name, &fd);

	return archive_read(pieces, &lax, &sink, heard, NULL, NULL, err);
}

#define MAKE_SMALL                                                                        \
	"mkdir d; printf x >d/f; : >empty; ln -s f l; ln d/f h; truncate -s 100000 hole;" \
	"printf x | dd of=hole bs=1 seek=50000 conv=notrunc status=none;"                 \
	"tar --format=gnu -S -cf a.tar d empty l h hole; rm -r d"

static void test_what_a_sink_hears(void **state)
{
	struct heard heard = {};
	struct error err = {};

	shell(check_dirfd(state), MAKE_SMALL);
	if (read_to_sink(check_dirfd(state), "a.tar", &heard, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(heard.text.data, "entry d 0 0\n"
					     "entry d/f 1 1\n"
					     "content x 1 0\n"
					     "end  1 0\n"
					     "entry empty 1 0\n"
					     "end  0 0\n"
					     "entry l 2 0\n"
					     "entry h 3 0\n"
					     "entry hole 1 100000\n"
					     "content x 4096 49152\n"
					     "end  100000 0\n");
	text_done(&heard.text);
}

static void test_a_sink_can_stop_it(void **state)
{
	int calls = 0;

	shell(check_dirfd(state), MAKE_SMALL);
	for (int n = 1;; n++) {
		struct heard heard = { .fail_at = n };
		struct error err = {};
		int r = read_to_sink(check_dirfd(state), "a.tar", &heard, &err);

		text_done(&heard.text);
		if (r == 0)
			break;
		check_error(r, &err, FAULT_BUSY, "the sink says no");
		assert_int_equal(heard.calls, n);
		calls = n;
	}
	assert_int_equal(calls, 11);
}

/* ---- changes, progress ---- */

/* Further than the thread that decompresses can be: its slabs, and a piece. */
#define AHEAD ((off_t)6 * 1024 * 1024)

struct watcher {
	int fd;
	uint64_t changed; /* where */
	uint64_t last;
	int calls;
	int stop_at;
	int change_at;
};

static int watch(void *data, uint64_t done, uint64_t total, struct error *err)
{
	struct watcher *watcher = data;

	assert_true(done > watcher->last && done <= total);
	watcher->last = done;
	watcher->calls++;
	if (watcher->calls == watcher->change_at) {
		watcher->changed = done + AHEAD;
		assert_int_equal(pwrite(watcher->fd, "evil", 4, (off_t)watcher->changed), 4);
	}
	return watcher->calls == watcher->stop_at ? error_set(err, FAULT_BUSY, "stopped") : 0;
}

static int scan_watched(int dirfd, const char *name, struct watcher *watcher, struct error *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_(pieces_freep) struct pieces *pieces = open_pieces(dirfd, name, &fd);
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_close_ int writable = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	int r;

	watcher->fd = writable;
	r = archive_scan(pieces, &lax, watch, watcher, &index, err);
	watcher->fd = -1;
	return r;
}

#define MAKE_LARGE                                                    \
	"head -c 8000000 /dev/urandom >f; cp f g; tar -cf a.tar f g;" \
	"gzip -k a.tar; zip -q a.zip f g"

static void test_progress(void **state)
{
	static const char *const names[] = { "a.tar", "a.tar.gz", "a.zip" };

	shell(check_dirfd(state), MAKE_LARGE);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct watcher watcher = {};
		struct watcher stopping = { .stop_at = 3 };
		struct error err = {};

		assert_int_equal(scan_watched(check_dirfd(state), names[i], &watcher, NULL), 0);
		assert_true(watcher.calls > 0 && watcher.last > 9000000);
		if (i == 2)
			continue; /* told only of what lies further than the end it begins with */
		check_error(scan_watched(check_dirfd(state), names[i], &stopping, &err), &err,
			    FAULT_BUSY, "stopped");
	}
}

/* What was changed behind our back is never parsed: the piece is refused as a whole. */
static void test_changes_while_it_is_read(void **state)
{
	static const char *const names[] = { "a.tar", "a.tar.gz" };

	shell(check_dirfd(state), MAKE_LARGE);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct watcher watcher = { .change_at = 4 };
		struct error err = {};

		check_error(scan_watched(check_dirfd(state), names[i], &watcher, &err), &err,
			    FAULT_CORRUPT, "changed while it was being read");
		assert_true(watcher.calls >= 4 && watcher.last <= watcher.changed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_all_kinds),
		check_in_dir(test_names_whatever_the_locale_is),
		check_in_dir(test_what_a_sink_hears),
		check_in_dir(test_a_sink_can_stop_it),
		check_in_dir(test_progress),
		check_in_dir(test_changes_while_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
