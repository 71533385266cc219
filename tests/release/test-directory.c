#include "release/directory.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/text.h"
#include "shell.h"

static const struct archive_options lax = {
	.max_bytes = 1ULL << 30,
	.max_files = 1000,
	.max_depth = 20,
	.max_ratio = 1, /* means nothing here */
	.strip_components = 1, /* neither */
};

static int scan(int dirfd, const char *name, char **ret_text, struct error *err)
{
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_close_ int fd = shell_open(dirfd, name);
	int r = directory_scan(fd, &lax, &index, err);

	return r < 0 ? r : index_encode(index, ret_text, NULL, NULL, NULL);
}

static void test_scan(void **state)
{
	static const char zero[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *wanted = NULL;
	struct error err = {};

	shell(check_dirfd(state),
	      "mkdir -p t/d; printf hello >t/d/f; chmod 700 t/d t/d/f; ln t/d/f t/z;"
	      "ln t/d/f t/a; ln -s d/f t/l; touch -d @17 t/d/f");
	if (scan(check_dirfd(state), "t", &text, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(
		asprintf(&wanted,
			 "flipslot-index 1\nf 0755 17 5 %s a\nd 0755 d\nh d/f a\nl l d/f\nh z a\n",
			 zero) > 0);
	assert_string_equal(text, wanted);
}

static void refuse(int dirfd, const char *word)
{
	struct error err = {};
	char *text = NULL;

	check_error(scan(dirfd, "t", &text, &err), &err, FAULT_CORRUPT, word);
}

static void test_refuses(void **state)
{
	static const char *const scripts[][2] = {
		{ ":", "empty" },
		{ "mkfifo t/x", "entry 1 (x): neither" },
		{ "ln -s /etc t/x", "absolute" },
		{ "ln -s .. t/x", "leaves the tree" },
		{ ": >t/x; chmod 4755 t/x", "setuid" },
		{ ": >t/\"$(printf 'a\\nb')\"", "control character" },
		{ ": >t/\"$(printf 'a\\377')\"", "UTF-8" },
		{ "ln -s \"$(printf 'a\\033')\" t/x", "control character" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		shell(check_dirfd(state), "rm -rf t; mkdir t");
		assert_int_equal(
			shell_run(check_dirfd(state),
				  (const char *const[]){ "bash", "-euc", scripts[i][0], NULL }),
			0);
		refuse(check_dirfd(state), scripts[i][1]);
	}
}

static void test_refuses_sockets(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	shell(check_dirfd(state), "mkdir t");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/t/s", check_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	refuse(check_dirfd(state), "entry 1 (s): neither");
}

/* ---- reading ---- */

struct heard {
	struct text text;
	struct digester *digester;
	int dirfd;
	const char *then; /* a script that is run at the first content */
	bool clones;
};

static int on_entry(void *data, const struct index_entry *entry, struct error *err)
{
	struct heard *heard = data;

	text_add(&heard->text, "%s%s%s %llu\n", entry->path, entry->target ? "=" : "",
		 entry->target ? entry->target : "", (unsigned long long)entry->size);
	return 0;
}

static int on_content(void *data, const void *bytes, size_t size, uint64_t offset,
		      struct error *err)
{
	struct heard *heard = data;

	text_add(&heard->text, "%zu@%llu\n", size, (unsigned long long)offset);
	if (heard->then)
		assert_int_equal(
			shell_run(heard->dirfd,
				  (const char *const[]){ "sh", "-euc", heard->then, NULL }),
			0);
	heard->then = NULL;
	return 0;
}

static int on_end(void *data, uint64_t size, struct error *err)
{
	struct heard *heard = data;

	text_add(&heard->text, "end %llu\n", (unsigned long long)size);
	return 0;
}

static int on_clone(void *data, int fd, struct error *err)
{
	struct heard *heard = data;
	struct stat st;

	if (!heard->clones)
		return SINK_NO_CLONE;
	assert_int_equal(fstat(fd, &st), 0);
	text_add(&heard->text, "clone %lld\n", (long long)st.st_size);
	return 0;
}

static const struct archive_sink sink = {
	.entry = on_entry,
	.content = on_content,
	.end = on_end,
	.clone = on_clone,
};

struct progress {
	uint64_t done;
	uint64_t total;
};

static int on_progress(void *data, uint64_t done, uint64_t total, struct error *err)
{
	*(struct progress *)data = (struct progress){ done, total };
	return done > 1000000000 ? error_set(err, FAULT_BUSY, "stopped") : 0;
}

static int read_tree(int dirfd, struct heard *heard, uint64_t total, struct progress *progress,
		     struct error *err)
{
	_cleanup_close_ int fd = shell_open(dirfd, "t");

	heard->dirfd = dirfd;
	return directory_read(fd, &lax, total, &sink, heard, on_progress, progress, err);
}

#define MAKE                                                                    \
	"mkdir -p t/d; printf hello >t/f; : >t/empty; ln t/f t/g; ln -s f t/l;" \
	"truncate -s 10M t/holes; printf x | dd of=t/holes bs=1 seek=5000000 conv=notrunc status=none"

static void test_reads_with_holes_and_links(void **state)
{
	struct heard heard = {};
	struct progress progress = {};
	struct error err = {};

	shell(check_dirfd(state), MAKE);
	if (read_tree(check_dirfd(state), &heard, 10485765, &progress, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(heard.text.data, "d 0\n"
					     "empty 0\nend 0\n"
					     "f 5\n5@0\nend 5\n"
					     "g=f 0\n"
					     "holes 10485760\n4096@4997120\nend 10485760\n"
					     "l=f 0\n");
	assert_int_equal(progress.total, 10485765);
	text_done(&heard.text);
}

static void test_clones_where_it_can(void **state)
{
	struct heard heard = { .clones = true };
	struct progress progress = {};

	shell(check_dirfd(state), MAKE);
	assert_int_equal(read_tree(check_dirfd(state), &heard, 10485765, &progress, NULL), 0);
	assert_non_null(strstr(heard.text.data, "f 5\nclone 5\nend 5\n"));
	assert_non_null(strstr(heard.text.data, "clone 10485760\nend 10485760\n"));
	assert_null(strchr(heard.text.data, '@'));
	assert_int_equal(progress.done, 10485765);
	text_done(&heard.text);
}

static void test_changes_while_it_is_read(void **state)
{
	static const char *const scripts[] = {
		"printf HELLO >t/f; touch -d @99 t/f",
		"printf ' and more' >>t/f",
		"truncate -s 2M t/f",
		"truncate -s 0 t/f",
	};

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct heard heard = { .then = scripts[i] };
		struct progress progress = {};
		struct error err = {};

		shell(check_dirfd(state), "rm -rf t; mkdir t; head -c 3000000 /dev/urandom >t/f");
		check_error(read_tree(check_dirfd(state), &heard, 3000000, &progress, &err), &err,
			    FAULT_BUSY, "f changed while it was being copied");
		assert_null(strstr(heard.text.data, "end"));
		text_done(&heard.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_scan),
		check_in_dir(test_refuses),
		check_in_dir(test_refuses_sockets),
		check_in_dir(test_reads_with_holes_and_links),
		check_in_dir(test_clones_where_it_can),
		check_in_dir(test_changes_while_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
