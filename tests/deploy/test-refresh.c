/* The TUF client over a repository in a folder, made and fetched by the real program. */
#include "deploy/refresh.h"

#include <signal.h>

#include "../release/shell.h"
#include "app.h"
#include "transfer/download.h"

static char program[512];
static char url[128];
static struct fetch_settings settings;
static struct fetcher *fetcher;
static struct refresh refresh_options;
static int store_fd;

static int setup(void **state)
{
	int r = app_setup(state);

	assert_int_equal(setenv("FLIPSLOT", program, 1), 0);
	shell(check_fd, "mkdir store; chmod 755 .\n"
			"$FLIPSLOT repo init repo >out 2>&1 || { cat out; exit 1; }");
	fetch_settings_init(&settings);
	(void)snprintf(url, sizeof(url), "file://%s/repo", check_path);
	settings.file_root = url + strlen("file://");
	assert_int_equal(fetcher_new(program, &settings, &fetcher, NULL), 0);
	assert_int_equal(fd_open_dir(check_fd, "store", &store_fd, NULL), 0);
	refresh_options = (struct refresh){ .fetcher = fetcher, .url = url, .store_fd = store_fd };
	return r;
}

static int teardown(void **state)
{
	fetcher_free(fetcher);
	(void)close(store_fd);
	return check_teardown_closed(state);
}

/* From the root of the repository's beginning. */
static int run(struct error *err)
{
	const struct trusted_options options = { .reference = clock_realtime_usec() };
	_cleanup_(client_freep) struct client *client = NULL;
	_cleanup_free_ char *root = NULL;
	size_t size;

	assert_int_equal(fd_read_file(check_fd, "root.json", CLIENT_ROOT_MAX, &root, &size, NULL),
			 0);
	assert_int_equal(client_new(&options, root, size, &client, NULL), 0);
	return refresh_run(&refresh_options, client, err);
}

static void what_is_verified_is_kept(void **state)
{
	struct error err = {};

	shell(check_fd, "cp repo/metadata/1.root.json root.json");
	if (run(&err) < 0)
		fail_msg("%s", err.text);
	shell(check_fd, "cmp repo/metadata/timestamp.json store/timestamp.json\n"
			"cmp repo/metadata/1.snapshot.json store/snapshot.json");
	assert_int_equal(run(&err), 0); /* from what is kept */
}

static void what_is_not_whole_is_neither_trusted_nor_kept(void **state)
{
	struct error err = {};

	shell(check_fd, "cp repo/metadata/1.root.json root.json\n"
			"sed -i 's/\"version\":1/\"version\":2/' repo/metadata/timestamp.json");
	assert_true(run(&err) < 0);
	assert_string_equal(fault_name(err.fault), fault_name(FAULT_UNTRUSTED));
	assert_int_equal(faccessat(check_fd, "store/timestamp.json", F_OK, 0), -1);
}

static void more_than_may_be_is_an_attack(void **state)
{
	struct error err = {};

	shell(check_fd, "cp repo/metadata/1.root.json root.json\n"
			"head -c 20000 /dev/zero >>repo/metadata/timestamp.json");
	check_error(run(&err), &err, FAULT_UNTRUSTED,
		    "timestamp (timestamp.json): it has more than 16384 bytes");
	assert_int_equal(faccessat(check_fd, "store/timestamp.json", F_OK, 0), -1);
}

static void what_does_not_come_is_named(void **state)
{
	struct error err = {};

	shell(check_fd, "cp repo/metadata/1.root.json root.json\n"
			"rm repo/metadata/timestamp.json && mkdir repo/metadata/timestamp.json");
	check_error(run(&err), &err, FAULT_NETWORK, "timestamp (timestamp.json): file://");
}

static void what_is_kept_spoilt_is_fetched_again(void **state)
{
	struct error err = {};

	shell(check_fd, "cp repo/metadata/1.root.json root.json");
	assert_int_equal(run(&err), 0);
	shell(check_fd, "echo '{' >store/snapshot.json");
	if (run(&err) < 0)
		fail_msg("%s", err.text);
	shell(check_fd, "cmp repo/metadata/1.snapshot.json store/snapshot.json");
}

static void a_small_file(void **state)
{
	struct error err = {};
	void *data = NULL;
	size_t size = 0;

	check_write(check_fd, "repo/hello", "hello", 5);
	assert_int_equal(refresh_get(&refresh_options, "hello", 5, &data, &size, &err), 0);
	assert_int_equal(size, 5);
	assert_memory_equal(data, "hello", 5);
	free(data);
	data = NULL;
	assert_int_equal(refresh_get(&refresh_options, "hello", 4, &data, &size, &err),
			 DOWNLOAD_TOO_LONG);
	assert_null(data);
	assert_int_equal(refresh_get(&refresh_options, "nothing", 5, &data, &size, &err),
			 DOWNLOAD_ABSENT);
}

#define refresh_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		refresh_test(what_is_verified_is_kept),
		refresh_test(what_is_not_whole_is_neither_trusted_nor_kept),
		refresh_test(more_than_may_be_is_an_attack),
		refresh_test(what_does_not_come_is_named),
		refresh_test(what_is_kept_spoilt_is_fetched_again),
		refresh_test(a_small_file),
	};
	const char *build = getenv("B");

	(void)signal(SIGPIPE, SIG_IGN); /* as main does */
	(void)snprintf(program, sizeof(program), "%s/flipslot", build ? build : "build");
	if (access(program, X_OK) < 0) {
		(void)printf("there is no %s to make a repository by\n", program);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
