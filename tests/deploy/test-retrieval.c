/* The archive of an installed release once more, by the real program's fetch helper from a folder. */
#include "deploy/retrieval.h"

#include "deploy/source.h"
#include "repo.h"

static struct descriptor descriptor;
static struct error why;

/* 1.0 came from the repository and is in slot b. */
static int setup(void **state)
{
	int r = repo_setup(state);

	why = (struct error){};
	repo_add("1.0");
	if (update_stage(&repo_watcher, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	return r;
}

static int get(int *ret_fd)
{
	why = (struct error){};
	return retrieval_get(&repo_watcher, &descriptor, ret_fd, &why);
}

static void check_bytes(int fd)
{
	_cleanup_(digester_freep) struct digester *digester = NULL;
	uint8_t bytes[1 << 16];
	struct digest digest;
	ssize_t n;

	assert_int_equal(digester_new(&digester, NULL), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		assert_int_equal(digester_update(digester, bytes, (size_t)n, NULL), 0);
	assert_int_equal(digester_finish(digester, &digest, NULL), 0);
	assert_true(digest_equal(&digest, &descriptor.source));
}

static void it_is_what_the_seal_names(void **state)
{
	_cleanup_close_ int fd = -1;

	if (get(&fd) != 0)
		fail_msg("%s", why.text);
	check_bytes(fd);
	shell(check_fd, "test -z \"$(ls staging)\""); /* it has no name */
}

/* A retrieval that was killed left its file. */
static void what_lies_there_is_not_taken(void **state)
{
	_cleanup_close_ int fd = -1;

	shell(check_fd, "mkdir -p staging; ln -s /etc/passwd staging/archive");
	if (get(&fd) != 0)
		fail_msg("%s", why.text);
	check_bytes(fd);
}

static void check_refused(enum fault fault, const char *text)
{
	int fd = -1;

	check_error(get(&fd), &why, fault, text);
	assert_int_equal(fd, -1);
}

static void a_source_that_has_it_no_more(void **state)
{
	shell(check_fd, "rm -rf repo/blobs");
	check_refused(FAULT_NETWORK, "does not have it any more");
}

static void what_came_from_no_source(void **state)
{
	descriptor.origin = ORIGIN_SIDELOAD;
	check_refused(FAULT_CONFIG, "did not come from a source");
	descriptor.origin = ORIGIN_SIGNED;
	app_options.source.url = NULL;
	check_refused(FAULT_CONFIG, "no source any more");
}

static void it_must_fit(void **state)
{
	app_options.stage.reserve_bytes = UINT64_MAX / 2;
	check_refused(FAULT_NO_SPACE, "");
}

static void withdrawn_is_stale(void **state)
{
	_cleanup_source_release_ struct source_release release = {};

	shell(check_fd, "$FLIPSLOT repo add repo tree --app gw --version 1.1 --level 1 >out 2>&1\n"
			"$FLIPSLOT repo withdraw repo --app gw --sequence 1 --why bad >out 2>&1 || "
			"{ cat out; exit 1; }\nchmod -R a+rX repo");
	if (source_refresh(&repo_session, "id", "", &release, &why) < 0) /* the news is kept */
		fail_msg("%s", why.text);
	check_refused(FAULT_STALE, "withdrawn");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_what_the_seal_names, setup, repo_teardown),
		cmocka_unit_test_setup_teardown(what_lies_there_is_not_taken, setup, repo_teardown),
		cmocka_unit_test_setup_teardown(a_source_that_has_it_no_more, setup, repo_teardown),
		cmocka_unit_test_setup_teardown(what_came_from_no_source, setup, repo_teardown),
		cmocka_unit_test_setup_teardown(it_must_fit, setup, repo_teardown),
		cmocka_unit_test_setup_teardown(withdrawn_is_stale, setup, repo_teardown),
	};

	return repo_find_program() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
